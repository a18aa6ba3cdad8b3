"""What a runbook says of audits: read, referred to rightly, and taken over by what extends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.contract.errors import InputError
from gonogo.controller import runbook
from gonogo.controller.invocation import project
from gonogo.controller.reading import yamlfile
from gonogo.controller.runbook.derived import DERIVED
from gonogo.controller.runbook.extension import completed
from tests.unit.test_author import SMALL


def small(folder: Path, more: str) -> runbook.Runbook:
    for name, text in SMALL.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    file = folder / "runbook.yml"
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{more}\n", encoding="utf-8")
    return runbook.load(folder, profile="target", parameters={})


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("audit: {baseline: [nothing]}", "no fact is called 'nothing'"),
        ("audit: {whole: [nowhere]}", "no phase is called 'nowhere'"),
        ("audit: {left_out: [nowhere]}", "no phase is called 'nowhere'"),
        ("audit: {wholly: [x]}", "wholly"),
        ("audit: []", "audit"),
    ],
)
def test_what_is_not_there_is_refused(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        small(tmp_path / "notes", more)
    assert message in caught.value.render()


def test_what_may_have_nothing_to_look_at_says_why_it_does_not_apply_then() -> None:
    derived = runbook.load(project.ROOT / "runbooks" / DERIVED, profile="target", parameters={})
    checks = derived.declared.checks
    assert [one.id for one in checks if one.empty_ok and not one.empty] == []
    assert [one.id for one in checks if one.empty and not one.empty_ok] == []


def test_an_audit_asks_what_only_reads() -> None:
    derived = runbook.load(DERIVED, profile="target", parameters={}, templates=False)
    assert [phase.name for phase in derived.asked_of_audit("preflight")] == ["00_before"]
    assert [phase.name for phase in derived.asked_of_audit("phases")] == [
        *("01_objects", "02_relations", "03_rights")
    ]
    (ships,) = (project.ROOT / "runbooks").glob("20251229010228_*")
    loaded = runbook.load(ships, profile="target", parameters={}, templates=False)
    assert [phase.name for phase in loaded.asked_of_audit("phases")] == [
        *("01_critical_C1_C2", "06_contradictions")
    ]


def test_what_extends_another_audits_as_it_does(tmp_path: Path) -> None:
    """As far as it has the phases."""
    base = yamlfile.load(DERIVED / "runbook.yml")
    phases = [{"name": "01_objects", "title": "Objects", "transaction": "snapshot"}]
    own = {"extends": "derived", "phases": phases, "checks": []}
    document = yamlfile.Document(tmp_path / "runbook.yml", own, {})
    merged = completed(document, base).data
    assert merged["audit"] == {"baseline": ["before"], "whole": ["01_objects"]}
    said = yamlfile.Document(document.path, {**own, "audit": {"whole": ["x"]}}, {})
    assert completed(said, base).data["audit"] == {"whole": ["x"]}
