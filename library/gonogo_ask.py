#!/usr/bin/python
"""Ask the person at the terminal about one host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_ask
short_description: Ask the person at the terminal about one host
description:
  - Shows a prompt and returns what was typed. Every host is asked about by itself, where C(ansible.builtin.pause) asks once for all of them.
  - Without a terminal, and after Ctrl-C, the answer is empty.
  - Runs on the controller only.
options:
  prompt:
    description: What is asked. The name of the host is put before it.
    type: str
    required: true
attributes:
  check_mode:
    support: full
author:
  - pg-gonogo maintainers
"""

EXAMPLES = r"""
- name: Ask for COMMIT or ROLLBACK
  gonogo_ask:
    prompt: COMMIT 0123456789 applies the migration; ROLLBACK, or no answer, changes nothing
  register: answer
"""

RETURN = r"""
user_input:
  description: What was typed.
  returned: always
  type: str
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_ask runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
