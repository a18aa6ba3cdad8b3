"""The hosts and the waves of the play that judges, see controller/ansible/waves.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from gonogo.controller.ansible.waves import of_play, of_shapes, strategy

DOCUMENTATION = r"""
name: gonogo_waves
short_description: The hosts and the serial of the play that judges
description:
  - Says in which order hosts are begun, and how many of them together, from C(gonogo_waves).
  - Says whose shape is measured before that, from C(rehearsal_per_shape).
  - Says by which strategy the hosts are begun, as C(--step) needs another one.
  - Knows the variables of the inventory, which C(serial) by itself does not.
options:
  _terms:
    description: What is asked for.
    choices: [hosts, serial, measured, strategy]
    required: true
"""

EXAMPLES = r"""
- hosts: "{{ lookup('gonogo_waves', 'hosts') }}"
  serial: "{{ lookup('gonogo_waves', 'serial', wantlist=true) }}"
"""

RETURN = r"""
_raw:
  description: A pattern of hosts, the sizes of the waves (none where all are begun at once), or a strategy.
  type: list
  elements: str
"""


class LookupModule(LookupBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[Any]:
        """What the play is to be given."""
        del kwargs
        if terms[0] == "strategy":
            return [strategy()]
        if terms[0] == "measured":
            return [of_shapes(variables or {}, self._templar.template)]
        found = of_play(variables or {}, self._templar.template)[terms[0]]
        return found if isinstance(found, list) else [found]
