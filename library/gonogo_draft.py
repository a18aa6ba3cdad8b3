#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Write the derived runbook of a folder of migrations."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_draft
short_description: Write the derived runbook of a folder of migrations
description:
  - Writes the runbook that judges a folder of migrations as a folder of data and SQL, to be read, changed and kept. What is derived is below C(derived/), with what each migration does; what is written by hand stands beside it and is never touched.
  - Where there is a draft already, shows in what a new one would differ, and writes nothing unless O(update) says so. A derived file that was changed by hand is not written over.
options:
  migrations:
    description: Folder of the migrations of an application, on the controller, as its migration tool keeps them. What is pending of them is judged by the derived checks. A O(runbook) that has a migration of its own is not used then, and neither are its O(profile) and its parameters.
    type: path
  migration_tool:
    description: The migration tool of O(migrations), see docs/migration-tools.md; V(auto) finds it by what only its folder has.
    type: str
    default: auto
  migration_schema:
    description: Schema of the application, in which its tool keeps its record unless it has a schema of its own.
    type: str
    default: public
  directory:
    description: Folder of the runbook, on the controller.
    type: path
  update:
    description: Whether what is derived now takes the place of what was.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: In check mode nothing is written.
author:
  - pg-gonogo maintainers
"""

EXAMPLES = r"""
- name: Write down what is derived
  gonogo_draft:
    directory: ../app/gonogo
    migrations: ../app/migrations
"""

RETURN = r"""
runbook:
  description: Folder of the runbook.
  returned: success
  type: path
differing:
  description: Derived files that are not what would be derived now.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_draft runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
