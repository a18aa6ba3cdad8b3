"""What was restored against what was dumped. A pure function; knows neither psycopg nor files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...contract.records.source import (
    Content,
    LargeObjects,
    SequenceReadings,
    SourceRecord,
    TableContent,
)
from ...contract.records.twin import (
    LargeObjectsProof,
    Proof,
    SchemaDifference,
    SchemaProof,
    SequencesProof,
    TableProof,
)
from . import positions
from .carried import is_carried
from .schema_catalog import Difference, compare

__all__ = ["Archived", "Restored", "prove", "uncompared", "without_owners", "without_position"]

# So many differences are written down; their number is said in any case.
_SHOWN = 50
_SHOWN_LENGTH = 500
_SHOWN_SHORT = 120

_SEQUENCE = "sequence "
# One of the two names of a sequence, as the server quotes it.
_NAME = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')

_OF_OWNERS = ("owner of ", "privileges of ", "default privileges ")


@dataclass(frozen=True)
class Archived:
    """What an archive has data of: tables (OID in the source → name), sequences (schema, name)."""

    tables: Mapping[int, str]
    sequences: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Restored:
    """What is in a restored database, read by the method of its source; `same` are definitions that
    are only printed in another way (see `reprint.same`)."""

    content: Content
    sequences: Mapping[str, tuple[int, bool]]
    schema: Mapping[str, str]
    same: Mapping[str, Sequence[str]]


def prove(source: SourceRecord, twin: Restored, *, with_owners: bool = True) -> Proof:
    """Whether both are equal, and what that rests on.

    `with_owners` says whether owners and privileges were restored too. `tables` maps each name to
    `rows` and `hash` (of the source and of the twin, or None) and `equal`; of the others what
    differs is listed.
    """
    tables = _tables(source.content.tables, twin.content.tables)
    sequences = _sequences(source.sequences, twin.sequences, source.schema)
    objects = _large_objects(source.content.large_objects, twin.content.large_objects)
    schema = _schema(source.schema, twin, with_owners=with_owners)
    parts: Sequence[TableProof | SequencesProof | LargeObjectsProof | SchemaProof]
    parts = (*tables.values(), sequences, objects, schema)
    return Proof(
        equal=all(part.equal for part in parts),
        method=source.method,
        tables=tables,
        sequences=sequences,
        large_objects=objects,
        schema=schema,
    )


def uncompared(content: Content, archived: Archived) -> list[str]:
    """What the archive has data of and nobody has read in the source, whose `content` this is.

    The list of what to compare is made from the catalog, by the rules of pg_dump as they are known
    here; the archive says what pg_dump has really done.
    """
    oids = set(content.covered)
    sequences = set(map(tuple, content.covered_sequences))
    missing = [name for oid, name in archived.tables.items() if oid not in oids]
    missing += [".".join(one) for one in archived.sequences if one not in sequences]
    return sorted(missing)


def without_position(
    names: Iterable[str], schema: Mapping[str, str], archived: Archived
) -> list[str]:
    """Of the sequences of these names those that begin anew at their end, and of which the archive
    does not say where they stand. That of all others is seen in the twin.
    """
    known = set(archived.sequences)
    return sorted(
        name
        for name in names
        if positions.cycles(_definition(schema, name)) and _names(name) not in known
    )


def _definition(schema: Mapping[str, str], name: str) -> str:
    return schema.get(f"{_SEQUENCE}{name}", "")


def _names(quoted: str) -> tuple[str, ...]:
    found = _NAME.finditer(quoted)
    return tuple(one[2] or one[1].replace('""', '"') for one in found)


def _tables(
    source: Mapping[str, TableContent], twin: Mapping[str, TableContent]
) -> dict[str, TableProof]:
    found = {}
    for name in sorted({*source, *twin}):
        one, other = (side.get(name) or TableContent(name) for side in (source, twin))
        found[name] = TableProof(
            rows=(one.rows, other.rows),
            hash=(one.hash, other.hash),
            # What was not read is not equal to anything.
            equal=one.hash is not None and (one.rows, one.hash) == (other.rows, other.hash),
        )
    # Rows may come to lie in another partition: the hash of a label of an enum is that of its OID.
    parted = {one.root for name, one in source.items() if one.root != name}
    equal = {root for root in parted if _are_equal(source, twin, root)}
    for name, one in source.items():
        if one.root in equal and name in twin:
            found[name] = replace(found[name], equal=True)
    return found


def _are_equal(
    source: Mapping[str, TableContent], twin: Mapping[str, TableContent], root: str
) -> bool:
    one, other = _sums(source, root), _sums(twin, root)
    return one is not None and one == other


def _sums(tables: Mapping[str, TableContent], root: str) -> tuple[int, int] | None:
    """Rows and hash of a partitioned table; None where it was not read to its end."""
    rows, total = 0, 0
    for table in tables.values():
        if table.root == root:
            if table.rows is None or table.hash is None:
                return None
            rows, total = rows + table.rows, total + int(table.hash)
    return rows, total


def _sequences(
    source: SequenceReadings, twin: Mapping[str, tuple[int, bool]], schema: Mapping[str, str]
) -> SequencesProof:
    """Equal where the dump's value lies between what was seen before and after it.

    Of those that begin anew at their end see also `without_position`.
    """
    before, after = source.before, source.after
    different = []
    for name in sorted({*before, *after, *twin}):
        if name not in twin or name not in before or name not in after:
            different.append(name)
            continue
        if not positions.possible(
            twin[name],
            before[name],
            after[name],
            definition=_definition(schema, name),
            seconds=source.seconds,
        ):
            different.append(name)
    return SequencesProof(compared=len(twin), different=different, equal=not different)


def _large_objects(source: LargeObjects, twin: LargeObjects) -> LargeObjectsProof:
    hashed = source.hash is not None and twin.hash is not None
    return LargeObjectsProof(
        count=(source.count, twin.count), hashed=hashed, equal=hashed and source == twin
    )


def _schema(source: Mapping[str, str], twin: Restored, *, with_owners: bool) -> SchemaProof:
    sides = [side if with_owners else without_owners(side) for side in (source, twin.schema)]
    found = compare(*sides, same=twin.same)
    differences: list[Difference] = []
    gaps: list[Difference] = []
    for one in found:
        (differences if is_carried(one, *sides) else gaps).append(one)
    return SchemaProof(
        objects=len(source),
        different=len(differences),
        differences=[_shown(difference) for difference in differences[:_SHOWN]],
        not_carried=[
            *map(_words, gaps[:_SHOWN]),
            *([f"and {len(gaps) - _SHOWN} more"] if len(gaps) > _SHOWN else []),
        ],
        printed_again=dict(twin.same),
        equal=not differences,
    )


def without_owners(schema: Mapping[str, str]) -> dict[str, str]:
    """The schema without owners and privileges."""
    return {name: text for name, text in schema.items() if not name.startswith(_OF_OWNERS)}


def _words(one: Difference) -> str:
    """What the way back does not bring, in a few words."""
    if one.kind == "extra":
        return f"{one.name}: not at the source"
    if one.kind == "missing" and one.first:
        return f"{one.name}: {_short(one.first)}"
    if one.kind == "different":
        return f"{one.name}: {_short(one.first)}, restored as {_short(one.second)}"
    return one.name


def _short(text: str | None) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= _SHOWN_SHORT else f"{line[:_SHOWN_SHORT]} ..."


def _shown(difference: Difference) -> SchemaDifference:
    return SchemaDifference(
        kind=difference.kind,
        name=difference.name,
        source=(difference.first or "")[:_SHOWN_LENGTH] or None,
        twin=(difference.second or "")[:_SHOWN_LENGTH] or None,
    )
