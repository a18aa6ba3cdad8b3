"""Every CHECK: there, in force, and each value that it accepts or refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sabotage.change import Mutation
from sabotage.mutations.turns import turns
from sabotage.shape import Shape, ident, literal

__all__ = ["checks"]

Check = Mapping[str, Any]


def checks(shape: Shape) -> Iterator[Mutation]:
    for table in shape.tables:
        for check in shape.tables[table]["checks"]:
            yield from _of(shape, table, check)


def _of(shape: Shape, table: str, check: Check) -> Iterator[Mutation]:
    name = check["name"]
    at = f"ALTER TABLE {shape.name(table)}"
    # I2.1 tries what is outside of the lists, I2.2 what several columns say together.
    tried = ("I2.1",) if len(check["columns"]) == 1 else ("I2.2",)
    yield Mutation(
        id=f"CHECK missing: {name}",
        words=f"the CHECK {name} is missing",
        sql=f"{at} DROP CONSTRAINT {ident(name)}",
        kind="CHECK missing",
        right=("C1.4", *tried),
    )
    yield Mutation(
        id=f"CHECK not valid: {name}",
        words=f"the CHECK {name} is NOT VALID",
        sql=_replaced(at, name, _condition(check), "NOT VALID"),
        kind="CHECK in force",
        right=("C1.4",),
    )
    yield Mutation(
        id=f"CHECK not enforced: {name}",
        words=f"the CHECK {name} is NOT ENFORCED",
        sql=_replaced(at, name, _condition(check), "NOT ENFORCED"),
        since=18,
        kind="CHECK in force",
        right=("C1.4",),
    )
    yield Mutation(
        id=f"CHECK always true: {name}",
        words=f"the CHECK {name} mentions its column and refuses nothing",
        sql=_replaced(at, name, f"{ident(check['columns'][0])} IS NOT NULL OR true"),
        kind="CHECK's values",
        right=("C1.4", *tried),
    )
    if "accepts" in check:
        yield from _of_list(shape, table, check)
    else:
        yield from _of_rows(at, check)


def _condition(check: Check) -> str:
    """What the CHECK has to say, as SQL."""
    if "accepts" in check:
        return _one_of(check["columns"][0], check["accepts"])
    return {
        "ck_approval_policy_stages_sequence_order": "sequence_order > 0",
        "ck_punchlist_items_evidence": "status = 'OPEN' OR evidence_doc_id IS NOT NULL",
    }[check["name"]]


def _one_of(column: str, values: Sequence[str]) -> str:
    return f"{ident(column)} IN ({', '.join(map(literal, values))})"


def _replaced(at: str, name: str, condition: str, more: str = "") -> str:
    return (
        f"{at} DROP CONSTRAINT {ident(name)};\n"
        f"{at} ADD CONSTRAINT {ident(name)} CHECK ({condition}) {more};\n"
    )


def _trusted(shape: Shape, table: str, name: str, condition: str) -> str:
    """As a superuser: a CHECK that says of itself that it is valid, whatever the rows hold."""
    return (
        _replaced(f"ALTER TABLE {shape.name(table)}", name, condition, "NOT VALID")
        + f"UPDATE pg_constraint SET convalidated = true WHERE conname = {literal(name)};"
    )


def _of_list(shape: Shape, table: str, check: Check) -> Iterator[Mutation]:
    name, (column,), accepted = check["name"], check["columns"], list(check["accepts"])
    at = f"ALTER TABLE {shape.name(table)}"
    rest: dict[str, Any] = {"kind": "CHECK's values", "right": ("C1.4",)}
    for value in accepted:
        others = [other for other in accepted if other != value]
        yield Mutation(
            id=f"CHECK value missing: {name} {value}",
            words=f"the CHECK {name} refuses {value}",
            admin=_trusted(shape, table, name, _one_of(column, others)),
            **rest,
        )
    yield Mutation(
        id=f"CHECK value too many: {name}",
        words=f"the CHECK {name} accepts one value more",
        sql=_replaced(at, name, _one_of(column, [*accepted, "OTHER"])),
        **rest,
    )
    # The length of the name is as good as any other number of its own.
    yield from turns(_otherwise(shape, table, check), len(name), 2)
    if shape.column(table, column)["nullable"]:
        yield Mutation(
            id=f"CHECK refuses nothing said: {name}",
            words=f"the CHECK {name} refuses empty",
            admin=_trusted(shape, table, name, f"coalesce({_one_of(column, accepted)}, false)"),
            **rest,
        )


def _otherwise(shape: Shape, table: str, check: Check) -> Iterator[Mutation]:
    name, (column,), accepted = check["name"], check["columns"], list(check["accepts"])
    at = f"ALTER TABLE {shape.name(table)}"
    rest: dict[str, Any] = {"kind": "CHECK's values", "right": ("C1.4",)}
    yield Mutation(
        id=f"CHECK of any case: {name}",
        words=f"the CHECK {name} does not mind small letters",
        sql=_replaced(
            at, name, _one_of(column, accepted).replace(ident(column), f"upper({column})")
        ),
        kind="CHECK's values",
        right=("C1.4", "I2.1"),
    )
    yield Mutation(
        id=f"CHECK by beginning: {name}",
        words=f"the CHECK {name} is a pattern without an end",
        sql=_replaced(at, name, f"{ident(column)} ~ '^({'|'.join(accepted)})'"),
        **rest,
    )
    yield Mutation(
        id=f"CHECK with a blank: {name}",
        words=f"the CHECK {name} ignores blanks at the end",
        sql=_replaced(
            at, name, _one_of(column, accepted).replace(ident(column), f"rtrim({column})")
        ),
        **rest,
    )
    yield Mutation(
        id=f"CHECK of some rows: {name}",
        words=f"the CHECK {name} is about new rows only",
        sql=_replaced(at, name, f"{_one_of(column, accepted)} OR created_at < '2100-01-01'"),
        **rest,
    )
    yield Mutation(
        id=f"CHECK narrowed by another: {name}",
        words=f"a second CHECK refuses one of the values of {name}",
        admin=f"{at} ADD CONSTRAINT narrow CHECK ({ident(column)} <> {literal(accepted[0])})"
        " NOT VALID;"
        "UPDATE pg_constraint SET convalidated = true WHERE conname = 'narrow'",
        **rest,
    )


def _of_rows(at: str, check: Check) -> Iterator[Mutation]:
    others = {
        "ck_approval_policy_stages_sequence_order": {
            "the limit is one too low": "sequence_order >= 0",
            "the limit is one too high": "sequence_order > 1",
            "there is an upper limit": "sequence_order BETWEEN 1 AND 1000",
            "one value is refused": "sequence_order <> 0",
        },
        "ck_punchlist_items_evidence": {
            "evidence for CLEARED only": "status <> 'CLEARED' OR evidence_doc_id IS NOT NULL",
            "evidence for RECTIFIED only": "status <> 'RECTIFIED' OR evidence_doc_id IS NOT NULL",
            "evidence always": "evidence_doc_id IS NOT NULL",
            "no evidence while OPEN": "(status = 'OPEN') = (evidence_doc_id IS NULL)",
        },
    }[check["name"]]
    name = check["name"]
    for words, condition in others.items():
        yield Mutation(
            id=f"CHECK otherwise: {name}, {words}",
            words=f"the CHECK {name} means something else: {words}",
            admin=_replaced(at, name, condition, "NOT VALID")
            + f"UPDATE pg_constraint SET convalidated = true WHERE conname = {literal(name)};",
            kind="CHECK's values",
            right=("C1.4",),
        )
