#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Take a migration back, after approval."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_undo
short_description: Take a migration back, after approval
description:
  - Rehearses the runbook's undo scripts in a transaction that is rolled back, proves that they leave the schema as it was before the deployment and the rows of every table that stays as they are, and shows the plan with its token.
  - The plan names every row that would be lost. Without an approval of exactly that plan nothing is changed.
  - Holds the run lock while it works. Ends sessions that a dead run has left; refuses while another run is alive and names it.
  - Where the migration tool keeps a record in the database, it says in the same transaction that the migration was taken back.
  - No answer, a wrong token, another run, an expired plan or V(ROLLBACK) changes nothing.
extends_documentation_fragment: [gonogo, gonogo.login, gonogo.timeouts, gonogo.approval]
options:
  run_id:
    description: Id of the run whose migration is taken back. By default the newest of the environment that has deployed.
    type: str
  budgets:
    description: Limits, written like V(500ms), V(5s) or V(10min).
    type: dict
    default: {}
    suboptions:
      lock:
        description: Waiting for one lock.
        type: str
        default: 2s
      hold:
        description: Not used here; the plan says how long the application would wait.
        type: str
        default: 10s
      statement:
        description: One statement.
        type: str
        default: 10min
      attempts:
        description: How often a transaction is tried that does not get its locks.
        type: int
        default: 10
      wait:
        description: Waiting before it is tried again.
        type: str
        default: 1s
attributes:
  check_mode:
    support: full
    description: In check mode only the plan is shown.
"""

EXAMPLES = r"""
- name: Show the plan
  gonogo_undo:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
  register: plan

- name: Carry it out
  gonogo_undo:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
    approval:
      answer: COMMIT 0123456789
      approved_by: Dewi
      run_id: 20260131T120000Z-0a1b2c
"""

RETURN = r"""
run_id:
  description: Run whose migration it is.
  returned: when a run has deployed
  type: str
token:
  description: Token of the plan.
  returned: when there is anything to take back
  type: str
state:
  description: 'State of the migration before: absent, applied, partial or unfinished.'
  returned: when a run has deployed
  type: str
changes:
  description: Names of what changes in the schema.
  returned: when a run has deployed
  type: list
  elements: str
removed:
  description: Those of them that are there no more.
  returned: when a run has deployed
  type: list
  elements: str
lost:
  description: Table, or column of a table that stays, to number of rows that are lost with it.
  returned: when a run has deployed
  type: dict
compared:
  description: Tables whose rows were compared before and after.
  returned: when a run has deployed
  type: list
  elements: str
locked_seconds:
  description: For how long nobody else could use the tables it touches.
  returned: when a run has deployed
  type: float
holds:
  description: 'What an approval is for: a name to its rows and a digest.'
  returned: when a run has deployed
  type: dict
committed:
  description: Whether it is gone for good.
  returned: always
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work, through gonogo_remote."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_undo runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
