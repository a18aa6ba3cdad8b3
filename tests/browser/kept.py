"""Evidence of real runs, kept as one file each, and written into a directory again.

    python -m tests.browser.kept DIRECTORY NAME [CHECK ...]

keeps what reports are made of: the directory of a run becomes `evidence/NAME.json`. What of it says
where it ran (paths, names of the machine and of databases of tests) is another's afterwards, and
what no report shows is left out. Of the SQL there is what has asked these checks.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "module_utils"))

from gonogo.contract import canonical  # noqa: E402 - what it imports is on the path by now
from gonogo.controller.evidence import Run  # noqa: E402
from tests.records import RUN  # noqa: E402

__all__ = ["kept", "written"]

Files = dict[str, Any]
_FOLDER = Path(__file__).parent / "evidence"
_LINES = (".jsonl",)
# Nothing of these is in a report.
_LEFT_OUT = re.compile(
    r"(judged|sabotage|\w*schema\w*|deploy_intent|verdict)\.json|report\.\w+|junit.*"
)
# So many rows of the ledger do: a report has their number.
_ROWS = 12
_TEMPORARY = re.escape(tempfile.gettempdir())
_ELSEWHERE = (
    (rf"{_TEMPORARY}/gonogo-sandbox-\w+/server/bin", "/usr/lib/postgresql/17/bin"),
    (rf"{_TEMPORARY}/pytest[\w./-]*?/migrations", "/srv/shop/migrations"),
    (rf"{_TEMPORARY}/pytest[\w./-]*?/(?:sandbox/)?target", "/var/lib/gonogo"),
    (rf"{_TEMPORARY}/gonogo-demo-\w+/target", "/var/lib/gonogo"),
    (rf"{_TEMPORARY}/[\w./-]*?/pg_service\.conf", "/etc/postgresql/pg_service.conf"),
    (rf"(?:/var)?{_TEMPORARY}/gonogo-twin-\w+", "/run/gonogo-twin"),
    (r"test_\d+_\d+", "shop_staging"),
    (r'"(?:vm|localhost)"', '"controller"'),
    (r'"operator":"root"', '"operator":"Ada Wijaya"'),
    (r'"inventory_host":"sandbox"', '"inventory_host":"db1.example"'),
    ("sandbox", "staging"),
)


def kept(name: str) -> Files:
    """The files of a run as they were kept: an object, lines as a list, SQL as nothing."""
    found = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def written(
    files: Files, runs: Path, *, run_id: str | None = None, host: str | None = None
) -> Path:
    """Write a run's evidence below `runs`, its events at the moments they had; its directory."""
    declared = {**RUN, **files["run.json"]}
    declared["run_id"] = run_id or declared["run_id"]
    if host:
        declared["target"] = {**declared["target"], "inventory_host": host}
    now = datetime.now(UTC)

    def clock() -> datetime:
        return now

    first, *events = files["events.jsonl"]
    now = _moment(first)
    run = Run.create(runs, declared["environment"], declared["run_id"], clock=clock)
    texts = {**files, "run.json": declared}
    for event in events:
        now = _moment(event)
        if event["event"] == "wrote":
            _write(run, event, texts, declared["run_id"])
        else:
            run.append(event["stage"], event["event"], event["data"])
    return run.path


def _write(run: Run, event: Mapping[str, Any], texts: Files, run_id: str) -> None:
    name, stage = event["data"]["file"], event["stage"]
    if name.endswith(".sql"):
        text = texts["sql"].get(name, "-- This SQL of the run was not kept.\n")
        run.write(name, text, stage=stage)
    elif name.endswith(_LINES):
        run.append_lines(name, texts[name], stage=stage)
    else:
        value = texts[name]
        own = {"run_id": run_id} if "run_id" in value else {}
        run.write_json(name, {**value, **own}, stage=stage)


def _moment(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["at"])


def _taken(directory: Path, checks: Sequence[str]) -> Files:
    """What is worth keeping of a run's directory."""
    events = [json.loads(line) for line in (directory / "events.jsonl").read_text().splitlines()]
    names = sorted({event["data"]["file"] for event in events if event["event"] == "wrote"})
    files: Files = {
        name: _read(directory / name)
        for name in names
        if not _LEFT_OUT.fullmatch(name) and not name.endswith(".sql")
    }
    run = files["run.json"]
    files["run.json"] = {key: run[key] for key in run if key not in ("digests", "versions")}
    files["ledger.jsonl"] = files.get("ledger.jsonl", [])[:_ROWS]
    asked = {
        name: "".join(_blocks((directory / name).read_text(encoding="utf-8"), checks))
        for name in names
        if name.endswith(".sql")
    }
    kept_sql = {name: text for name, text in asked.items() if text}
    return {**files, "events.jsonl": list(_told(events)), "sql": kept_sql}


def _blocks(script: str, checks: Sequence[str]) -> Iterator[str]:
    """What a script has to ask these checks."""
    for found in re.finditer(r"(?ms)^-- @check (\S+).*?(?=^-- @|\Z)", script):
        if found[1] in checks:
            yield found[0]


def _told(events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The events, of several that wrote one file the last."""
    last = {
        event["data"]["file"]: at
        for at, event in enumerate(events)
        if event["event"] == "wrote" and not _LEFT_OUT.fullmatch(event["data"]["file"])
    }
    for at, event in enumerate(events):
        name = event["data"].get("file") if event["event"] == "wrote" else None
        if name and last.get(name) != at:
            continue
        data = {"file": name} if name else event["data"]
        yield {"at": event["at"], "stage": event["stage"], "event": event["event"], "data": data}


def _read(file: Path) -> Any:
    text = file.read_text(encoding="utf-8")
    if file.suffix in _LINES:
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text)


def _spelled(files: Files) -> str:
    """One line a file, or a line of it: a change of one is seen as such."""
    said = [f"{canonical.line(name)}: {_value(value)}" for name, value in sorted(files.items())]
    text = "{\n" + ",\n".join(said) + "\n}\n"
    # Where the project was, as the run says it itself.
    return _elsewhere(text.replace(files["run.json"]["project_directory"], "/srv/pg-gonogo"))


def _value(value: object) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(map(canonical.line, value)) + "\n]"
    return canonical.line(value)


def _elsewhere(text: str) -> str:
    for pattern, other in _ELSEWHERE:
        text = re.sub(pattern, other, text)
    return text


def main(directory: str, name: str, *checks: str) -> int:
    """Keep a run."""
    text = _spelled(_taken(Path(directory), checks))
    (_FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
