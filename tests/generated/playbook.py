"""The stages of a run in its playbook, in their order."""

from __future__ import annotations

import re

from gonogo.contract.options.every import RUN
from tests.generated import replaced

__all__ = ["run"]

_STAGES = re.compile(r"(?<=^      block:\n).*?(?=^      always:\n)", re.MULTILINE | re.DOTALL)
_STAGE = """\
        - name: {name}
          ansible.builtin.import_role:
            name: {role}
            rolespec_validate: false
"""


def run(text: str) -> str:
    """playbooks/validate.yml."""
    stages = [
        _STAGE.format(name=stage.called or stage.role.capitalize(), role=stage.role)
        for stage in RUN
    ]
    return replaced(_STAGES, text, "".join(stages))
