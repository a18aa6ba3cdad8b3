"""An approval by signature, as people give it: with the commands that a playbook has printed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.support.harness import Controller, Database, Outcome
from tests.integration.support.targets import ROLL_OUT, VALIDATE, Make, make_target
from tests.integration.support.verifier import verify

SANDBOX = ("-i", "inventories/sandbox")
CLEANUP = "playbooks/cleanup.yml"


with_keygen = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed"
)


def signers(directory: Path, *names: str) -> Path:
    """A key for each of these, and the file that lists them."""
    listed = directory / "allowed_signers"
    listed.touch(0o600)
    with listed.open("a") as file:
        for name in names:
            words = ("-q", "-t", "ed25519", "-N", "", "-f", str(directory / name))
            subprocess.run(["ssh-keygen", *words], check=True)
            file.write(f"{name}@example.com {(directory / f'{name}.pub').read_text()}")
    return listed


def sign(outcome: Outcome, directory: Path, name: str) -> str:
    """Sign the plan by the command that the playbook has printed; returns the file."""
    (command,) = (line for line in outcome.output.splitlines() if "ssh-keygen -Y sign" in line)
    words = command.strip().replace("KEY", name).replace("NAME.sig", f"{name}.sig")
    subprocess.run(["sh", "-c", words], cwd=directory, check=True, capture_output=True)
    return str(directory / f"{name}.sig")


@with_keygen
def test_a_cleanup_is_approved_by_a_signature(
    database: Database, controller: Controller, tmp_path: Path
) -> None:
    before = database.rows()
    controller.aim(database)
    outcome = controller.play(*SANDBOX, "validate_staging.yml")
    kept = database.rows()
    assert kept != before, outcome.output
    listed = signers(tmp_path, "dewi")
    said = (*SANDBOX, *controller.inventory(gonogo_approval_signers=str(listed)), CLEANUP)

    shown = controller.play(*said)
    assert "No answer: nothing was removed." in shown.output
    signature = sign(shown, tmp_path, "dewi")
    given = {
        "cleanup_run_id": outcome.evidence.name,
        "cleanup_token": shown.output.split("cleanup_token=")[1].split()[0],
        "cleanup_approved_by": "Dewi",
    }
    unsigned = json.dumps({**given, "gonogo_approval_unsigned": True})
    refused = controller.play(*said, "-e", unsigned)
    assert "only the inventory may say" in refused.output, refused.output
    assert refused.status != 0
    assert database.rows() == kept

    given["gonogo_approval_signatures"] = signature
    done = controller.play(*said, "-e", json.dumps(given))
    assert done.status == 0, done.output
    assert database.rows() == before
    record = json.loads((outcome.evidence / "cleanup.json").read_text())
    assert record["approved_by"] == "dewi@example.com"
    assert record["signed"]["signatures"][0]["principal"] == "dewi@example.com"
    assert verify(outcome.evidence, "--allowed-signers", str(listed))[0] == 0
    listed.write_text(listed.read_text().replace("dewi", "tom"))
    status, problems = verify(outcome.evidence, "--allowed-signers", str(listed))
    assert status == 1
    assert "dewi@example.com has not signed it" in problems


@pytest.mark.attack
@with_keygen
@pytest.mark.usefixtures("with_twin")
def test_a_rollout_is_approved_by_signatures(
    make_database: Make, controller: Controller, tmp_path: Path
) -> None:
    """Production, with a GO of staging, where two have to sign."""
    staging = make_target(make_database, controller, "staging")
    production = make_target(make_database, controller, "production")
    before = production.schema()
    validated = staging.play(*VALIDATE)
    assert validated.verdict["decision"] == "GO", validated.output
    listed = signers(tmp_path, "dewi", "tom", "eve")
    # Eve has a key, and is not in the file.
    listed.write_text("".join(listed.read_text().splitlines(keepends=True)[:2]))
    said = {
        "gonogo_promotion_from": "staging",
        "gonogo_promotion_evidence": str(staging.run()),
        "gonogo_approval_signers": str(listed),
        "gonogo_approval_needed": 2,
    }

    shown = production.play(*ROLL_OUT, **said)
    assert shown.verdict["decision"] == "HOLD", shown.output
    assert "No answer: nothing was deployed" in shown.output
    first = production.run()
    dewi, tom, eve = (sign(shown, tmp_path, name) for name in ("dewi", "tom", "eve"))
    approval = {
        "deploy_run_id": first.name,
        "deploy_token": shown.output.split("deploy_token=")[1].split()[0],
    }
    # Two, of whom one is nobody that the inventory names.
    given = {"gonogo_approval_signatures": f"{dewi},{eve}"}
    refused = production.play(*ROLL_OUT, **said, **approval, **given)
    assert "by a key that may not sign" in refused.output, refused.output
    assert refused.status != 0
    assert production.schema() == before

    given = {"gonogo_approval_signatures": f"{dewi},{tom}"}
    done = production.play(*ROLL_OUT, **said, **approval, **given)
    assert done.verdict["decision"] == "GO", done.output
    run = production.run()
    record = json.loads((run / "deploy.json").read_text())
    assert record["action"] == "applied"
    assert record["approved"]["shown_by"] == first.name
    signed = record["approved"]["signed"]
    people = ["dewi@example.com", "tom@example.com"]
    assert sorted(one["principal"] for one in signed["signatures"]) == people
    assert json.loads(signed["text"])["run_id"] == first.name
    assert production.schema() == staging.schema() != before

    own = ("--allowed-signers", str(listed))
    assert verify(run, *own)[0] == 0
    # The verifier's own copy decides: who is not in that has not approved it.
    listed.write_text(listed.read_text().replace("tom", "ada"))
    status, problems = verify(run, *own)
    assert status == 1
    assert "tom@example.com has not signed it" in problems
