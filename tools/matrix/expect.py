"""What a verdict has to say for each of the sandbox's profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# What a hasty deployment leaves open: one foreign key of 55, no guards.
KNOWN_FAILED = ("0.8", "C5.3", "V1.1", "V1.2", "V3.2", "V3.3")
# Reported there as well, without being a reason.
KNOWN_REMARKS = ("C5.5",)

_SHOWN = 2

_DECISIONS = {"target": "GO", "as_deployed": "NO-GO"}
_SCORES = {"target": 15, "as_deployed": 9}
_REASONS: dict[str, tuple[str, ...]] = {"target": (), "as_deployed": KNOWN_FAILED}
_REMARKS: dict[str, tuple[str, ...]] = {"target": (), "as_deployed": KNOWN_REMARKS}


def shown(verdict: Mapping[str, Any]) -> str:
    """The verdict in a few characters."""
    return f"{verdict['decision']} {verdict['score']['passed']}/{verdict['score']['of']}"


def known(profile: str) -> str:
    """What ``shown`` has to give."""
    return f"{_DECISIONS[profile]} {_SCORES[profile]}/15"


def problems(profile: str, verdict: Mapping[str, Any]) -> list[str]:
    """How the content of ``verdict.json`` differs from what the profile is known to be."""
    found = []
    if shown(verdict) != known(profile):
        found.append(f"{shown(verdict)} instead of {known(profile)}")
    expected = dict.fromkeys((*_REASONS[profile], *_REMARKS[profile]), "fail")
    other = [
        f"{name} {status}"
        for name, status in sorted(
            {**dict.fromkeys(expected, "missing"), **verdict["checks"]}.items()
        )
        if status != expected.get(name, "pass")
    ]
    if other:
        found.append(f"not as known: {_some(other)}")
    reasons = {str(reason["subject"]): str(reason["text"]) for reason in verdict["reasons"]}
    more = [f"{name} {reasons[name]}" for name in reasons if name not in _REASONS[profile]]
    if more:
        found.append(f"reasons: {_some(more)}")
    fewer = [name for name in _REASONS[profile] if name not in reasons]
    if fewer:
        found.append(f"no reasons: {_some(fewer)}")
    return found


def _some(words: Sequence[str]) -> str:
    """The first of them, and how many there are if that is not all."""
    if len(words) <= _SHOWN:
        return ", ".join(words)
    return f"{', '.join(words[:_SHOWN])} and {len(words) - _SHOWN} more"
