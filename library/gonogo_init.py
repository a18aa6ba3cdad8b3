#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Write the inventory of a database."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_init
short_description: Write the inventory of a database
description:
  - Writes a folder below C(inventories/) with C(hosts.yml) and C(group_vars/gonogo.yml), and says how the database is marked and what to run next.
  - Nothing is connected to, and nothing that is there is written over. No password goes into an inventory; libpq reads it from O(passfile) on the target host.
options:
  name:
    description: Name of the inventory, which is that of its folder.
    type: str
  environment:
    description: Environment of the database, such as V(staging) or V(production).
    type: str
  host:
    description: Host of the database, reached over SSH. Without one the database is reached from the controller itself.
    type: str
  ssh_user:
    description: User to log in to O(host) as.
    type: str
  database:
    description: Name of the database.
    type: str
  db_user:
    description: Role to log in to the database as, which owns the tables. By default the name of the user there, as peer authentication wants it.
    type: str
  db_host:
    description: Server of the database as seen from O(host). By default its Unix-domain socket.
    type: str
  db_port:
    description: Port of the server; 5432 if unset.
    type: str
  passfile:
    description: Password file on O(host), mode 0600, where the login needs a password.
    type: str
  pg_bin:
    description: Directory of pg_dump and pg_restore on O(host), where PATH has none.
    type: str
  migrations:
    description: Folder of the application's migrations, on the controller.
    type: path
  directory:
    description: Where the folder of the inventory goes; C(inventories/) of the project if unset.
    type: path
attributes:
  check_mode:
    support: full
    description: In check mode nothing is written.
author:
  - pg-gonogo maintainers
"""

EXAMPLES = r"""
- name: Write an inventory
  gonogo_init:
    name: mine
    environment: staging
    host: db.example.com
    ssh_user: deploy
    database: orders_staging
    db_user: orders
    migrations: ../app/migrations
"""

RETURN = r"""
inventory:
  description: Folder of the inventory.
  returned: success
  type: path
marker:
  description: The command that marks the database.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_init runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
