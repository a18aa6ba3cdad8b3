"""Waivers: failures that a person accepts, of the inventory and of a file that is for all hosts.

`hosts` are names of hosts and groups of the inventory, with * and ? for any characters. A waiver
without them is for every host.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ...contract.errors import InputError
from ..invocation import person
from ..invocation.paths import path_of
from ..reading import yamlfile

__all__ = ["Waiver", "listed", "of_host", "refuse_scored", "refuse_unknown"]

_LIST, _FILE = "gonogo_waivers", "gonogo_waivers_file"
_KEYS = {"check", "criterion", "owner", "reason", "expires", "hosts"}


@dataclass(frozen=True)
class Waiver:
    """One waiver; `key` is the way to it, in the `file` where it stands in one."""

    key: str
    file: str | None
    words: Mapping[str, str]
    hosts: Sequence[str] | None = None

    @property
    def subject(self) -> str:
        """The check or the criterion that it names."""
        return self.words.get("check") or self.words["criterion"]

    def is_of(self, host: str, groups: Collection[str]) -> bool:
        """Whether it is for this host, which is in these groups."""
        if self.hosts is None:
            return True
        names = (host, *groups)
        return any(fnmatchcase(name, pattern) for pattern in self.hosts for name in names)


def listed(given: Sequence[object], file: str | None) -> list[Waiver]:
    """All waivers, in order: those of the inventory, then those of the file. Raises InputError."""
    found = [_read(f"{_LIST}[{number}]", one, None) for number, one in enumerate(given)]
    if file is not None:
        path = path_of(file, key=_FILE)
        if not path.is_file():
            raise InputError(
                "there is no such file", key=_FILE, value=file, hint="Name the file of waivers."
            )
        found += [_read(f"[{number}]", one, path) for number, one in enumerate(_entries(path))]
    return found


def of_host(waivers: Iterable[Waiver], host: str, groups: Collection[str]) -> list[Waiver]:
    return [waiver for waiver in waivers if waiver.is_of(host, groups)]


def refuse_unknown(
    waivers: Iterable[Waiver], *, checks: Collection[str], criteria: Collection[str]
) -> None:
    """Refuse a waiver of what a runbook does not have. Raises InputError."""
    for waiver in waivers:
        for subject, known in (("check", checks), ("criterion", criteria)):
            name = waiver.words.get(subject)
            if name is not None and name not in known:
                near = difflib.get_close_matches(name, sorted(known), n=1)
                raise InputError(
                    f"the runbook has no {subject} of this id",
                    file=waiver.file,
                    key=f"{waiver.key}.{subject}",
                    value=name,
                    hint=f"Did you mean '{near[0]}'?" if near else None,
                )


def refuse_scored(waivers: Iterable[Waiver], *, criteria: Collection[str], waivable: str) -> None:
    """Refuse a waiver of a criterion where what can be waived of it is another one beside it, by
    the ending `waivable` of its name. Raises InputError."""
    for waiver in waivers:
        name = waiver.words.get("criterion")
        if f"{name}{waivable}" in criteria:
            raise InputError(
                "no waiver accepts what counts for the score",
                file=waiver.file,
                key=f"{waiver.key}.criterion",
                value=name,
                hint=f"Name {name}{waivable}, or a check of it.",
            )


def _entries(path: Path) -> Sequence[object]:
    data = yamlfile.load(path).data
    if not isinstance(data, list):
        raise InputError(
            "a file of waivers is a list of them",
            file=str(path),
            hint="Each has check or criterion, owner, reason and expires, and where it is not for "
            "every host, hosts.",
        )
    return data


def _read(key: str, waiver: Any, path: Path | None) -> Waiver:
    file = None if path is None else str(path)
    if not isinstance(waiver, Mapping):
        raise InputError("a waiver must be a mapping", file=file, key=key, value=waiver)
    unknown = sorted(set(waiver) - _KEYS)
    if unknown:
        raise InputError(
            f"a waiver has no key '{unknown[0]}'",
            file=file,
            key=key,
            hint=f"Known: {', '.join(sorted(_KEYS))}.",
        )
    if ("check" in waiver) == ("criterion" in waiver):
        raise InputError("a waiver names either a check or a criterion", file=file, key=key)
    for name in ("owner", "reason", "expires"):
        if name not in waiver:
            raise InputError(f"a waiver must say its {name}", file=file, key=key)
    words = {name: value for name, value in waiver.items() if name != "hosts"}
    for name, value in words.items():
        if not isinstance(value, str) or not value.strip():
            raise InputError("must be text", file=file, key=f"{key}.{name}", value=value)
    _check_words(words, key, file)
    hosts = waiver.get("hosts")
    if "hosts" in waiver and not _are_names(hosts):
        raise InputError(
            "must be a list of names of hosts or groups",
            file=file,
            key=f"{key}.hosts",
            value=hosts,
        )
    return Waiver(key, file, words, hosts)


def _check_words(words: Mapping[str, str], key: str, file: str | None) -> None:
    mistake = person.mistake(words["owner"], f"{key}.owner")
    if mistake:
        raise InputError(mistake, file=file, hint="Write the name of the person who accepts it.")
    if not any(character.isalnum() for character in words["reason"]):
        raise InputError("says nothing", file=file, key=f"{key}.reason", value=words["reason"])
    if not _is_day(words["expires"]):
        raise InputError(
            "the day a waiver expires is written as 2026-01-31",
            file=file,
            key=f"{key}.expires",
            value=words["expires"],
        )


def _are_names(hosts: Any) -> bool:
    is_list = isinstance(hosts, list) and bool(hosts)
    return is_list and all(isinstance(one, str) and one.strip() for one in hosts)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
