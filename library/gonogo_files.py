#!/usr/bin/python
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

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.gonogo.files import place
from ansible.module_utils.gonogo.module import reported


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "files": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    with reported(module):
        directory = Path(module.params["directory"]).expanduser()
        written = place(directory, module.params["files"], check_only=module.check_mode)
    module.exit_json(changed=bool(written), directory=str(directory), written=written)


if __name__ == "__main__":
    main()
