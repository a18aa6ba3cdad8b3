#!/usr/bin/python
"""Take a backup that has been read back in full."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_backup
short_description: Take a backup that has been read back in full
description:
  - Dumps the database with pg_dump in the custom format under a temporary name, reads the whole archive back with pg_restore, records its SHA-256, and only then gives it its name.
  - An earlier backup is never touched; a failure leaves nothing behind. Files have mode 0600.
  - On the controller, writes backup.json into the run's evidence.
extends_documentation_fragment: [gonogo, gonogo.login]
options:
  run_id:
    description: Id of the run; the archive is called C(DATABASE-RUN_ID.dump). The controller fills it in.
    type: str
    required: false
  directory:
    description: Directory for the archive, on the target host.
    type: path
    required: true
  pg_bin:
    description: Directory of pg_dump and pg_restore. By default they are looked for in E(PATH).
    type: path
  compress:
    description: Compression, as pg_dump's C(--compress). V(0) is refused, an uncompressed archive hides damage.
    type: str
    default: '1'
  lock_wait:
    description: Milliseconds pg_dump waits for a table somebody has locked.
    type: int
    default: 10000
attributes:
  check_mode:
    support: full
    description: In check mode nothing is dumped, and the task says that it would be.
"""

EXAMPLES = r"""
- name: Dump the database, read it back, seal it
  gonogo_backup:
    login: {db: apms_staging, user: apms_staging, host: localhost, passfile: ~/.pgpass}
    directory: ~/.gonogo/backups
"""

RETURN = r"""
backup:
  description: The sealed record, also written beside the archive.
  returned: when not in check mode
  type: dict
  contains:
    file: {description: Path of the archive on the target host., type: path, returned: always}
    size: {description: Size in bytes., type: int, returned: always}
    sha256: {description: SHA-256 of the archive., type: str, returned: always}
    tables: {description: Tables whose rows are in it., type: list, elements: str, returned: always}
    read_back: {description: Whether all of it was read back., type: bool, returned: always}
    seconds: {description: Seconds for dump and read_back., type: dict, returned: always}
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.gonogo import backup, clients
from ansible.module_utils.gonogo.errors import GonogoError
from ansible.module_utils.gonogo.login import application_name
from ansible.module_utils.gonogo.module import connected, login_of, options


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec=options(
            directory={"type": "path", "required": True},
            pg_bin={"type": "path"},
            compress={"type": "str", "default": "1"},
            lock_wait={"type": "int", "default": 10000},
        ),
        supports_check_mode=True,
    )
    params = module.params
    with connected(module):
        from ansible.module_utils.gonogo.connection import connect
        from ansible.module_utils.gonogo.target import observe

        login = login_of(params)
        if params["compress"] in {"0", "none"}:
            raise GonogoError(
                "an uncompressed archive is refused",
                detail="It has no checksums; damage would be restored silently.",
            )
        if module.check_mode:
            module.exit_json(changed=True, msg=f"would dump {login.db} to {params['directory']}")
        name = application_name(params["run_id"], "backup")
        programs = {p: clients.find(p, bin_dir=params["pg_bin"]) for p in ("pg_dump", "pg_restore")}
        # Open for the whole time: the run is seen to be alive while the archive is read back.
        with connect(login, name=name, read_only=True) as connection:
            observed = observe(connection)
            record = backup.take(
                directory=Path(params["directory"]).expanduser(),
                name=f"{observed['database'].replace('/', '_')}-{params['run_id']}",
                environment=login.environment(name=name),
                lock_wait_ms=params["lock_wait"],
                compress=params["compress"],
                about={
                    "database": observed["database"],
                    "environment": observed["environment"],
                    "system_identifier": observed["system_identifier"],
                    "server_version": observed["server_version"],
                    "run_id": params["run_id"],
                    "pg_dump": clients.version(programs["pg_dump"]),
                },
                **programs,
            )
    module.exit_json(changed=True, backup=record)


if __name__ == "__main__":
    main()
