"""Every kind of object there can be: whether a dump brings it, and how it is compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.integration.support.universe import damages
from tests.integration.support.universe.exemptions import (
    ENTRIES_OF_OTHERS,
    ENTRIES_WITHOUT_EFFECT,
    NOT_COMPARED,
)
from tests.pages import Page, Row, Table

__all__ = ["KINDS", "OBJECTS", "Kind"]

_PROVEN = "test_universe.py::test_every_object_is_proven"
_GONE = "test_universe.py::test_an_object_that_is_gone"
_PROPERTIES = "test_catalogs.py::test_every_property_is_compared"
_ENTRIES = "test_entries.py::test_an_entry_that_is_gone_is_noticed"
_OLDEST = 13
_VALUES = Path(__file__).parents[1] / "integration" / "support" / "universe" / "values.sql"


@dataclass(frozen=True)
class Kind:
    """`name` is pg_identify_object's word; `since` the first version of PostgreSQL that has it."""

    name: str
    what: str = "its definition"
    since: int = _OLDEST

    def row(self) -> Row:
        compared = [self.what]
        if self.name in damages.OWNED:
            compared.append("owner")
        if self.name in damages.GRANTED:
            compared.append("privileges")
        if self.name not in damages.WITHOUT_COMMENT:
            compared.append("comment")
        return Row((self.name, f"{self.since} to 18", "yes", ", ".join(compared)), _GONE)


_AS_PRINTED = "its definition as the server prints it"
_FIELDS = "all that its catalog says of it"

# Those of the script that makes one of each: test_universe.py compares the two.
KINDS = (
    Kind("access method", _FIELDS),
    Kind("aggregate", "its functions, states, arguments, whether it is parallel"),
    Kind("cast", "its function, method and context"),
    Kind("collation", _FIELDS),
    Kind("composite type", "its columns: type, position, collation"),
    Kind("conversion", _FIELDS),
    Kind("default acl", "the privileges it gives"),
    Kind("default value", "its expression as the server prints it"),
    Kind("domain constraint", _AS_PRINTED),
    Kind("event trigger", _FIELDS),
    Kind("extension", "its schema; its version is that of the host"),
    Kind("foreign table", "its columns, server, options (hashed), what it inherits from"),
    Kind("foreign-data wrapper", "its functions and options (hashed)"),
    Kind("function", _AS_PRINTED),
    Kind("function of access method", "with its operator family"),
    Kind("index", f"{_AS_PRINTED}; whether it is valid, clustered, attached; statistics targets"),
    Kind("language", "its functions, whether it is trusted"),
    Kind("materialized view", "its query, columns, options, whether it is filled"),
    Kind("operator", _FIELDS),
    Kind("operator class", "its types and family"),
    Kind("operator family", "its operators and functions"),
    Kind("operator of access method", "with its operator family"),
    Kind("policy", "its roles and expressions as the server prints them"),
    Kind("procedure", _AS_PRINTED),
    Kind("publication", "its tables, schemas, columns, conditions, and what it publishes"),
    Kind("publication namespace", "with its publication", 15),
    Kind("publication relation", "with its publication"),
    Kind("rule", f"{_AS_PRINTED}, and when it acts"),
    Kind("schema", "that it is there"),
    Kind(
        "sequence",
        "its type, bounds and owner column; its value lies between two readings (of one that "
        "begins anew at its end only where it cannot have gone all the way round between them)",
    ),
    Kind("server", "its wrapper, type, version and options (hashed)"),
    Kind("statistics object", f"{_AS_PRINTED}, and its target"),
    Kind("table", "its columns, options, partition bound, parents, and all of its rows"),
    Kind("table constraint", f"{_AS_PRINTED}, whether it is local"),
    Kind("text search configuration", "its parser and mappings"),
    Kind("text search dictionary", "its template and options"),
    Kind("text search parser", "its functions"),
    Kind("text search template", "its functions"),
    Kind("transform", "its functions"),
    Kind("trigger", f"{_AS_PRINTED}, and when it acts"),
    Kind("type", "its labels, bounds or functions; of a domain, its base, default and NOT NULL"),
    Kind("user mapping", "names of its options, and 16 bits of each value: they hold passwords"),
    Kind("view", "its query as the server prints it, its columns and options"),
)

_OTHERS = (
    ("rows of a table", "13 to 18", "yes", "number, and a sum of hashes of all values", _PROVEN),
    (
        "large object",
        "13 to 18",
        "yes",
        "number, a sum of hashes of contents and comments; owners and privileges, as sums",
        "test_universe.py::test_a_large_object_that_is_another",
    ),
    (
        "privileges of what is in pg_catalog or belongs to an extension",
        "13 to 18",
        "yes",
        "where they are not those of initdb or of the extension",
        "test_universe.py::test_rights_on_what_is_not_the_users",
    ),
    (
        "`ALTER ... DEPENDS ON EXTENSION`",
        "13 to 18",
        "yes",
        "the extensions' names",
        "test_universe.py::test_a_dependency_that_is_gone",
    ),
    (
        "security label",
        "13 to 18",
        "yes",
        "provider and label",
        "test_universe.py::test_a_security_label",
    ),
    ("subscription", "13 to 18", "yes", "not at all: a twin reaches no other server", _PROVEN),
    (
        "privileges in information_schema and of the languages sql, c and internal",
        "13 to 18",
        "no",
        "not at all",
        "test_perfect.py::test_it_is_proven",
    ),
    ("statistics of the planner", "13 to 18", "no", "not at all", _PROVEN),
    (
        "what is legal and hardly ever seen (`unusual.sql`): things that need one another in a "
        "circle, rows without columns, names that are scripts, owners without rights",
        "13 to 18",
        "yes",
        "as everything else",
        "test_unusual.py::test_it_is_proven",
    ),
    (
        "names of no ASCII, in a database that reads them in another encoding than they were sent",
        "13 to 18",
        "yes",
        "byte by byte; what is no text in the encoding of the database is refused by its name",
        "test_names.py::test_it_is_proven",
    ),
    (
        "roles, memberships, tablespaces, settings and privileges of the database",
        "13 to 18",
        "no: they are the server's",
        "not at all; a twin gets roles, memberships and settings without passwords",
        _PROVEN,
    ),
)


def _types() -> str:
    """Of the script of values."""
    text = _VALUES.read_text(encoding="utf-8")
    found = re.findall(r"keep\('\w+', '([^']+)'", text)
    return ", ".join(f"`{name}`" for name in dict.fromkeys(found))


OBJECTS = Page(
    "objects.md",
    "Objects",
    (
        "A backup is proven by restoring it and comparing all that is in it with its source. This "
        "is what there can be, whether a dump brings it along, and what of it is compared. "
        "`tests/integration/support/universe/objects.sql` makes objects of every kind, by every "
        "command that the documentation lists, on any version from 13 on: its backup is proven, "
        "and each object that is dropped, given to somebody else, granted or commented is "
        "noticed.",
        Table(
            ("Kind", "PostgreSQL", "In a dump", "Compared"),
            [kind.row() for kind in KINDS],
            heading="Kinds",
        ),
        Table(
            ("What else", "PostgreSQL", "In a dump", "Compared"),
            [Row(tuple(cells), test) for *cells, test in _OTHERS],
            heading="What else there is",
        ),
        Table(
            ("Columns of the catalogs (the kind in brackets)", "Why nothing compares them"),
            [
                Row((", ".join(f"`{one}`" for one in patterns), reason), _PROPERTIES)
                for reason, patterns in NOT_COMPARED.items()
            ],
            heading="What is not compared",
            words="Every other column of a catalog is: it is changed in rows of each kind, and the "
            "change is noticed.",
        ),
        Table(
            ("Kind of entry", "What becomes of an archive without it"),
            [
                *(
                    Row((f"`{kind}`", f"the same: {reason}"), _ENTRIES)
                    for kind, reason in ENTRIES_WITHOUT_EFFECT.items()
                ),
                *(
                    Row((f"`{kind}`", "a twin gets none; each is told as not carried"), _ENTRIES)
                    for kind in ENTRIES_OF_OTHERS
                ),
                Row(
                    ("every other one that pg_dump writes of `objects.sql`", "not proven"), _ENTRIES
                ),
            ],
            heading="Entries of an archive",
            words="One entry of each kind is taken out of the table of contents of such a backup, "
            "one at a time.",
        ),
        Table(
            ("What is done", "What becomes of it"),
            [
                Row(
                    ("nothing", "proven"),
                    "test_values.py::test_every_value_is_proven",
                ),
                Row(
                    ("a value is that of another row, which its type writes otherwise", "noticed"),
                    "test_values.py::test_the_value_of_any_other_row_is_noticed",
                ),
                Row(
                    ("a value of each table is another one in the archive", "not proven"),
                    "test_values.py::test_a_value_that_is_another_in_the_archive",
                ),
            ],
            heading="Values",
            words="`values.sql` beside it has a table with the edges of every built-in type, and "
            f"of what can be made of them: {_types()}.",
        ),
    ),
)
