"""The stages of a run in its playbook, in their order."""

from __future__ import annotations

import re

from gonogo.contract.options.every import RUN
from tests.generated import replaced

__all__ = ["run"]

_STAGES = re.compile(
    r"(?<=^    - name: Run the stages\n      tags: always\n      block:\n).*?(?=^      always:\n)",
    re.MULTILINE | re.DOTALL,
)
_STAGE = """\
        - name: {name}
          ansible.builtin.import_role:
            name: {role}
            rolespec_validate: false
"""
# No task of such a host is left to be run, that of the verdict among them: it has one.
_DONE = """\
        - name: Leave alone what is done
          ansible.builtin.meta: end_host
          when: __target_opened.done | default(false)
"""


def run(text: str) -> str:
    """playbooks/validate.yml."""
    stages = []
    for stage in RUN:
        stages.append(_STAGE.format(name=stage.called or stage.role.capitalize(), role=stage.role))
        if stage.role == "target":
            stages.append(_DONE)
    return replaced(_STAGES, text, "".join(stages))
