#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Put a proven backup in the place of the database, after approval."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_restore
short_description: Put a proven backup in the place of the database, after approval
description:
  - Restores the backup of a run into a new database on the same server and compares it there with what was dumped. Then the two change names in one transaction; the database that was there is kept under another name, read-only.
  - Only a backup that its run has proven (stage C(twin)) is restored, and only while its files are those that were sealed.
  - The new database gets the settings, privileges, comment and connection limit of the present one, its marker among them.
  - Sessions in the present database are ended when the names change. Where that fails, or anything before it, the new database is removed and nothing else has changed.
  - Where an approved restore was interrupted, the next call finds out on the server whether it was done, says so and puts it on record; so do the modules of a cleanup, an undo and the next run.
  - Takes the run lock while it works; ends sessions that a dead run has left, and refuses while another run is alive.
  - Needs CREATEDB and the ownership of the database, or a superuser; pg_signal_backend where sessions of other roles are to be ended.
  - What belongs to each owner is restored in a session of its own. Only a superuser can do that; another login is refused where functions of other roles would run with its rights.
extends_documentation_fragment: [gonogo, gonogo.login, gonogo.timeouts, gonogo.approval]
options:
  run_id:
    description: Id of the run whose backup is restored. It has no default.
    type: str
  maintenance:
    description: Database of the same server to work from.
    type: str
    default: postgres
  pg_bin:
    description: Directory of pg_restore on the target host. By default it is looked for in E(PATH).
    type: path
  jobs:
    description: How many sessions restore side by side; V(0) is one for each processor of the target host, at most eight.
    type: int
    default: 0
attributes:
  check_mode:
    support: full
    description: In check mode only the plan is shown.
"""

EXAMPLES = r"""
- name: Show the plan
  gonogo_restore:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
    run_id: 20260131T120000Z-0a1b2c

- name: Carry it out
  gonogo_restore:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
    run_id: 20260131T120000Z-0a1b2c
    approval:
      answer: COMMIT 0123456789
      approved_by: Dewi
      run_id: 20260131T120000Z-0a1b2c
"""

RETURN = r"""
run_id:
  description: Run whose backup it is.
  returned: success
  type: str
token:
  description: Token of the plan.
  returned: success
  type: str
kept_as:
  description: Name that the present database gets, or has got.
  returned: success
  type: str
tables:
  description: Table to its rows now and in the backup, where its content is not the same.
  returned: success
  type: dict
left:
  description: Databases that an interrupted restore has left, and that are removed, C(name) and C(oid).
  returned: success
  type: list
  elements: dict
alike:
  description: Names of databases that only look like one. They stay.
  returned: success
  type: list
  elements: str
intent:
  description: 'What tells afterwards whether it was done: C(database), C(database_oid), C(system_identifier) and C(kept_as).'
  returned: success
  type: dict
holds:
  description: 'What an approval is for: a name to its rows and a digest.'
  returned: success
  type: dict
came:
  description: Table to its rows in the plan and in the database that is kept, where it was written to in the last moment; null where nobody could look.
  returned: when it was done
  type: dict
first_attempt:
  description: Why the first attempt to fill the new database failed, where there was a second one; else null.
  returned: when it was done
  type: str
proof:
  description: What was restored against what was dumped, table by table.
  returned: when it was done
  type: dict
committed:
  description: Whether the databases have changed names.
  returned: always
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work, through gonogo_remote."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_restore runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
