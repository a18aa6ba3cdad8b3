"""A protected target asks for the evidence of a GO elsewhere, of these files and not an old one."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract import canonical
from gonogo.contract.errors import InputError
from gonogo.controller import runbook
from gonogo.controller.request import promotion
from gonogo.controller.request.protection import ONLY_INVENTORY, Protection
from tests.integration.support.harness import PROJECT, Controller, Database, Outcome
from verify.verify_attestation import attested

Make = Callable[..., Database]

pytestmark = pytest.mark.usefixtures("with_twin")

RUNBOOK = PROJECT / "runbooks" / "20251229010228_add_master_tables_final_v2"
VALIDATE = ("-i", "inventories/sandbox", "validate_staging.yml")
ROLL_OUT = ("-i", "inventories/sandbox", "rollout_production.yml")


PROTECTED = Protection(True, "this is a test", "sandbox", None)


@dataclass
class Promotion:
    """A database that was validated, another that is production, and a controller for both."""

    staging: Database
    production: Database
    controller: Controller
    # Directory of the run on staging, a GO.
    evidence: Path
    # File of the public key that has attested it.
    gate: Path

    def roll_out(self, **variables: Any) -> Outcome:
        said = {
            "gonogo_environment": "production",
            "gonogo_promotion_from": "sandbox",
            **{name: variables.pop(name) for name in ONLY_INVENTORY if name in variables},
        }
        given = {
            "gonogo_residue": "rollback",
            "gonogo_promotion_evidence": str(self.evidence),
            **variables,
        }
        inventory, extra = (
            {key: value for key, value in values.items() if value is not None}
            for values in (said, given)
        )
        self.controller.aim(self.production)
        return self.controller.play(
            *ROLL_OUT, *self.controller.inventory(**inventory), "-e", json.dumps(extra)
        )

    def runs(self) -> list[Path]:
        return sorted(self.controller.runs_dir.glob("production/*Z-*"))

    def copy(self, directory: Path) -> Path:
        """The evidence once more, to be altered."""
        target = directory / self.evidence.name
        shutil.copytree(self.evidence, target)
        return target

    def admitted(self, path: Path | None = None, **changes: Any) -> promotion.Admitted | None:
        wanted = promotion.Wanted("sandbox", str(path or self.evidence), max_age_hours=24)
        given = {
            "protection": PROTECTED,
            "environment": "production",
            "runbook": runbook.load(RUNBOOK, profile="target", parameters={}, templates=False),
            "now": datetime.now(UTC),
        }
        own = {key: changes.pop(key) for key in given if key in changes}
        return promotion.admitted(replace(wanted, **changes), **{**given, **own})


@pytest.fixture
def validated(make_database: Make, controller: Controller, tmp_path: Path) -> Promotion:
    staging, production = make_database(), make_database()
    _mark(production, "production")
    controller.aim(staging)
    gate = _key(tmp_path / "gate.pem")
    outcome = controller.play(*VALIDATE, "-e", f"gonogo_attestation_key={tmp_path / 'gate.pem'}")
    assert outcome.verdict["decision"] == "GO", outcome.output
    return Promotion(staging, production, controller, outcome.evidence, gate)


def _key(file: Path) -> Path:
    """A private key as docs/attestation.md makes it; the file of its public key."""
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", file], check=True)
    file.chmod(0o600)
    public = file.with_suffix(".pub")
    subprocess.run(["openssl", "pkey", "-in", file, "-pubout", "-out", public], check=True)
    return public


def _mark(database: Database, environment: str) -> None:
    with database.admin() as connection:
        connection.execute(
            f"ALTER DATABASE \"{database.name}\" SET gonogo.environment = '{environment}'"
        )


def test_production_lets_in_what_was_a_go_elsewhere(validated: Promotion, tmp_path: Path) -> None:
    for without in (
        {"gonogo_promotion_evidence": None},
        {"gonogo_promotion_from": None},
        {"gonogo_promotion_evidence": str(tmp_path)},
        # Attested, and not by one that production trusts.
        {"gonogo_promotion_keys": [_key(tmp_path / "other.pem").read_text()]},
    ):
        refused = validated.roll_out(**without)
        assert "nothing was judged" in refused.output
        assert "gonogo_promotion_" in refused.output
    assert not validated.runs()

    outcome = validated.roll_out(gonogo_promotion_keys=[validated.gate.read_text()])
    assert outcome.verdict["decision"] == "GO", outcome.output
    assert outcome.verdict["environment"] == "production"
    (run,) = validated.runs()
    kept = json.loads((run / "run.json").read_text())["promotion"]
    assert kept["run_id"] == validated.evidence.name
    assert kept["attested_by"] == attested(validated.evidence, validated.gate)
    assert kept["target"]["database"] == validated.staging.name
    assert kept["verdict_sha256"] == canonical.sha256(
        (validated.evidence / "verdict.json").read_bytes()
    )


def test_evidence_about_the_very_database_is_refused(validated: Promotion) -> None:
    """The marker alone was changed between the two runs."""
    _mark(validated.staging, "production")
    validated.production = validated.staging
    before = validated.staging.rows()
    outcome = validated.roll_out()
    assert outcome.verdict["decision"] == "HOLD"
    assert "is about this very database" in outcome.output
    assert validated.staging.rows() == before
    # Nothing of it is in the way of the next.
    assert "another run works" not in validated.roll_out().output


def test_what_does_not_prove_itself_is_refused(validated: Promotion, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    assert validated.admitted()
    cases: list[tuple[str, dict[str, Any]]] = [
        ("it is older than 1 hours", {"max_age_hours": 1, "now": now + timedelta(hours=2)}),
        ("it ends in the future", {"now": now - timedelta(hours=1)}),
        ("it is about profile target, not as_deployed", {"runbook": _load(profile="as_deployed")}),
        ("it is about sandbox, not staging", {"source": "staging"}),
        ("an environment cannot be its own rehearsal", {"environment": "sandbox"}),
        ("a protected target asks for the evidence of another environment", {"source": None}),
        ("this environment asks for the evidence of a GO on sandbox", {"evidence": None}),
        ("not a directory of evidence", {"evidence": str(tmp_path)}),
    ]
    for message, changes in cases:
        with pytest.raises(InputError, match=message):
            validated.admitted(**changes)
    free = Protection(False, "", None, None)
    assert validated.admitted(protection=free, source=None) is None


def test_another_file_of_the_runbook_is_another_runbook(
    validated: Promotion, tmp_path: Path
) -> None:
    for name in ("migration.sql", "phases/04_invariants.sql.j2", "races/V2.3.yml.j2"):
        folder = tmp_path / name.replace("/", "_") / RUNBOOK.name
        shutil.copytree(RUNBOOK, folder)
        (folder / name).write_text((folder / name).read_text() + "\n")
        with pytest.raises(InputError, match="the runbook has changed since") as caught:
            validated.admitted(runbook=_load(folder))
        assert f"Not the same: {name}." in caught.value.render()


def test_altered_evidence_is_refused(validated: Promotion, tmp_path: Path) -> None:
    def rename(path: Path) -> None:
        path.rename(path.with_name("20260101T000000Z-abcdef"))

    def exchange(name: str, old: str, new: str) -> Callable[[Path], None]:
        def change(path: Path) -> None:
            text = (path / name).read_text()
            assert old in text
            (path / name).write_text(text.replace(old, new, 1))

        return change

    alterations: list[tuple[str, Callable[[Path], None]]] = [
        ("the evidence is not as the run has left it", exchange("checks.jsonl", "pass", "fail")),
        ("the evidence is not as the run has left it", exchange("run.json", "sandbox", "staging")),
        ("the evidence is not as the run has left it", exchange("events.jsonl", "wrote", "wrotf")),
        ("the evidence is not as the run has left it", lambda p: (p / "backup.json").unlink()),
        ("verdict.json does not follow", exchange("verdict.json", '"passed": 15', '"passed": 14')),
        ("holds no verdict", lambda p: (p / "verdict.json").unlink()),
        ("not as the run has left it", rename),
    ]
    for number, (message, change) in enumerate(alterations):
        folder = tmp_path / str(number)
        change(validated.copy(folder))
        (path,) = folder.iterdir()
        with pytest.raises(InputError, match=message):
            validated.admitted(path)


def test_a_verdict_that_is_no_go_lets_nobody_in(
    make_database: Make, controller: Controller
) -> None:
    controller.aim(make_database("as_deployed"))
    outcome = controller.play(*VALIDATE, "-e", "gonogo_profile=as_deployed")
    decision = outcome.verdict["decision"]
    assert decision != "GO"
    with pytest.raises(InputError, match=f"the run it is about is a {decision}"):
        promotion.admitted(
            promotion.Wanted("sandbox", str(outcome.evidence), max_age_hours=24),
            protection=PROTECTED,
            environment="production",
            runbook=_load(profile="as_deployed"),
            now=datetime.now(UTC),
        )


def _load(folder: Path = RUNBOOK, *, profile: str = "target") -> runbook.Runbook:
    return runbook.load(folder, profile=profile, parameters={}, templates=False)
