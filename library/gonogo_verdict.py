#!/usr/bin/python
# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""Decide GO, HOLD or NO-GO from the evidence of a run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_verdict
short_description: Decide GO, HOLD or NO-GO from the evidence of a run
description:
  - Closes the run this playbook has opened, computes the verdict as a pure function of the evidence, and writes verdict.json and the reports beside it.
  - Runs on the controller only. It takes no result from any variable.
  - Says the verdict on the terminal, whatever callback plugins there are.
  - Fails for the decisions in O(fail_on), and where no run was opened. An exit status of zero is not a GO, only verdict.json is.
  - Fails, too, where the evidence could not be taken to O(evidence_store); the verdict stands all the same.
options:
  fail_on:
    description: Decisions that fail the task.
    type: list
    elements: str
    choices: [HOLD, NO-GO]
    default: [HOLD, NO-GO]
  evidence_store:
    description: 'Where the evidence of a run is taken to once it is judged, and where the run that comes next looks for it: a directory (/srv/evidence), a place on a host that sftp reaches (user@host:/srv/evidence), or a git repository (git:git@host:group/evidence.git). See docs/automation.md.'
    type: str
  evidence_ssh_args:
    description: Arguments of ssh with which the store of evidence is reached, such as -i FILE.
    type: str
  attestation_key:
    description: 'File of the private key of this gate, on the controller: PEM, Ed25519 or ECDSA P-256, without a passphrase, and readable by its owner alone. With it the verdict is signed, see docs/attestation.md.'
    type: path
  recompute:
    description: Evidence directory of an earlier run. Its verdict is computed again and compared with its verdict.json; nothing is written but by O(publish).
    type: path
  head:
    description: With O(recompute), the head of the evidence as it was kept elsewhere; that of the verdict, or a later one. Fails where it is none of them, and names what it does not prove.
    type: str
  attested_by:
    description: With O(recompute), the public key in PEM, in a file on the controller, that has to have attested the verdict. Fails where it has not.
    type: path
  publish:
    description: 'With O(recompute), write report.md, report.html, junit.xml and report.sarif again. Nothing is signed: that is for the run itself.'
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Nothing is judged in check mode.
author:
  - pg-gonogo maintainers
"""

EXAMPLES = r"""
- name: Decide and report
  gonogo_verdict:
    fail_on: [HOLD, NO-GO]

- name: Compute an earlier verdict again
  gonogo_verdict:
    recompute: runs/staging/20260131T120000Z-0a1b2c
"""

RETURN = r"""
decision:
  description: The decision.
  returned: when a run was judged
  type: str
  sample: GO
score:
  description: Scoring units passed, and how many there are.
  returned: when a run was judged
  type: dict
  sample: {of: 15, passed: 15}
evidence:
  description: Directory of the run's evidence.
  returned: when a run was judged
  type: path
stored:
  description: Path of the evidence below O(evidence_store).
  returned: when it was taken there
  type: str
  sample: staging/-/0f3c.../20260131T120000Z-0a1b2c.tar.gz
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="gonogo_verdict runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
