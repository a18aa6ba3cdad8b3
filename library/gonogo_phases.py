#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Run the phase scripts of a run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_phases
short_description: Run the phase scripts of a run
description:
  - Renders every phase script of the runbook from the facts in the evidence, puts it beside the runbook's SQL on the target host, and runs each in its own transaction over one connection.
  - Each script answers its checks; a script that dies keeps the answers it had given, the rest of its checks did not run.
  - Races are run with sessions of their own after the script that declares them.
  - Test rows are committed only where C(gonogo_residue) is V(keep), and only below rows that the run itself has made. Every row that may be created is in ledger.jsonl before the first script runs.
  - Releases the run lock at its end.
extends_documentation_fragment: [gonogo, gonogo.login, gonogo.timeouts]
options:
  directory:
    description: Directory of runs on the target host.
    type: path
    required: true
  jobs:
    description: How many sessions ask the questions about rows that are there, all in one snapshot, before the first script that tries something; V(1) is the session of the scripts, where they stand. V(0) is one for each processor of the target host, at most eight, and V(1) for a database of less than 256 MB.
    type: int
    default: 0
attributes:
  check_mode:
    support: full
    description: The stage is skipped, there is no run it could belong to.
"""

EXAMPLES = r"""
- name: Run the phase scripts
  gonogo_phases:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    directory: ~/.gonogo/runs
    timeouts: {lock: 2s}
"""

RETURN = r"""
phases:
  description: What each script answered.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the phase.
      returned: always
      type: str
    ran:
      description: Whether it ran at all.
      returned: always
      type: bool
    committed:
      description: Whether its transaction was committed; null when nobody knows.
      returned: always
      type: bool
    error:
      description: 'Why it ended early: SQLSTATE, message, block and line.'
      returned: always
      type: dict
    checks:
      description: The results of its checks.
      returned: always
      type: list
      elements: dict
    races:
      description: The results of its races.
      returned: always
      type: list
      elements: dict
    seconds:
      description: How long it took.
      returned: always
      type: float
alone:
  description: Why one session had to ask everything, where several were to.
  returned: where it was so
  type: str
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work, through gonogo_remote."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_phases runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
