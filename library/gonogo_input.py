#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Refuse a request that cannot be judged."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_input
short_description: Refuse a request that cannot be judged
description:
  - Checks what a person wrote before the first connection. Command line, inventory variables, runbook, manifest and templates.
  - An empty or unknown group, C(--tags), a misspelt variable or runbook key, an unknown profile, a missing phase file or an undefined name in a template is one clear error.
  - 'Says all that is wrong with each host. With several hosts it does not fail for one of them: the stage target refuses the host by itself, and the others are judged.'
  - Runs on the controller only.
options:
  group:
    description: Group of the inventory that holds the target.
    type: str
    default: gonogo
attributes:
  check_mode:
    support: full
author:
  - pg-gonogo maintainers
"""

EXAMPLES = r"""
- name: Refuse what cannot be judged
  gonogo_input:
    group: gonogo
"""

RETURN = r"""
hosts:
  description: The targets of the run.
  returned: success
  type: list
  elements: str
faulty:
  description: 'Of the hosts that cannot be judged as they are: the name, and all that is wrong.'
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_input runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
