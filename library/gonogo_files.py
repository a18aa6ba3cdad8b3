#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Copy a set of text files in one go and compare checksums."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_files
short_description: Copy a set of text files in one go and compare checksums
description:
  - Writes the SQL files of the run's runbook into a directory of the target host that only the login user can read, then reads each back and compares its SHA-256.
  - The files come from the run the stage target opened.
extends_documentation_fragment: [gonogo]
options:
  directory:
    description: Directory of the run on the target host. A folder named after the run is made in it.
    type: path
    required: true
attributes:
  check_mode:
    support: full
"""

EXAMPLES = r"""
- name: Copy the SQL and compare checksums
  gonogo_files:
    directory: ~/.gonogo/runs
"""

RETURN = r"""
directory:
  description: Where the files are.
  returned: success
  type: path
written:
  description: Names of the files that were new or different.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work, through gonogo_remote."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_files runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
