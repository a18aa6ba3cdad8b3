#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Explain a run from its evidence alone."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_explain
short_description: Explain a run from its evidence alone
description:
  - 'Proves the evidence of a run, computes its verdict again, and says the decision, its reasons, what was found in which objects and rows, and the next commands: which of them take nobody, and which take the approval of a person.'
  - 'The playbook ends with the same as one line of JSON, for programs: docs/programs.md has its keys. Nothing is asked of a host.'
options:
  run:
    description: Directory of the run's evidence, on the controller.
    type: path
  head:
    description: Head of the evidence as a run, a cleanup, an undo or a restore has printed it. What was written after it is named, and other evidence is an error.
    type: str
attributes:
  check_mode:
    support: full
    description: 'In check mode it is the same: nothing is changed.'
author:
  - pg-gonogo maintainers
"""

EXAMPLES = r"""
- name: Explain a run
  gonogo_explain:
    run: runs/staging/20260131T120000Z-0a1b2c
"""

RETURN = r"""
explanation:
  description: What the last line of the playbook says, see docs/programs.md.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_explain runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
