#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Try migration, way back and phases on the twin."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_rehearsal
short_description: Try migration, way back and phases on the twin
description:
  - Works on the twin that the stage twin has left, a copy of the database on the target host, and removes it at the end. The database itself is not touched.
  - Where the run deploys, applies the migration there, takes it back, compares schema and rows with what was there before, and applies it again. Nothing is ended there for its time; what takes longer than the budgets of the deployment is measured twice and is a HOLD where it stays so. Records of each statement how long it took, what it locked, rewrote and wrote.
  - Then runs preflight and phases with rows that stay, races included, whatever the inventory says about the database itself, and tries once more whether the migration can be taken back.
  - Where another run admits this one, compares the schema, as it is with the migration, with the one that run has seen.
  - On the controller, writes rehearsal.json and schema.json into the run's evidence. Fails where the run would deploy and the rehearsal is no GO; else what it finds is part of the verdict.
extends_documentation_fragment: [gonogo, gonogo.login, gonogo.timeouts, gonogo.budgets]
options:
  required:
    description: Whether a run that could not be rehearsed is a HOLD. On a protected target nothing is deployed that was not rehearsed.
    type: bool
    default: false
  sabotage:
    description: Whether the twin is then broken, one thing at a time, to find out which checks notice and which can never fail. Writes sabotage.json; it is no part of the verdict.
    type: bool
    default: false
  sabotage_tables:
    description: The tables to break; all of the manifest's where none is named.
    type: list
    elements: str
    default: []
  per_shape:
    description: Whether the rehearsal on another database of the same shape counts for this one, where another host of the play has been chosen to rehearse for it.
    type: bool
  resume:
    description: Whether the run finishes a deployment, see M(gonogo_deploy).
    type: bool
    default: false
  jobs:
    description: How many sessions ask the questions about rows that are there, all in one snapshot, before the first script that tries something; V(1) is the session of the scripts, where they stand. V(0) is one for each processor of the target host, at most eight, and V(1) for a database of less than 256 MB.
    type: int
    default: 0
  directory:
    description: Directory of this project on the target host.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: In check mode nothing is tried.
"""

EXAMPLES = r"""
- name: Try everything on the twin
  gonogo_rehearsal:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    directory: ~/.gonogo
"""

RETURN = r"""
rehearsal:
  description: What is written to rehearsal.json.
  returned: when not in check mode
  type: dict
  contains:
    done:
      description: Whether there was a twin to try it on; null where not.
      returned: always
      type: bool
    reason:
      description: Why there was none.
      returned: always
      type: str
    state:
      description: What was there of the migration before.
      returned: where the run deploys
      type: str
    deployment:
      description: What applying it came to, statement by statement, as of gonogo_deploy.
      returned: where it was applied
      type: dict
    undone:
      description: 'What taking it back came to: seconds, and the tables nobody else could use meanwhile.'
      returned: where it was applied
      type: dict
    rows_changed:
      description: Tables that were there before whose rows the migration has changed.
      returned: always
      type: dict
    rows_removed:
      description: 'Tables that were there before and have fewer rows with the migration, or are gone: rows and hash of what they held.'
      returned: always
      type: dict
    problem:
      description: What is wrong with the migration or its undo.
      returned: where something is
      type: dict
    slow:
      description: Statements that took longer than they may, with all times and what they rewrote.
      returned: always
      type: list
    alone:
      description: Whether nothing else was in their way when they were tried again.
      returned: where they were
      type: bool
    unlike_promotion:
      description: What of the schema is not as it was validated.
      returned: where another run admits this one
      type: list
    retried:
      description: 'What applying again came to of what no object tells: changes of the schema, and statements that could not be tried.'
      returned: where a migration has such statements and seems to be there
      type: dict
    checks:
      description: The result of every check, as in checks.jsonl.
      returned: always
      type: list
    back:
      description: What taking it back would come to with the rows of the phases.
      returned: where there is an undo
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work, through gonogo_remote."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_rehearsal runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
