"""The program that verifies evidence on its own: it agrees with the project, and sees every change.

What it is given are runs of the playbook, not evidence made by a test.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract import canonical
from gonogo.contract.errors import GonogoError
from gonogo.contract.records.reading import plain
from gonogo.controller import evidence
from gonogo.controller.evidence import judgement
from sandbox import database as content
from sandbox.cluster import Cluster
from tests.integration.support.harness import Controller, Database
from tests.integration.support.verifier import PROGRAM, verify

SANDBOX = ("-i", "inventories/sandbox", "validate_staging.yml")
# What the project makes from the evidence for people: no event of the chain speaks of it.
WORDS = ("report.md", "report.html", "junit.xml", "report.sarif")


def project_believes(path: Path) -> bool:
    try:
        judgement.confirmed(path)
    except GonogoError:
        return False
    return True


def head(path: Path) -> str:
    return str(json.loads((path / "verdict.json").read_text())["evidence_head"])


def test_it_is_small_and_needs_nothing_of_the_project(tmp_path: Path) -> None:
    assert len(PROGRAM.read_text().splitlines()) <= 340
    # -I: no directory of ours in the path, no variable counts, no site-packages of the user.
    done = subprocess.run(
        [sys.executable, "-I", "-S", PROGRAM, tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "No such file or directory" in done.stdout
    assert str(tmp_path) in done.stdout


# --- runs of each decision ----------------------------------------------------------------------

_WAIVER = {"check": "I1.2", "owner": "Dewi", "reason": "after the import", "expires": "2999-12-31"}
# It is there by its name, which is all that the engine itself asks; what it leaves out, I1.2 finds.
_NARROWER = """
DROP INDEX public.idx_workflow_stages_overdue;
CREATE INDEX idx_workflow_stages_overdue
    ON public.workflow_stages (sla_due_at) WHERE status = 'PENDING'
"""
_KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "GO": ("target", "", {"twin_enabled": True}),
    "NO-GO": ("as_deployed", "", {}),
    "HOLD": ("target", _NARROWER, {}),
    "waived": ("target", _NARROWER, {"gonogo_waivers": [_WAIVER]}),
}


@pytest.fixture(scope="module")
def runs(
    cluster: Cluster,
    templates: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Kind of run → its evidence, which is not to be changed."""
    directory = tmp_path_factory.mktemp("judged")
    made: dict[str, Path] = {}
    for kind, (profile, statement, variables) in _KINDS.items():
        name = f"test_verifier_{os.getpid()}_{len(made)}"
        content.clone(cluster, templates(profile), name)
        database = Database(cluster, name, profile)
        with database.owner() as connection:
            connection.execute(statement.encode())
        (directory / kind).mkdir()
        controller = Controller(directory / kind, directory / kind / "runs")
        controller.aim(database)
        outcome = controller.play(*SANDBOX, "-e", json.dumps(variables))
        assert outcome.verdict["decision"] == kind.replace("waived", "GO"), outcome.output
        made[kind] = outcome.evidence
        content.drop(cluster, name)
    return made


@pytest.mark.parametrize("kind", _KINDS)
def test_it_agrees_with_the_project(kind: str, runs: dict[str, Path]) -> None:
    path = runs[kind]
    decision = json.loads((path / "verdict.json").read_text())["decision"]
    assert verify(path) == (0, f"{decision}  {path.name}  {head(path)}\n")
    assert verify(path, "--head", head(path))[0] == 0
    status, output = verify(path, "--head", "0" * 64)
    assert status == 1
    assert f"the head is {head(path)}" in output


# --- alterations --------------------------------------------------------------------------------

Alteration = tuple[str, Callable[[Path], None]]


def test_it_sees_every_alteration(runs: dict[str, Path], tmp_path: Path) -> None:
    """And so does the project itself, but for a file nobody has written and nothing reads."""
    path, other = runs["GO"], runs["NO-GO"]
    unseen, project_blind = [], []
    for number, (name, alter) in enumerate(_alterations(path, other)):
        copy = tmp_path / str(number) / path.name
        shutil.copytree(path, copy)
        alter(copy)
        status, output = verify(copy)
        if status == 0:
            unseen.append(name)
        assert "Traceback" not in output
        if project_believes(copy):
            project_blind.append(name)
        shutil.rmtree(copy.parent)
    assert number > 300
    assert unseen == []
    # Nothing reads these; a link shows what is there.
    unread = ("note.txt", "ledger.json", ".hidden", "sql/.hidden", "more/run.json")
    assert set(project_blind) == {"link verdict.json", *(f"add {name}" for name in unread)}


def _alterations(path: Path, other: Path) -> Iterator[Alteration]:
    names = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    # One script stands for all.
    scripts = sorted(name for name in names if name.startswith("sql/"))[1:]
    for name in sorted(names - {*WORDS, *scripts}):
        yield from _of_a_file(path, name, other)
    for name in (
        "note.txt",
        ".hidden",
        "sql/.hidden",
        "more/run.json",
        "sql/05.sql",
        "ledger.json",
    ):
        yield f"add {name}", lambda copy, name=name: _write(copy / name, b"{}\n")  # type: ignore[misc]
    yield from _of_the_chain(path)
    yield from _of_the_verdict(path)
    yield "everything of another run", lambda copy: _replace_all(copy, other)


def _of_a_file(path: Path, name: str, other: Path) -> Iterator[Alteration]:
    content = (path / name).read_bytes()

    def become(new: bytes) -> Callable[[Path], None]:
        return lambda copy: _write(copy / name, new)

    for place in (0, len(content) // 2, len(content) - 1):
        flipped = bytes([content[place] ^ 1])
        yield f"flip {name}", become(content[:place] + flipped + content[place + 1 :])
        yield f"lose a byte of {name}", become(content[:place] + content[place + 1 :])
        yield f"add a byte to {name}", become(content[:place] + b" " + content[place:])
    yield f"append to {name}", become(content + b"\n")
    yield f"cut {name}", become(content[: len(content) // 2])
    yield f"empty {name}", become(b"")
    yield f"remove {name}", lambda copy: (copy / name).unlink()
    yield f"link {name}", lambda copy: _link(copy / name)
    if (other / name).is_file() and (other / name).read_bytes() != content:
        yield f"{name} of another run", become((other / name).read_bytes())


def _of_the_chain(path: Path) -> Iterator[Alteration]:
    lines = (path / "events.jsonl").read_bytes().splitlines(keepends=True)

    def become(*new: bytes) -> Callable[[Path], None]:
        return lambda copy: _write(copy / "events.jsonl", b"".join(new))

    for number, line in enumerate(lines):
        before, after = lines[:number], lines[number + 1 :]
        yield f"lose event {number}", become(*before, *after)
        yield f"event {number} twice", become(*before, line, line, *after)
        yield f"end with event {number}", become(*before, line[:-1])
        if after:
            yield f"end before event {number}", become(*before)
            yield f"swap event {number}", become(*before, after[0], line, *after[1:])
        event = json.loads(line)
        respelt = json.dumps(event).encode() + b"\n"
        yield f"spell event {number} otherwise", become(*before, respelt, *after)
        changed = _sealed({**event, "stage": "other"}, event["prev"])
        yield f"another event {number}", become(*before, changed, *after)
        # From there on every hash is made anew; the verdict knows the head of the old ones.
        yield f"all anew from event {number}", become(*before, *_resealed(changed, after))
    for name in ("checks.jsonl", "twin.json", "deploy.json"):
        content = (path / name).read_bytes() if (path / name).exists() else b"{}"
        yield f"write {name} late", partial(_write_late, lines=lines, name=name, content=content)
    for name in ("approval.json", "cleanup.txt", "sql/cleanup.json"):
        yield f"write {name} late", partial(_write_late, lines=lines, name=name, content=b"{}\n")
    nothing = _wrote(lines, "cleanup.json", b"{}")
    yield "say that cleanup.json was written", become(*lines, nothing)
    opened = {**json.loads(lines[0]), "seq": len(lines) + 1}
    yield "open it a second time", become(*lines, _sealed(opened, event["hash"]))


def _write_late(copy: Path, *, lines: list[bytes], name: str, content: bytes) -> None:
    """As a cleanup of later might; but this file belongs to the run that is closed."""
    _write(copy / name, content)
    _write(copy / "events.jsonl", b"".join([*lines, _wrote(lines, name, content)]))


def _wrote(lines: list[bytes], name: str, content: bytes) -> bytes:
    last = json.loads(lines[-1])
    data = {"file": name, "sha256": hashlib.sha256(content).hexdigest()}
    late = {"event": "wrote", "seq": len(lines) + 1, "data": data}
    return _sealed({**last, **late}, last["hash"])


def _of_the_verdict(path: Path) -> Iterator[Alteration]:
    content = (path / "verdict.json").read_text()
    verdict = json.loads(content)
    others: dict[str, Any] = {
        "decision": "HOLD",
        "score": {"passed": 14, "of": 15},
        "checks": {**verdict["checks"], "C1.1": "fail"},
        "criteria": {**verdict["criteria"], "C1": "fail"},
        "reasons": [{"severity": "hold", "subject": "C1.1"}],
        "evidence_head": "0" * 64,
        "finished_at": "2026-01-01T00:00:00.000000Z",
        "run_id": "20260101T000000Z-abcdef",
        "environment": "production",
        "target": {},
        "runbook": "other",
        "runbook_sha256": "0" * 64,
        "profile": "as_deployed",
        "residue": "rollback",
        "more": None,
    }
    assert others.keys() - {"more"} == verdict.keys() - {"conditions", "would_change"}

    def become(text: str) -> Callable[[Path], None]:
        return lambda copy: _write(copy / "verdict.json", text.encode())

    for key, value in others.items():
        yield f"another {key} in the verdict", become(canonical.dumps({**verdict, key: value}))
        if key in verdict:
            less = {name: value for name, value in verdict.items() if name != key}
            yield f"no {key} in the verdict", become(canonical.dumps(less))
    yield "the verdict spelt otherwise", become(json.dumps(verdict))
    # The last of two is what a parser takes, the first what a person reads.
    twice = content.replace('"decision": "GO"', '"decision": "NO-GO",\n  "decision": "GO"')
    yield "two decisions", become(twice)


def test_what_it_cannot_see_and_the_head_can(runs: dict[str, Path], tmp_path: Path) -> None:
    """Whoever writes the whole directory anew; it agrees with itself, and with nothing else."""
    kept = head(runs["HOLD"])
    path = tmp_path / runs["HOLD"].name
    shutil.copytree(runs["HOLD"], path)
    checks = (path / "checks.jsonl").read_bytes()
    passed = checks.replace(b'"status":"fail"', b'"status":"pass"')
    passed = passed.replace(b'"status":"inconclusive"', b'"status":"pass"')
    assert passed != checks
    _write_anew(path, "checks.jsonl", passed)
    assert verify(path)[0] == 0
    assert project_believes(path)
    status, output = verify(path, "--head", kept)
    assert status == 1
    assert "other evidence than was meant" in output


def test_what_was_added_later_is_proven_by_a_later_head(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    """The head of the verdict goes on proving the verdict, and says what it does not prove."""
    path = tmp_path / runs["GO"].name
    shutil.copytree(runs["GO"], path)
    old, heads = head(path), []
    for name, value in (("cleanup_plan.json", {"token": "a"}), ("cleanup.json", {"rows": 3})):
        run = evidence.Run.open(path)
        run.write_json(name, value, stage="cleanup")
        heads.append(evidence.load(path).head)
    plan, done = heads
    first = f"GO  {path.name}  {old}\n"
    seen = f"later  cleanup_plan.json  {plan}\nlater  cleanup.json  {done}\n"
    assert verify(path) == (0, first + seen)
    assert verify(path, "--head", done) == (0, first + seen)
    assert verify(path, "--head", old) == (0, first + seen.replace("later", "unproven"))
    assert verify(path, "--head", plan) == (
        0,
        first + f"later  cleanup_plan.json  {plan}\nunproven  cleanup.json  {done}\n",
    )
    assert judgement.unproven(path, old) == ["cleanup_plan.json", "cleanup.json"]
    assert judgement.unproven(path, plan) == ["cleanup.json"]
    assert judgement.unproven(path, done) == []
    (path / "note.txt").write_text("somebody's")
    assert evidence.load(path).strangers == ["note.txt"]
    (path / "note.txt").unlink()

    lines = (path / "events.jsonl").read_bytes().splitlines(keepends=True)
    earlier = json.loads(lines[0])["hash"]
    with pytest.raises(GonogoError, match="other evidence than was meant"):
        judgement.unproven(path, earlier)
    # Altered and sealed anew, or cut off: whole by itself, and not what the newer head proves.
    for number, alter in enumerate((_altered_later, _cut_later)):
        copy = tmp_path / str(number) / path.name
        shutil.copytree(path, copy)
        alter(copy)
        assert verify(copy)[0] == 0
        assert verify(copy, "--head", old)[0] == 0
        status, output = verify(copy, "--head", done)
        assert (status, "other evidence than was meant" in output) == (1, True)
        with pytest.raises(GonogoError, match="other evidence than was meant"):
            judgement.unproven(copy, done)


def _altered_later(path: Path) -> None:
    lines = (path / "events.jsonl").read_bytes().splitlines(keepends=True)
    changed = canonical.dumps({"rows": 0}).encode()
    _write(path / "cleanup.json", changed)
    _write(
        path / "events.jsonl",
        b"".join([*lines[:-1], _wrote(lines[:-1], "cleanup.json", changed)]),
    )


def _cut_later(path: Path) -> None:
    lines = (path / "events.jsonl").read_bytes().splitlines(keepends=True)
    (path / "cleanup.json").unlink()
    _write(path / "events.jsonl", b"".join(lines[:-1]))


def _no_record_of_a_deployment(plan: Any, events: list[Any]) -> None:
    plan["stages"].insert(-1, "deploy")
    (phases,) = (event for event in events if _passed(event, "phases"))
    place = events.index(phases)
    events.insert(place, {**phases, "stage": "deploy"})


def _clock_set_back(plan: Any, events: list[Any]) -> None:
    """The waiver ended before the run began, and not before the last event says that it ended."""
    (waiver,) = plan["waivers"]
    waiver["expires"] = "2020-01-01"
    events[-1]["at"] = "2019-12-31T12:00:00.000000Z"


def _passed(event: Any, stage: str) -> bool:
    return bool(event["event"] == "stage_passed" and event["stage"] == stage)


@pytest.mark.parametrize(
    ("kind", "change", "subject"),
    [("GO", _no_record_of_a_deployment, "deploy"), ("waived", _clock_set_back, "I1.2")],
)
def test_it_comes_to_the_same_where_no_run_comes_to(
    kind: str,
    change: Callable[[Any, list[Any]], None],
    subject: str,
    runs: dict[str, Path],
    tmp_path: Path,
) -> None:
    path = tmp_path / runs[kind].name
    shutil.copytree(runs[kind], path)
    plan = json.loads((path / "plan.json").read_text())
    events = [json.loads(line) for line in (path / "events.jsonl").read_bytes().splitlines()]
    change(plan, events)
    _write_anew(path, "plan.json", canonical.dumps(plan).encode(), events)
    verdict = json.loads((path / "verdict.json").read_text())
    assert (verdict["decision"], [one["subject"] for one in verdict["reasons"]]) == (
        "HOLD",
        [subject],
    )
    assert verify(path)[0] == 0
    (path / "verdict.json").write_text(
        canonical.dumps({**verdict, "decision": "GO", "reasons": []})
    )
    status, output = verify(path)
    assert status == 1
    assert "decision does not follow" in output


def _write_anew(
    path: Path, name: str, content: bytes, events: list[dict[str, Any]] | None = None
) -> None:
    """Write a file, and the chain and the verdict that would follow from it."""
    old = hashlib.sha256((path / name).read_bytes()).hexdigest()
    (path / name).write_bytes(content)
    if events is None:
        events = [json.loads(line) for line in (path / "events.jsonl").read_bytes().splitlines()]
    for number, event in enumerate(events, start=1):
        event["seq"] = number
        if event["data"].get("sha256") == old:
            event["data"]["sha256"] = hashlib.sha256(content).hexdigest()
    first, *rest = (canonical.line(event).encode() + b"\n" for event in events)
    (path / "events.jsonl").write_bytes(b"".join(_resealed(first, rest)))
    (path / "verdict.json").write_text(canonical.dumps(plain(judgement.decided(path))))


def _sealed(event: dict[str, Any], prev: str) -> bytes:
    bare = {**event, "prev": prev}
    del bare["hash"]
    sealed = {**bare, "hash": canonical.sha256(canonical.line(bare))}
    return canonical.line(sealed).encode() + b"\n"


def _resealed(first: bytes, rest: list[bytes]) -> list[bytes]:
    """Lines of a chain with hashes that follow from the first of them."""
    lines = [first]
    for line in rest:
        lines.append(_sealed(json.loads(line), json.loads(lines[-1])["hash"]))
    return lines


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def _link(path: Path) -> None:
    target = path.parents[1] / "elsewhere"
    path.rename(target)
    path.symlink_to(target)


def _replace_all(copy: Path, other: Path) -> None:
    shutil.rmtree(copy)
    shutil.copytree(other, copy)
