"""Where a derived check asks what one of the shipped runbooks asks: both have to give one answer.

A question is the same where it is about the same objects, and nothing has to be known for it that
no statement of the migration says. What only one of the two can see stands beside it, with why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["PAIRS", "Pair", "lines"]


@dataclass(frozen=True)
class Pair:
    """A derived check and those `shipped` with a runbook; `why` says in what they ask the same.

    `both`: how the names of the mutations of `tools/sabotage` begin that all of them have to see.
    `shipped_alone` and `derived_alone`: the same of those that only one side sees → why.
    """

    derived: str
    shipped: tuple[str, ...]
    why: str
    both: tuple[str, ...]
    shipped_alone: Mapping[str, str] = field(default_factory=dict)
    derived_alone: Mapping[str, str] = field(default_factory=dict)


_MANIFEST = "what should be there stands in the manifest, and in no statement"
_KEYS_ALONE = "K2.1 tries no other constraint; C1.5 has it"
PAIRS = (
    Pair(
        "D2.1",
        ("C1.3", "K1.2"),
        "a new foreign key is validated and enforced",
        ("key not valid: ", "key not enforced: "),
        shipped_alone={"key missing: ": _MANIFEST, "key switched off: ": "D2.3 and D3.1 have it"},
    ),
    Pair(
        "D2.1",
        ("C1.4",),
        "a new CHECK is validated and enforced",
        ("CHECK not valid: ", "CHECK not enforced: "),
        shipped_alone={"CHECK missing: ": _MANIFEST, "CHECK value too many: ": _MANIFEST},
    ),
    Pair(
        "D2.2",
        ("C1.8",),
        "the index of a new key can be used",
        ("primary key invalid: ", "unique key invalid: "),
        shipped_alone={"unique key missing: ": _MANIFEST},
    ),
    Pair(
        "D2.2",
        ("C1.5",),
        "the index of the ACTIVE versions is valid, ready and live",
        (
            "one ACTIVE not indisvalid: ",
            "one ACTIVE not indisready: ",
            "one ACTIVE not indislive: ",
        ),
        shipped_alone={"one ACTIVE missing: ": _MANIFEST},
    ),
    Pair(
        "D2.3",
        ("C1.9", "K3.1"),
        "a new trigger fires",
        ("trigger disabled: ", "trigger for replicas only: "),
        shipped_alone={"trigger missing: ": _MANIFEST},
    ),
    Pair(
        "D2.3",
        ("C1.3", "K1.2"),
        "the triggers of a new foreign key fire",
        ("key switched off: ",),
        shipped_alone={"key not valid: ": "D2.1 has it", "key missing: ": _MANIFEST},
    ),
    Pair(
        "D3.1",
        ("K2.1",),
        "a new foreign key refuses a row that points at nothing",
        ("key switched off: ",),
        shipped_alone={"key missing: ": _MANIFEST},
        derived_alone={
            "one ACTIVE not indisready: ": _KEYS_ALONE,
            "one ACTIVE not indislive: ": _KEYS_ALONE,
        },
    ),
    Pair(
        "D5.1",
        ("C1.6", "K1.4"),
        "no row refers to what is not there, whatever a key or an index says",
        ("orphan: ", "parent gone: ", "hidden orphan: "),
        derived_alone={
            "key to another table: ": "it asks of the table that the key leads to, and they of the"
            " table that it should lead to, where the rows are"
        },
    ),
    Pair(
        "D5.2",
        ("C2.B",),
        "a column that refers to a version has the type of its key",
        ("column type: workflow_instances.config_version_id",),
    ),
    Pair(
        "D7.2",
        ("C1.10",),
        "PUBLIC has no right on a new table, nor on a column of it",
        ("everybody's right: ", "everybody's right on a column: "),
        shipped_alone={"application's right missing: ": "D7.3 has it"},
    ),
    Pair(
        "D7.3",
        ("C1.10",),
        "the application has the rights on a new table that it has on those beside it",
        ("application's right missing: ",),
        shipped_alone={
            "everybody's right: ": "D7.2 has it",
            "everybody's right on a column: ": "D7.2 has it",
        },
    ),
)


def lines() -> Iterator[str]:
    """The table as Markdown."""
    yield "| Derived | Shipped | What both ask | Seen by both | Not by both |"
    yield "|---|---|---|---|---|"
    for pair in PAIRS:
        alone = [
            *(f"{_plain(one)}: only shipped, {why}" for one, why in pair.shipped_alone.items()),
            *(f"{_plain(one)}: only derived, {why}" for one, why in pair.derived_alone.items()),
        ]
        both = ", ".join(map(_plain, pair.both))
        shipped = ", ".join(pair.shipped)
        yield f"| {pair.derived} | {shipped} | {pair.why} | {both} | {'; '.join(alone)} |"


def _plain(beginning: str) -> str:
    return beginning.rstrip(": ")
