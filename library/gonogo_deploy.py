#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Apply a runbook's migration where it is absent."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_deploy
short_description: Apply a runbook's migration where it is absent
description:
  - Looks for the migration's objects in the real schema. Where all are there, nothing is done; where some are, the stage is refused and names every one; where none is, the migration is applied.
  - The files are applied in one transaction, but for those declared with V(transaction=none). A transaction that does not get its locks in time is rolled back and tried again; so is one whose statement was cancelled, because too many sessions waited behind it, or one of them for too long, or a replica fell behind.
  - Every statement's line in deploy.json says how long it took, what it locked and rewrote, how much it wrote, and for how long the application had to wait for it.
  - Where the migration tool keeps a record in the database, the migration is recorded in its own transaction.
extends_documentation_fragment: [gonogo, gonogo.login, gonogo.timeouts, gonogo.budgets]
options:
  approval_required:
    description: Whether a person has to approve what would be applied. On a protected target it is always asked for.
    type: bool
    default: false
  approval:
    description: The approval of the plan that this run, or an earlier one, has shown.
    type: dict
    suboptions:
      answer:
        description: V(COMMIT) followed by the plan's token. Anything else changes nothing.
        type: str
      approved_by:
        description: Who approves. For an answer that was typed, by default the user who typed it.
        type: str
      typed:
        description: Whether the answer was typed at the prompt.
        type: bool
        default: false
      signatures:
        description: Files with signatures of the plan's text, on the controller. Behind the token of a typed answer there may be more.
        type: list
        elements: str
      run_id:
        description: Run that has shown the plan, by default this one.
        type: str
      fleet_id:
        description: Fleet whose plan is approved, in the place of one host's.
        type: str
  approval_for:
    description: 'What one approval is for, where several hosts are deployed to: all of them, the hosts of one wave, or each host by itself.'
    type: str
    choices: [fleet, wave, host]
    default: fleet
  plan_only:
    description: Whether only the plan is shown.
    type: bool
    default: false
  plan_hours:
    description: How long a plan can be approved.
    type: int
    default: 24
  let_go:
    description: For whom a statement is cancelled, rolled back and tried again. 0 is for nobody.
    type: dict
    default: {}
    suboptions:
      waiters:
        description: More sessions than that wait behind the deployment.
        type: int
        default: 50
      seconds:
        description: One session waits longer than that behind the deployment.
        type: float
        default: 10
      lag:
        description: A replica falls behind by more seconds, or a replication slot comes near its end.
        type: float
        default: 60
  resume:
    description: Whether to do what is left of a deployment of which only statements outside of transactions are missing.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: The stage is skipped, there is no run it could belong to.
"""

EXAMPLES = r"""
- name: Apply the migration
  gonogo_deploy:
    login: {db: orders, user: orders, host: localhost, passfile: ~/.pgpass}
    budgets: {lock: 1s, hold: 5s}
"""

RETURN = r"""
token:
  description: Token of the plan.
  returned: when a plan is shown
  type: str
deployment:
  description: What was done; the same as deploy.json in the evidence.
  returned: when the stage takes part in the run
  type: dict
  contains:
    action:
      description: 'What was done: none, applied, refused, blocked or failed.'
      returned: always
      type: str
    before:
      description: What existed before, object by object.
      returned: always
      type: dict
    after:
      description: What exists now; null when nobody could look.
      returned: always
      type: dict
    statements:
      description: What each statement cost.
      returned: always
      type: list
      elements: dict
    failed_attempts:
      description: The attempts before the one that counts.
      returned: always
      type: list
      elements: dict
    error:
      description: Why it ended early.
      returned: always
      type: dict
    changed:
      description: What differs in the schema.
      returned: always
      type: list
      elements: str
    leftovers:
      description: Unfinished indexes and the commands that remove them.
      returned: always
      type: list
      elements: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work, through gonogo_remote."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_deploy runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
