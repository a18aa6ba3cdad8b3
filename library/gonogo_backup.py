#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Take a backup that has been read back in full."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_backup
short_description: Take a backup that has been read back in full
description:
  - Dumps the database with pg_dump in the directory format under a temporary name, reads the whole archive back with pg_restore, records the SHA-256 of its files, and only then gives it its name.
  - An earlier backup is never touched; a failure leaves nothing behind. Directories have mode 0700, files 0600.
  - On the controller, writes backup.json into the run's evidence.
extends_documentation_fragment: [gonogo, gonogo.login]
options:
  directory:
    description: Directory for the archive, on the target host.
    type: path
    required: true
  pg_bin:
    description: Directory of pg_dump and pg_restore. By default they are looked for in E(PATH).
    type: path
  compress:
    description: Compression, as pg_dump's C(--compress). V(auto) is lz4 where this pg_dump has it (16 and later), else gzip at level 1. V(0) is refused, an uncompressed archive hides damage.
    type: str
    default: auto
  jobs:
    description: How many sessions dump tables side by side; V(0) is one for two cores of the target host, from two to four, as the server needs as many for itself.
    type: int
    default: 0
  lock_wait:
    description: Milliseconds pg_dump waits for a table that somebody has locked.
    type: int
    default: 10000
  at_once:
    description: How many dumps a host makes at once, of all runs with this gonogo_remote_dir. The others wait for their turn, and for the room that was promised to others.
    type: int
    default: 2
  turn_timeout:
    description: Seconds to wait for a turn.
    type: int
    default: 7200
attributes:
  check_mode:
    support: full
    description: In check mode nothing is dumped, and the task says that it would be.
"""

EXAMPLES = r"""
- name: Dump the database, read it back, seal it
  gonogo_backup:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    directory: ~/.gonogo/backups
"""

RETURN = r"""
backup:
  description: The sealed record, also written beside the archive.
  returned: when not in check mode
  type: dict
  contains:
    file:
      description: Path of the archive (a directory) on the target host.
      returned: always
      type: path
    files:
      description: Name to size and SHA-256 of each file.
      returned: always
      type: dict
    size:
      description: Size in bytes.
      returned: always
      type: int
    sha256:
      description: SHA-256 of the list of its files as sha256sum prints it.
      returned: always
      type: str
    tables:
      description: Tables whose rows are in it, as SQL names them.
      returned: always
      type: list
      elements: str
    read_back:
      description: Whether all of it was read back.
      returned: always
      type: bool
    seconds:
      description: Seconds for dump and read_back.
      returned: always
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work, through gonogo_remote."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_backup runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
