"""The figures as a page of Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tools.sabotage.score import Finding, Score

__all__ = ["render", "summary"]

_INTRODUCTION = """\
# Sabotage

How well the gate notices what is broken, and how quiet it is about what is not. `make sabotage` \
does it again and writes this page; on an idle machine with two cores it takes about an hour. \
`make sabotage ONLY=word` tries only what has the word in its name, and puts it in its place \
here; `python -m tools.sabotage run --every 8` tries the eighth part of each kind. The first table \
says how much of the catalogue was applied.

Each line stands for changes that were made one at a time to a copy of the sandbox's database \
(profile `target`), which was then judged. Nothing of the judging is a copy: the stages target, \
preflight and phases and the verdict are those of the playbook, called directly, without Ansible \
and SSH in between. The stages about the archive are left out; they judge the backup, not the \
schema. `tests/integration/tools/test_sabotage.py` runs a sample both ways and compares the answers.

A mutation counts as *caught* when there is no GO **and** one of the checks failed whose subject \
was broken. Which those are is written in the catalogue (`sabotage/`), from what the manifest and \
the titles of the checks say, before the gate is asked. A few mutations take away what a check \
looks at; of those it is enough that the check cannot tell (they are a HOLD). What is only \
reported by this runbook (C1.12, C5.5, N1, N2) has to be reported; it prevents no GO.
"""

_BLIND = """\
## What cannot be seen

Some changes no check of a database from inside can see. They are in no catalogue here, and no \
figure below is about them.

* A superuser who edits the system catalogs, replaces the server's programs or loads a library can \
make the server say whatever he likes: to every question, or only to this login. What is noticed \
of it here (keys and indexes marked as valid over rows that break them, the trigger of a foreign \
key that calls another function) is what still contradicts itself.
* A condition that no question varies and that stands in no text that is compared: in a library of \
C, in a server beyond a foreign data wrapper, in a proxy that changes what passes through it.
* A CHECK in a form of its own is tried on some thousand values: every value of its list with one \
place changed, doubled, left out or exchanged, in other cases, with blanks, signs of patterns and \
letters that look alike, every sign and every length. One that takes in exactly one other word, \
built from pieces that stand nowhere in its text, is not found.
* Rows that are false and contradict nothing: an approval by the right person, at a possible time, \
that never happened.
"""

_HELD = """\
## HOLD by design

A function that is there under the name of the runbook's, and does what it should in other words, \
is neither a GO nor a NO-GO: no trial shows what it does on other rows, for other logins and on \
other days. C1.9 cannot tell and names it. Each of these is tried a second time with its text \
declared in the manifest (`bodies`), and is then a GO; these are among the benign variants. A \
function under another name is not the runbook's: the triggers that call it are missing, a NO-GO.
"""

_KINDS = """\
## What was caught

Caught, of those that were applied. A kind is missing for a server that cannot have it.
"""

_CHECKS = """\
## Which checks were right

How many mutations each check was right to fail about. A check that is never right would be one \
of which nobody knows whether it can fail.
"""


def summary(version: str, found: Score) -> str:
    """One line, for the terminal."""
    parts = []
    if found.mutations:
        share = f"{100 * found.caught:.2f} %"
        parts.append(f"{found.count('caught')} of {found.applied} caught ({share})")
    tried = sum(item.state != "refused" for item in (*found.variants, *found.undeclared))
    parts.append(f"{len(found.alarms)} false alarms of {tried}")
    if found.undeclared:
        parts.append(f"{found.count('held')} of {len(found.undeclared)} not declared and held")
    if found.refused:
        parts.append(f"{len(found.refused)} not applied")
    return f"PostgreSQL {version}: {', '.join(parts)}"


def render(scores: Mapping[str, Score], checks: Sequence[str], explained: Mapping[str, str]) -> str:
    """The page. `scores`: server's version → score; `checks`: ids in the runbook's order;
    `explained`: id of a change that was missed, or of a check that was never right → why."""
    whole = {version: found for version, found in scores.items() if found.mutations}
    return "\n".join(
        [
            _INTRODUCTION,
            *_totals(scores),
            "",
            _BLIND,
            _KINDS,
            *_by_kind(whole),
            "",
            _HELD,
            *_held(scores),
            "",
            *_named(scores, "Survivors", _missed, explained),
            *_named(scores, "False alarms", _alarms, explained),
            *_named(scores, "Not applied", _refused, explained),
            _CHECKS,
            *_by_check(whole, checks, explained),
            "",
            *_quiet(scores),
            "",
        ]
    )


def _totals(scores: Mapping[str, Score]) -> list[str]:
    lines = [
        "| PostgreSQL | Mutations in the catalogue | Applied | Caught | | Benign variants |"
        " False alarms | Not applied |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for version, found in scores.items():
        mutations = ["", "", "", ""]
        if found.mutations:
            share = f"{100 * found.caught:.2f} %"
            mutations = [str(found.known), str(found.applied), str(found.count("caught")), share]
        cells = [
            version,
            *mutations,
            str(sum(item.state != "refused" for item in found.variants)),
            str(len(found.alarms)),
            str(len(found.refused)),
        ]
        lines.append(_row(cells))
    return lines


def _by_kind(scores: Mapping[str, Score]) -> list[str]:
    by_version = {version: found.kinds() for version, found in scores.items()}
    names = list(dict.fromkeys(kind for kinds in by_version.values() for kind in kinds))
    lines = [
        _row(["Kind", *by_version]),
        _row(["---", *["---:"] * len(by_version)]),
    ]
    for name in names:
        cells = [
            "{} of {}".format(*kinds[name]) if name in kinds else ""
            for kinds in by_version.values()
        ]
        lines.append(_row([name, *cells]))
    return lines


def _held(scores: Mapping[str, Score]) -> list[str]:
    tried = {version: found.undeclared for version, found in scores.items() if found.undeclared}
    if not tried:
        return ["None was tried."]
    lines = [_row(["Not declared", *tried]), _row(["---"] * (len(tried) + 1))]
    words = dict.fromkeys(item.words for found in tried.values() for item in found)
    for each in words:
        states = [
            next((item.state for item in found if item.words == each), "")
            for found in tried.values()
        ]
        lines.append(_row([each, *states]))
    return lines


def _missed(found: Score) -> list[Finding]:
    return found.missed


def _alarms(found: Score) -> list[Finding]:
    return found.alarms


def _refused(found: Score) -> list[Finding]:
    return found.refused


def _named(
    scores: Mapping[str, Score],
    title: str,
    which: object,
    explained: Mapping[str, str],
) -> list[str]:
    assert callable(which)
    found: dict[str, tuple[Finding, list[str]]] = {}
    for version, one in scores.items():
        for item in which(one):
            found.setdefault(item.id, (item, []))[1].append(version.split(" ")[0])
    lines = [f"## {title}", ""]
    if not found:
        return [*lines, "None.", ""]
    lines += [_row(["Change", "PostgreSQL", "What became of it"]), _row(["---"] * 3)]
    for name, (item, versions) in found.items():
        told = explained.get(name) or item.told
        state = "" if item.state in {"alarm", "refused"} else f"{item.state}: "
        lines.append(_row([item.words, ", ".join(versions), state + _short(told)]))
    return [*lines, ""]


def _by_check(
    scores: Mapping[str, Score], checks: Sequence[str], explained: Mapping[str, str]
) -> list[str]:
    counted = {
        version: Counter(check for item in found.mutations for check in item.right)
        for version, found in scores.items()
    }
    lines = [_row(["Check", *counted]), _row(["---", *["---:"] * len(counted)])]
    for check in checks:
        numbers = [counts[check] for counts in counted.values()]
        note = "" if any(numbers) else f" ({explained.get(check, 'never')})"
        lines.append(_row([check + note, *map(str, numbers)]))
    return lines


def _quiet(scores: Mapping[str, Score]) -> list[str]:
    words = list(
        dict.fromkeys(
            item.words
            for found in scores.values()
            for item in found.variants
            if item.state == "quiet"
        )
    )
    return [
        "## What nobody minded",
        "",
        f"On at least one of PostgreSQL {_listed(version.split('.')[0] for version in scores)}:"
        f" {'; '.join(words)}.",
    ]


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _short(text: str) -> str:
    """One line of a table, not too long."""
    plain = " ".join(text.split()).replace("|", "\\|")
    return plain if len(plain) <= 300 else f"{plain[:300]}…"
