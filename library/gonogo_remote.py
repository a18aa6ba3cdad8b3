#!/usr/bin/python
"""Do on the target host what a stage asks for."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_remote
short_description: Do on the target host what a stage asks for
description:
  - The target host's half of all other modules of this project, which call it by themselves. It is no task of a playbook.
  - It is one module, because Ansible packs every module of a playbook anew.
extends_documentation_fragment: [gonogo]
options:
  entry:
    description: What is asked for, see C(module_utils/gonogo/remote).
    type: str
    required: true
    choices: [backup, cleanup, driver, files, phases, preflight, target]
  arguments:
    description: Its arguments.
    type: dict
    required: true
attributes:
  check_mode:
    support: full
    description: As the module that calls it.
"""

EXAMPLES = r"""
- name: Place files as the stage copy_sql does
  gonogo_remote:
    entry: files
    arguments: {directory: ~/.gonogo/runs/20260131T120000Z-0a1b2c, files: {README: text}}
"""

RETURN = r"""
error:
  description: What is wrong, in the three parts of PostgreSQL's messages.
  returned: failure
  type: dict
  contains:
    primary: {description: What is wrong., type: str, returned: always}
    detail: {description: The facts., type: str, returned: always}
    hint: {description: What to do next., type: str, returned: always}
driver_missing:
  description: Whether psycopg has to be sent first.
  returned: failure
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.gonogo.errors import GonogoError
from ansible.module_utils.gonogo.module import reported
from ansible.module_utils.gonogo.remote import ENTRIES


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "entry": {"type": "str", "required": True, "choices": sorted(ENTRIES)},
            "arguments": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    entry = ENTRIES[module.params["entry"]]
    with reported(module):
        checked = ArgumentSpecValidator(entry.spec).validate(module.params["arguments"])
        if checked.error_messages:
            raise GonogoError("; ".join(checked.error_messages))
        result = entry.run(checked.validated_parameters, check_mode=module.check_mode)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
