#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Measure which databases are of one shape."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_shape
short_description: Measure which databases are of one shape
description:
  - Reads the schema and the settings that a migration would see. Of the databases of one shape the largest is begun first, and the migration is rehearsed for all of them on its copy.
  - 'It decides the order alone: whether a run may go by the rehearsal of another one is found out later, from what both have measured for their backups.'
  - Writes nothing, and takes no lock that a run would wait for. Where it cannot be measured the task says so, and the database is rehearsed by itself.
extends_documentation_fragment: [gonogo, gonogo.login, gonogo.timeouts]
options: {}
attributes:
  check_mode:
    support: full
    description: The stage is skipped.
"""

EXAMPLES = r"""
- name: Measure the shape of the database
  gonogo_shape:
    login: {db: orders, user: orders, host: localhost, passfile: ~/.pgpass}
"""

RETURN = r"""
shape:
  description: Digest of the shape; null where it is not known.
  returned: always
  type: str
size:
  description: Bytes of the database.
  returned: where it was measured
  type: int
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work, through gonogo_remote."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_shape runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
