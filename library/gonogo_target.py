#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Prove the identity of a target database and take the run lock."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_target
short_description: Prove the identity of a target database and take the run lock
description:
  - Opens a run. The target is protected unless its inventory says C(gonogo_protected=false); this is read from the inventory itself, not from a variable of the task. Refuses a database whose name, environment marker, server or role is not what the inventory declares, before anything is written to it.
  - The marker is the setting C(gonogo.environment) of the database itself, made with C(ALTER DATABASE ... SET), or a line C(gonogo.environment=...) of its comment, made with C(COMMENT ON DATABASE). Where both are there they must agree. A dump restored into another database does not carry it.
  - Takes the run lock, an advisory lock held by a small process on the target host that ends by itself when the run does.
  - Ends sessions that a dead run has left, and removes its unfinished backup; refuses while another run is alive and names it.
  - On the controller, opens the evidence directory of the run.
extends_documentation_fragment: [gonogo, gonogo.login]
options:
  environment:
    description: Environment the inventory declares, such as V(staging).
    type: str
    required: true
  runbook:
    description: 'Folder of the runbook, on the controller. For a folder of O(migrations) that of the derived checks, unless this one is about such a folder, too: it has no migration of its own.'
    type: path
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
  migrate_command:
    description: The words of the command with which the migration tool of O(migrations) applies what is pending, where these are programs. It runs in that folder, on copies of the database, and what it says to them is judged.
    type: list
    elements: str
    default: []
  irreversible:
    description: 'Migrations of O(migrations) that are not to be taken back by their own files, by name or file: the proven backup is the way back from them.'
    type: list
    elements: str
    default: []
  baseline:
    description: 'File of SQL, on the controller, with which the history of O(migrations) begins where it does not begin with an empty database: the schema before its first migration, or with all up to O(baseline_version).'
    type: path
  baseline_version:
    description: 'Name of the migration up to which O(baseline) has all. Without a file the history counts from there on: what is there is taken as it is, and no drift is looked for.'
    type: str
  queries:
    description: 'File of the queries of the application of O(migrations), on the controller: SQL with a semicolon behind each, as the application sends them, with placeholders (C($1), C(?), C(:name), C(%s)) in the place of values. They are never executed: what was understood before has to be understood with the migration. What stands in the file is kept in the evidence.'
    type: path
  own_checks:
    description: 'Folder of own checks about O(migrations), on the controller: each a C(.sql) file of one query with a head of comments, see docs/own-checks.md. They are asked in a transaction in which nothing can be written.'
    type: path
  criteria:
    description: 'How criteria of the derived checks count: id, and V(critical), V(important), V(hold) or V(none). Only the inventory can set it.'
    type: dict
  profile:
    description: Which of the runbook's profiles to expect.
    type: str
    default: target
  residue:
    description: Whether test rows are committed (V(keep)) or never visible to anybody (V(rollback)).
    type: str
    choices: [keep, rollback]
    default: rollback
  parameters:
    description: Values for the runbook's parameters.
    type: dict
    default: {}
  waivers:
    description: 'Accepted deviations. Each has C(check) or C(criterion), C(owner), C(reason) and C(expires), and where it is not for every host C(hosts): names of hosts and groups, with V(*) and V(?) for any characters.'
    type: list
    elements: dict
    default: []
  waivers_file:
    description: 'File of accepted deviations, on the controller: a list in YAML, as O(waivers), for all hosts together.'
    type: path
  refused_databases:
    description: Names of databases that are never this target.
    type: list
    elements: str
    default: []
  system_identifier:
    description: The server's system identifier, where it is known.
    type: str
  promotion:
    description: The evidence of another environment that admits this run. Of which environment it has to be, and how old, only the inventory can say.
    type: dict
    required: true
    suboptions:
      evidence:
        description: Directory of that run, on the controller.
        type: path
  evidence_store:
    description: 'Where the evidence of a run is taken to once it is judged, and where the run that comes next looks for it: a directory (/srv/evidence), a place on a host that sftp reaches (user@host:/srv/evidence), or a git repository (git:git@host:group/evidence.git). See docs/automation.md.'
    type: str
  evidence_ssh_args:
    description: Arguments of ssh with which the store of evidence is reached, such as -i FILE.
    type: str
  pg_bin:
    description: Directory of pg_dump and pg_restore on the target host. By default they are looked for in E(PATH).
    type: path
  backup_directory:
    description: Where the backup will go, on the target host.
    type: path
    required: true
  space_factor:
    description: How much room the backup needs at most, as a multiple of the database's size.
    type: float
    default: 1.0
  lock_lease:
    description: Seconds after which the run lock is given up when no session of the run has been seen.
    type: int
    default: 900
  take_over:
    description: Id of a run whose sessions are to be ended although its controller cannot be asked whether it is dead.
    type: str
attributes:
  check_mode:
    support: full
    description: In check mode identity, clients and room are checked, the lock is not taken and no run is opened.
"""

EXAMPLES = r"""
- name: Prove the target and open the run
  gonogo_target:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
    runbook: runbooks/20251229010228_add_master_tables_final_v2
    profile: target
    residue: keep
    refused_databases: [orders]
    backup_directory: ~/.gonogo/backups
"""

RETURN = r"""
observed:
  description: What the database says about itself.
  returned: success
  type: dict
  sample: {database: orders_staging, environment: staging, login: orders_staging, server_version: '16.4'}
clients:
  description: Path and version of pg_dump and pg_restore.
  returned: success
  type: dict
free_bytes:
  description: Free bytes in the backup directory's file system.
  returned: success
  type: int
fenced:
  description: Names of sessions of dead runs that were ended.
  returned: success
  type: list
  elements: str
swept:
  description: Unfinished backups that cut runs have left, and that were removed.
  returned: success
  type: list
  elements: dict
  contains:
    file:
      description: Path on the target host.
      returned: always
      type: path
    size:
      description: Size in bytes.
      returned: always
      type: int
held:
  description: Who holds the run lock instead of this run.
  returned: success
  type: dict
others:
  description: Ids of other runs that have sessions in the database.
  returned: success
  type: list
  elements: str
run_id:
  description: Id of the run that was opened.
  returned: when not in check mode
  type: str
evidence:
  description: Directory of the run's evidence, on the controller.
  returned: when not in check mode
  type: path
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work, through gonogo_remote."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_target runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
