# ruff: noqa: S608 - whatever is put into a statement is a constant of the project
"""A race as scripts, one for each session, for a person with as many windows.

Pure: knows neither psycopg nor Ansible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...contract.race_spec import Spec, Step, parse
from ...contract.session_settings import LIMITS, SEARCH_PATH

__all__ = ["replay"]

_LIMITS = ", ".join(f"'{name}'" for name in LIMITS)
_SETTINGS = f"""\
SET search_path = {SEARCH_PATH};
SET row_security = off;
SET timezone = 'UTC';
-- A person takes longer for a step than any limit allows.
SELECT name, pg_catalog.set_config(name, '0', false) AS value
FROM pg_catalog.pg_settings WHERE name IN ({_LIMITS});"""


def replay(spec: Mapping[str, object]) -> dict[str, str]:
    """Return one script per session, for a person with as many windows to replay the race."""
    race = parse(spec)
    names = race.sessions()
    scripts = {name: [_heading(race, name, names), _SETTINGS] for name in names}
    if race.setup:
        for name in names:
            own = name == names[0]
            does = f"\n{_ended(race.setup)}" if own else f": window {names[0]} runs its setup"
            scripts[name].append(f"-- Before step 1{does}")
    number = 0
    for permutation in race.permutations:
        for name in names:
            scripts[name].append(f"-- {_one_line(permutation.name)} {'-' * 20}")
        for step in permutation.steps:
            number += 1
            outcome = " or ".join(map(str, step.expect))
            for name in names:
                scripts[name].append(_told(step, number, outcome, name))
        scripts[names[0]].append(
            f"-- All steps done: what is there now?\n{_ended(permutation.question)}"
        )
    return {name: "\n\n".join(parts) + "\n" for name, parts in scripts.items()}


def _heading(race: Spec, name: str, names: Sequence[str]) -> str:
    return (
        f"-- {_one_line(race.check)}: {_one_line(race.title)}\n"
        f"-- Window {name} of {', '.join(names)}: one psql -X each. Run the steps one by one,\n"
        "-- in the order of their numbers; where a step waits, go on in another window.\n"
        f"-- Expected: {_one_line(race.expected)}"
    )


def _told(step: Step, number: int, outcome: str, window: str) -> str:
    if step.session != window:
        return f"-- Step {number}: window {step.session}"
    if step.sql is None:
        return f"-- Step {number}: what waited here ends; it {outcome}"
    return f"-- Step {number}: {outcome}\n{_ended(step.sql)}"


def _ended(sql: str) -> str:
    return sql if sql.endswith(";") else f"{sql};"


def _one_line(text: str) -> str:
    return " ".join(text.split())
