#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Restore the backup into a twin and prove that it equals its source."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_twin
short_description: Restore the backup into a twin and prove that it equals its source
description:
  - Makes a throw-away cluster on the target host, restores the archive that the stage backup has sealed into it, and compares it with the source at the moment of the dump, every table by its number of rows and an order-independent hash of them, every sequence, and the schema by the catalog.
  - The cluster runs as the login user, or as an unprivileged account where that is root. It listens on a Unix socket in a private directory only, and nothing of it stays behind.
  - Where the host has no server programs of the source's major version, a database beside the source takes it, if the role may create one. Without either the backup stays unproven, and the task says why.
  - On the controller, writes twin.json into the run's evidence. Fails when the twin does not equal its source.
extends_documentation_fragment: [gonogo, gonogo.login]
options:
  enabled:
    description: Whether the backup is restored at all.
    type: bool
    default: true
  required:
    description: Whether an unproven backup stands in the way of a GO.
    type: bool
    default: false
  keep_backups:
    description: How many of the newest proven backups of a database stay on the host, the one of this run among them. Older ones are removed once this one is proven; those that a way back may need stay. Without it all stay.
    type: int
  directory:
    description: Directory for the twin, on the target host.
    type: path
    required: true
  pg_bin:
    description: Directory of pg_restore. By default it is looked for in E(PATH).
    type: path
  server_bin:
    description: Directory of initdb and postgres, of the source's major version. By default they are looked for beside pg_dump and where packages put them.
    type: path
  scratch:
    description: Whether the backup may be restored into a database beside the source, on its server, where the host can have no cluster. It is dropped afterwards.
    type: bool
    default: true
  jobs:
    description: How many sessions restore side by side; V(0) is one for each processor of the target host, at most eight.
    type: int
    default: 0
  space_factor:
    description: Free space the twin needs, as a multiple of the database's size.
    type: float
    default: 1.2
  at_once:
    description: How many twins a host makes at once, of all runs with this gonogo_remote_dir. The others wait for their turn, and for the room that was promised to others.
    type: int
    default: 2
  turn_timeout:
    description: Seconds to wait for a turn.
    type: int
    default: 7200
  migrate_environment:
    description: Variables of the environment of the migration tool's command, beside E(DATABASE_URL), E(PGHOST), E(PGPORT), E(PGUSER) and E(PGDATABASE). In their values C({url}), C({host}), C({port}), C({user}) and C({database}) stand for those of the copy, and C({address}) for what comes behind the scheme of the URL.
    type: dict
    default: {}
  migrate_timeout:
    description: Seconds that one run of the migration tool's command may take.
    type: int
    default: 600
  migrate_records:
    description: Names of tables in which the migration tool keeps its record, beside those that are known by name.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: In check mode nothing is restored, and the task says that it would be.
"""

EXAMPLES = r"""
- name: Restore the backup into a twin, compare it with its source
  gonogo_twin:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    directory: ~/.gonogo/twins
"""

RETURN = r"""
twin:
  description: What is written to twin.json.
  returned: when not in check mode
  type: dict
  contains:
    proven:
      description: Whether the twin equals its source; null where it could not be tried.
      returned: always
      type: bool
    reason:
      description: Why the backup is not proven.
      returned: always
      type: str
    required:
      description: Whether an unproven backup stands in the way of a GO.
      returned: always
      type: bool
    backup_sha256:
      description: The sealed archive that was restored.
      returned: always
      type: str
    method:
      description: Where it was restored.
      returned: when it was tried
      type: str
    confinement:
      description: 'What was taken from the server of a cluster: files, network, signals; and the reason where not all of it.'
      returned: when it was restored into a cluster
      type: dict
    first_attempt:
      description: Why the first attempt to restore it failed. The second one restores in a row, into a fresh database without settings.
      returned: when there was a second one
      type: str
    seconds:
      description: Seconds for start and restore and compare.
      returned: when it was tried
      type: dict
    proof:
      description: Rows and hash of every table, source and twin; differences of sequences, large objects and schema.
      returned: when it was restored
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work, through gonogo_remote."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_twin runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
