#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Find the facts about a target, read-only."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_preflight
short_description: Find the facts about a target, read-only
description:
  - Runs the runbook's preflight scripts in a read-only transaction and returns what they find as facts.
  - Everything the old runbook asked a person to write down and to paste into scripts is among them.
  - On the controller, writes facts.json and the results of the checks into the run's evidence. Later scripts are rendered from there, not from variables.
extends_documentation_fragment: [gonogo, gonogo.login, gonogo.timeouts]
options:
  directory:
    description: Directory of runs on the target host; the scripts are put into a folder named after the run.
    type: path
    required: true
  after_deploy:
    description:
      - 'Run the scripts that the runbook declares with V(after: deploy), which ask about the migrated schema.'
      - Where the stage deploy takes part in a run, they are left out before it; where it does not, they run with the others, and this does nothing.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: The stage is skipped, there is no run it could belong to.
"""

EXAMPLES = r"""
- name: Find the facts
  gonogo_preflight:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    directory: ~/.gonogo/runs

- name: The tenant was found
  ansible.builtin.assert:
    that: ansible_facts.gonogo.tenant.code == 'EXAMPLE'
"""

RETURN = r"""
ansible_facts:
  description: Facts about the target.
  returned: success
  type: dict
  contains:
    gonogo:
      description: One key a fact, as the runbook's preflight script calls it.
      returned: success
      type: dict
      sample: {orders_id_type: text, tenant: {code: EXAMPLE}, users: [admin-001]}
phases:
  description: What each script answered.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work, through gonogo_remote."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_preflight runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
