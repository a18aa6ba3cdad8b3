"""What a migration has changed of a schema, and what of it no statement accounts for.

A statement accounts for what it names, and for what the server makes and drops along with that: the
parts of a table, the sequence of a column, an index of nothing but columns that go. It does not
account for what stands on those and goes silently (CASCADE): views, foreign keys of other tables,
an index that has columns which stay. A name that is longer than the server keeps is known by what
is left of it, unless two of them become one.

Pure; Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .immaterial import unplaced
from .object_names import RELATIONS, Named, parsed, subject_of, words
from .schema_catalog import Difference, compare

__all__ = ["changed", "unexplained"]

# Bytes of a name that the server keeps.
_KEPT = 63
_DEFAULTS = "default privileges "
_INHERITS = "inherits "


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    """What differs, but the order of columns: it follows from what is added and dropped."""
    return [one for one in compare(before, after) if not _moved(one)]


def unexplained(
    found: Sequence[Difference],
    before: Mapping[str, str],
    after: Mapping[str, str],
    *,
    names: Collection[str],
) -> list[Difference]:
    """Those of the changes that the statements do not account for; `names` are all of their
    words."""
    judge = _Judge(found, before, after, names)
    return [one for one in found if not judge.explains(one)]


def _moved(one: Difference) -> bool:
    if one.kind != "different" or not one.name.startswith("column "):
        return False
    return unplaced(one.first or "") == unplaced(one.second or "")


@dataclass
class _Judge:
    found: Sequence[Difference]
    before: Mapping[str, str]
    after: Mapping[str, str]
    names: Collection[str]
    # Name as it is kept → how many of the words become it.
    _cut: dict[str, int] = field(default_factory=dict)
    _kinds: dict[str, str] = field(default_factory=dict)
    # Schema and name → those of the tables that it inherits from.
    _parents: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    # What comes and goes with a name: its schema, the list that it stands in, and the word by which
    # a view goes on calling a column as it did.
    _beside_names: set[str] = field(default_factory=lambda: {"as", "tables"})

    def __post_init__(self) -> None:
        for name in self.names:
            kept = name.encode()[:_KEPT].decode(errors="ignore")
            self._cut[kept] = self._cut.get(kept, 0) + 1
        self._kinds = {one.name: one.kind for one in self.found}
        for schema in (self.before, self.after):
            for name, definition in schema.items():
                if name.startswith("schema "):
                    self._beside_names.add(parsed(name).own)
                if name.startswith("table ") and _INHERITS in definition:
                    above = parsed(f"table {definition.partition(_INHERITS)[2]}").parts
                    self._parents[parsed(name).parts] = above

    def explains(self, one: Difference) -> bool:
        if one.name.startswith(_DEFAULTS):
            return {"default", "privileges"} <= {*self.names}
        subject = subject_of(one.name)
        if subject is not None:
            return self._attribute(one, subject)
        it = parsed(one.name, one.first if one.first is not None else one.second)
        if one.kind == "different":
            return self._is_named(it) or self._words_are(one)
        if one.kind == "extra":
            return self._made(one, it)
        return self._is_named(it) or self._went_along(one, it)

    def _attribute(self, one: Difference, subject: str) -> bool:
        """What is said of an object that has come or gone goes with it."""
        if self._kinds.get(subject, "different") != "different":
            return True
        it = parsed(subject, self.after.get(subject, self.before.get(subject)))
        return self._is_named(it) or self._knows(it.own) or self._words_are(one)

    def _is_named(self, it: Named) -> bool:
        """By its name; a part of a table by that of the table, too, or of one above it."""
        if it.kind in ("column", "trigger", "rule", "policy"):
            return self._knows(it.own) and self._knows_table(it.table)
        return self._knows(it.own)

    def _made(self, one: Difference, it: Named) -> bool:
        kept = it.own.encode()
        if len(kept) >= _KEPT - 3 and self._cut.get(it.own, 0) > 1:
            return False
        if self._knows(it.own) or (it.table and self._knows_table(it.table)):
            return True
        return self._renamed(one, it)

    def _renamed(self, one: Difference, it: Named) -> bool:
        """What is in a schema, or belongs to a table, that has come as a whole."""
        return self._relation(it.table, "extra") or self._schema(it, one.kind)

    def _went_along(self, one: Difference, it: Named) -> bool:
        if self._schema(it, one.kind):
            return True
        if not it.table:
            return False
        if self._relation(it.table, "missing"):
            return self._knows_table(it.table)
        if it.kind == "sequence":
            column = next((n for n in self._kinds if _is_column(n, it.table, it.column)), "")
            return self._kinds.get(column) == "missing" and self._knows(it.column or "")
        if it.kind in ("index", "constraint", "statistics"):
            return self._of_what_went(one, it)
        above = self._parents.get(it.table)
        return above is not None and it.kind == "column" and self._knows(it.own)

    def _of_what_went(self, one: Difference, it: Named) -> bool:
        """Whether an index or a constraint is of columns that went, and of none that stays."""
        text = (one.first or "").partition(" REFERENCES ")[0]
        text = text.partition(" USING ")[2] or text
        said = words(text)
        stay = {
            parsed(name).own
            for name in self.after
            if name.startswith("column ") and parsed(name).table == it.table
        }
        went = {
            parsed(name).own
            for name, kind in self._kinds.items()
            if kind == "missing" and name.startswith("column ") and parsed(name).table == it.table
        }
        return bool(said & went) and not said & stay

    def _relation(self, table: tuple[str, ...], kind: str) -> bool:
        return bool(table) and any(
            self._kinds.get(name) == kind and parsed(name).parts == table
            for name in self._kinds
            if name.startswith(tuple(f"{word} " for word in RELATIONS))
        )

    def _schema(self, it: Named, kind: str) -> bool:
        """Whether it came or went with its schema, which is named."""
        if len(it.parts) < 2 or it.kind == "schema":
            return False
        name = next(
            (n for n in self._kinds if n.startswith("schema ") and parsed(n).own == it.parts[0]), ""
        )
        return self._kinds.get(name) == kind and self._knows(it.parts[0])

    def _words_are(self, one: Difference) -> bool:
        """Whether only words of the statements have come and gone: a name that it refers to."""
        moved = (words(one.first) ^ words(one.second)) - self._beside_names
        return bool(moved) and all(map(self._knows, moved))

    def _knows(self, name: str) -> bool:
        return name in self.names or name in self._cut

    def _knows_table(self, table: tuple[str, ...]) -> bool:
        seen: set[tuple[str, ...]] = set()
        while table and table not in seen:
            if self._knows(table[-1]):
                return True
            seen.add(table)
            table = self._parents.get(table, ())
        return False


def _is_column(name: str, table: tuple[str, ...], column: str | None) -> bool:
    it = parsed(name)
    return it.kind == "column" and it.table == table and it.own == column
