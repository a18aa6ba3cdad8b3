"""An approval by signature, as people give it: with the commands that a playbook has printed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.support.harness import Controller, Database
from tests.integration.support.verifier import verify

SANDBOX = ("-i", "inventories/sandbox")
CLEANUP = "playbooks/cleanup.yml"


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_a_cleanup_is_approved_by_a_signature(
    database: Database, controller: Controller, tmp_path: Path
) -> None:
    before = database.rows()
    controller.aim(database)
    outcome = controller.play(*SANDBOX, "validate_staging.yml")
    kept = database.rows()
    assert kept != before, outcome.output
    words = ("-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key"))
    subprocess.run(["ssh-keygen", *words], check=True)
    listed = tmp_path / "allowed_signers"
    listed.write_text(f"dewi@example.com {(tmp_path / 'key.pub').read_text()}")
    listed.chmod(0o600)
    said = (*SANDBOX, *controller.inventory(gonogo_approval_signers=str(listed)), CLEANUP)

    shown = controller.play(*said)
    assert "No answer: nothing was removed." in shown.output
    (command,) = (line for line in shown.output.splitlines() if "ssh-keygen -Y sign" in line)
    signing = command.strip().replace("KEY", "key")
    subprocess.run(["sh", "-c", signing], cwd=tmp_path, check=True, capture_output=True)
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

    given["gonogo_approval_signatures"] = str(tmp_path / "NAME.sig")
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
