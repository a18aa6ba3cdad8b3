"""Every way to damage one place of a runbook, and what it is then."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unicodedata import category

import yaml

from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.script import blocks
from gonogo.controller import runbook
from gonogo.controller.declared.manifest import Manifest
from gonogo.controller.runbook.phase_scripts import prepare
from tests.unit.test_ascii import _FACTS

__all__ = ["Damage", "damages", "outcome"]

_RECORD = {
    "run_id": "20260131T120000Z-0a1b2c",
    "token": "0123456789",
    "residue": "keep",
    "profile": "target",
}
_LIMITS = {"lock": "5s", "statement": "1min", "idle_in_transaction": "1min"}
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# With file and line; a file that is not there, or not to be followed, has none.
_PLACED = re.compile(r"[\w.-]+:\d+: .|cannot read .+\.yml: |file \S+ leads out of the runbook")
_CALL = re.compile(r"^\{% call [^\n]*\n.*?^\{% endcall %\}\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Damage:
    """`file` gets another text; `what` says what is done to it."""

    file: str
    what: str
    text: Callable[[], str]


def damages(folder: Path) -> Iterator[Damage]:
    """All of them, of each file of a runbook."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and path.suffix in {".j2", ".yml", ".sql"}:
            text = path.read_text(encoding="utf-8")
            yield from _of_lines(name, text)
            if path.suffix == ".yml":
                yield from _of_yaml(name, yaml.safe_load(text))
            if path.suffix == ".j2":
                yield from _of_calls(name, text)


def _of_lines(name: str, text: str) -> Iterator[Damage]:
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        before, after = "".join(lines[:number]), "".join(lines[number + 1 :])
        yield Damage(name, f"line {number + 1} removed", partial(str, before + after))
        if line.strip():
            half = line[: len(line) // 2] + "\n"
            yield Damage(name, f"line {number + 1} cut", partial(str, before + half + after))


def _of_calls(name: str, text: str) -> Iterator[Damage]:
    for match in _CALL.finditer(text):
        start, end = match.span()
        call = match.group()
        first = call.splitlines()[0]
        renamed = re.sub(r"'([A-Z]?[0-9][^']*)'", r"'\1x'", first, count=1)
        for what, part in (
            ("removed", ""),
            ("twice", call + call),
            ("renamed", call.replace(first, renamed)),
        ):
            yield Damage(name, f"{first} {what}", partial(str, text[:start] + part + text[end:]))
        close = text[:start].rstrip() + call + text[end:].lstrip()
        yield Damage(name, f"no space around {first}", partial(str, close))


def _of_yaml(name: str, data: Any) -> Iterator[Damage]:
    for place in _places(data):
        for what, change in _CHANGES.items():
            if what != "renamed" or isinstance(place[-1], str):
                yield Damage(name, f"{what}: {place}", partial(_changed, data, place, change))


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, (dict, list)):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in inner:
            yield from _places(item, (*path, key))


def _put(value: Any) -> Callable[[Any, Any], None]:
    def put(container: Any, key: Any) -> None:
        container[key] = value

    return put


def _renamed(container: Any, key: Any) -> None:
    container[f"{key}x"] = container.pop(key)


_VALUES: tuple[Any, ...] = (None, [], {}, "x", 7, True)
_CHANGES: dict[str, Callable[[Any, Any], None]] = {
    "without": lambda container, key: container.pop(key),
    "renamed": _renamed,
    **{repr(value): _put(value) for value in _VALUES},
}


def _changed(data: Any, place: tuple[Any, ...], change: Callable[[Any, Any], None]) -> str:
    """The file with one place changed."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(_with(data, place, change), Dumper=dumper, sort_keys=False))


def _with(data: Any, place: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    copy = dict(data) if isinstance(data, dict) else list(data)
    if len(place) == 1:
        change(copy, place[0])
    else:
        copy[place[0]] = _with(data[place[0]], place[1:], change)
    return copy


def outcome(folder: Path, profile: str = "target") -> tuple[str, set[str]]:
    """`refused`, with every fault well told, or `right`, with the checks that its scripts ask.

    What is only found out with the facts is refused, too, as `late`.
    """
    try:
        loaded = runbook.load(folder, profile=profile, parameters={})
    except InputError as error:
        text = error.render()
        assert "Traceback" not in text
        assert len(text) < 6000
        assert not any(category(char) in _UNSAFE for char in text.replace("\n", "")), text
        for fault in error.faults:
            told = _PLACED.match(fault.primary) or fault.key == "gonogo_profile"
            assert told, fault.primary
        return "refused", set()
    names = {name: ["name"] for name in _known_names(loaded.manifest)}
    facts: Mapping[str, Any] = {**_FACTS, "names": names}
    phases = [*loaded.phases("preflight"), *loaded.phases("phases")]
    try:
        scripts = prepare(loaded, phases, record=_RECORD, facts=facts, timeouts=_LIMITS).scripts
    except GonogoError as error:
        if not re.search(r"[\w.]+:\d+: |line \d+: ", error.render()):
            raise
        return "late", set()
    asked: list[str] = []
    for script in scripts:
        asked += [block.words for block in blocks(script.text) if block.kind == "check"]
        asked += [str(race["check"]) for race in script.races]
    assert sorted(asked) == sorted(loaded.checks), set(asked) ^ set(loaded.checks)
    return "right", set(asked)


def _known_names(manifest: Manifest) -> Iterator[str]:
    for table in manifest.tables:
        for group in (table.unique, table.checks, table.indexes, table.triggers):
            yield from (item.name for item in group)
    yield from (key.name for key in manifest.foreign_keys)
