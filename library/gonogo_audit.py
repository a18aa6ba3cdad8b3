#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Audit a database, read-only, and compare with the last audit."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_audit
short_description: Audit a database, read-only, and compare with the last audit
description:
  - Asks the checks of a runbook that only read (C(transaction) V(read_only) or V(snapshot)), all of them in one snapshot. Nothing is written to the database, no backup is taken, and no lock that a run would wait for.
  - Refuses while a run is at work on the database.
  - Where O(migrations) is given, or no O(runbook), the derived checks are asked.
  - Keeps what it finds below C(audits) beside the runs of the environment, and says what is V(new), V(worse), V(better) or V(gone) since the last audit of the same host, runbook and profile.
  - 'What the database has to be like where a check compares, such as the rights of each role, is what the baseline has found: the first audit, until O(baseline) makes another one of it.'
extends_documentation_fragment: [gonogo, gonogo.login, gonogo.timeouts]
options:
  environment:
    description: Environment of the run.
    type: str
    required: true
  runbook:
    description: 'Folder of the runbook, on the controller. For a folder of O(migrations) that of the derived checks, unless this one is about such a folder, too: it has no migration of its own.'
    type: path
  migrations:
    description: Folder of the migrations of an application, on the controller, as its migration tool keeps them. What is pending of them is judged by the derived checks. A O(runbook) that has a migration of its own is not used then, and neither are its O(profile) and its parameters.
    type: path
  profile:
    description: Which of the runbook's profiles to expect.
    type: str
    default: target
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
  baseline:
    description: Whether the database as it is now becomes what later audits compare with.
    type: bool
    default: false
  fail_on:
    description: 'Changes that fail the task: V(new), V(worse), V(better) or V(gone). An audit that could not ask all of its checks always fails.'
    type: list
    elements: str
    choices: [new, worse, better, gone]
    default: [new, worse]
attributes:
  check_mode:
    support: full
    description: The stage is skipped.
"""

EXAMPLES = r"""
- name: Audit the database, compare with the last audit
  gonogo_audit:
    login: {db: orders, user: orders_reader, host: localhost, passfile: ~/.pgpass}
    environment: production
    runbook: runbooks/derived
    profile: target
    fail_on: [new, worse]
"""

RETURN = r"""
audit:
  description: Directory of the audit, on the controller.
  returned: success
  type: path
changes:
  description: How many changes there are of each kind.
  returned: success
  type: dict
  sample: {better: 0, gone: 1, new: 1, worse: 0}
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work, through gonogo_remote."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_audit runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
