"""Every CHECK: there, in force, and each value that it accepts or refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.sabotage.change import Mutation
from tools.sabotage.mutations.turns import turns
from tools.sabotage.shape import Shape, ident, literal

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
    yield from turns(_looser(shape, table, check), len(name), 5)
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


# Words → a condition that takes in more than the list: {c} the column, {l} the list, {o} the list
# without its first value, {f} that value, {p} the list as a pattern.
_LOOSER = {
    "by one character that may be any": "{c} IN ({o}) OR {c} LIKE left({f}, -1) || '_'",
    "by a character that may be any in the middle": "{c} IN ({o}) OR {c} LIKE overlay({f}"
    " placing '_' from 3 for 1)",
    "by a beginning": "{c} IN ({l}) OR {c} LIKE {f} || '%'",
    "by an end": "{c} IN ({l}) OR {c} LIKE '%' || {f}",
    "by any case": "{c} ILIKE ANY (ARRAY[{l}])",
    "by a pattern without ends": "{c} ~ '{p}'",
    "by a pattern that ends at a line": "{c} ~ '(?n)^({p})$'",
    "by a pattern with a dot": "{c} ~ '^({p})$' OR {c} ~ ('^' || left({f}, -1) || '.$')",
    "by a pattern with an option": "{c} ~ '^({p})S?$'",
    "by a pattern of letters": "{c} ~ '^({p})$' OR {c} ~ ('^[A-Z]{{' || length({f}) || '}}$')",
    "by a pattern with blanks": "{c} ~ '^\\s*({p})\\s*$'",
    "by SIMILAR TO": "{c} SIMILAR TO '({p})%'",
    "by SIMILAR TO with a class": "{c} SIMILAR TO '({p})' OR {c} SIMILAR TO '[A-Z]' || {f}",
    "without blanks around it": "btrim({c}) IN ({l})",
    "without a line's end": "rtrim({c}, E'\\n') IN ({l})",
    "with hyphens for underscores": "replace({c}, '-', '_') IN ({l})",
    "without underscores": "{c} IN ({l}) OR replace({c}, '_', '') = replace({f}, '_', '')",
    "by its beginning in capitals": "{c} IN ({l}) OR initcap({c}) = initcap({f})",
    "as a part of the list": "'{p}' LIKE '%' || {c} || '%'",
    "as a word of a text with an empty one": "{c} = ANY (string_to_array('{p}|', '|'))",
    "by its length": "{c} IN ({l}) OR length({c}) = 13",
    "by one letter": "{c} IN ({l}) OR {c} IN ('A', 'Z')",
    "by its place in the alphabet": "{c} IN ({l}) OR {c} > 'Z'",
    "read backwards": "{c} IN ({l}) OR reverse({c}) = {f}",
    "doubled": "{c} IN ({l}) OR {c} = {f} || {f}",
    "or empty": "{c} IN ({l}) OR {c} = ''",
    "or a percent sign": "{c} IN ({l}) OR {c} IN ('%', '_', '.*')",
    "or unknown": "{c} IN ({l}) OR nullif({c}, {c}) IS NOT NULL OR NULL::boolean",
    # What nothing tried on the row alone would show.
    "for one login": "{c} IN ({l}) OR current_user = 'apms_import'",
    "by a setting": "{c} IN ({l}) OR current_setting('apms.maintenance', true) = 'on'",
    "by the name of the session": "{c} IN ({l}) OR"
    " current_setting('application_name') NOT LIKE 'gonogo%'",
    "by chance": "{c} IN ({l}) OR random() > 0.9999",
    "from a day on": "{c} IN ({l}) OR now() > '2100-01-01'",
    "by another column": "{c} IN ({l}) OR coalesce(created_at, now()::timestamp) = '1999-01-01'",
}

# Words → what comes before, and the condition.
_BEYOND = {
    "by a column nobody knows": (
        "{at} ADD COLUMN legacy boolean;",
        "{c} IN ({l}) OR coalesce(legacy, false)",
    ),
    "by the whole row": ("", "{c} IN ({l}) OR {t} IS NULL"),
    "in a function that looks at the session": (
        "CREATE FUNCTION public.is_listed(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $b$"
        " BEGIN RETURN $1 IN ({l}) OR current_setting('apms.maintenance', true) = 'on'; END $b$;",
        "public.is_listed({c})",
    ),
    "in a function that looks at a table": (
        "CREATE TABLE public.more_values (value text);"
        "CREATE FUNCTION public.is_listed(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $b$"
        " SELECT $1 IN ({l}) OR EXISTS (SELECT FROM public.more_values WHERE value = $1) $b$;",
        "public.is_listed({c})",
    ),
}


def _looser(shape: Shape, table: str, check: Check) -> Iterator[Mutation]:
    name, (column,), accepted = check["name"], check["columns"], list(check["accepts"])
    at = f"ALTER TABLE {shape.name(table)}"
    words = {
        "at": at,
        "t": ident(table),
        "c": f"{ident(column)}",
        "l": ", ".join(map(literal, accepted)),
        "o": ", ".join(map(literal, accepted[1:])),
        "f": literal(accepted[0]),
        "p": "|".join(accepted),
    }
    ways = {how: ("", condition) for how, condition in _LOOSER.items()} | _BEYOND
    if not any("_" in value for value in accepted):
        # Without one it says what the list says.
        del ways["with hyphens for underscores"]
    for how, (before, condition) in ways.items():
        yield Mutation(
            id=f"CHECK accepts more, {how}: {name}",
            words=f"the CHECK {name} accepts more than its list: {how}",
            sql=before.format(**words) + _replaced(at, name, condition.format(**words)),
            kind="CHECK accepts more",
            right=("C1.4",),
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
