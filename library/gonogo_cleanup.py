#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Remove the test rows a run has left, after approval."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_cleanup
short_description: Remove the test rows a run has left, after approval
description:
  - Rehearses the removal of the rows in a run's ledger in a transaction that is rolled back, proves that nothing outside the ledger would change, and shows the plan with its token.
  - Holds the run lock while it works. Ends sessions that a dead run has left; refuses while another run is alive and names it.
  - With an approval of exactly that plan the same is done again and, if nothing has changed since, committed.
  - No answer, a wrong token, another run, an expired plan or V(ROLLBACK) changes nothing.
extends_documentation_fragment: [gonogo, gonogo.login, gonogo.timeouts, gonogo.approval]
options:
  run_id:
    description: Id of the run whose rows are removed. By default the newest run of the environment that has left any.
    type: str
attributes:
  check_mode:
    support: full
    description: In check mode only the plan is shown.
"""

EXAMPLES = r"""
- name: Show the plan
  gonogo_cleanup:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
  register: plan

- name: Carry it out
  gonogo_cleanup:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    environment: staging
    approval:
      answer: COMMIT 0123456789
      approved_by: Dewi
      run_id: 20260131T120000Z-0a1b2c
"""

RETURN = r"""
run_id:
  description: Run whose rows they are.
  returned: when a run has left rows
  type: str
token:
  description: Token of the plan.
  returned: when a run has left rows
  type: str
rows:
  description: Table to number of rows of the run that are there.
  returned: when a run has left rows
  type: dict
holds:
  description: 'What an approval is for: a name to its rows and a digest.'
  returned: when a run has left rows
  type: dict
committed:
  description: Whether the rows are gone for good.
  returned: always
  type: bool
remaining:
  description: Rows of the ledger that are left, counted afterwards in a session of its own.
  returned: when a run has left rows
  type: int
compared:
  description: How many tables were compared before and after.
  returned: when a run has left rows
  type: int
unseen:
  description: Tables the login cannot read. They were not compared, and not written to.
  returned: when a run has left rows
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work, through gonogo_remote."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_cleanup runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
