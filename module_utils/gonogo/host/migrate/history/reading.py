"""What the files of several tools have in common, and their tables.

Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....contract.errors import InputError, shown

if TYPE_CHECKING:
    from .interface import Migration

__all__ = [
    "Table",
    "bare",
    "below",
    "inside",
    "literal",
    "plainly",
    "quoted",
    "sql_files",
    "text_of",
    "unique",
    "within",
]

_COLUMNS = """
SELECT a.attname FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p')
"""
# What is no code: comments, strings, quoted names.
_ASIDE = re.compile(
    r"--[^\n]*"
    r"|/\*.*?\*/"
    r"|[eE]'(?:[^'\\]|\\.|'')*'"
    r"|'(?:[^']|'')*'"
    r'|"(?:[^"]|"")*"'
    r"|(?<![\w$])\$(?P<tag>\w*)\$.*?\$(?P=tag)\$",
    re.DOTALL,
)


def inside(folder: Path) -> list[Path]:
    """What a folder of migrations holds, by name. Raises InputError where there is none."""
    if not folder.is_dir():
        raise InputError(
            f"there is no folder of migrations {folder.name}",
            file=str(folder),
            hint="Name the folder in which the migration tool keeps its files.",
        )
    return sorted(folder.iterdir())


def sql_files(folder: Path) -> list[Path]:
    """The SQL files of a folder, by name, but for hidden ones."""
    return [
        path
        for path in inside(folder)
        if path.suffix == ".sql" and not path.name.startswith(".") and path.is_file()
    ]


def text_of(file: Path) -> str:
    """A file's text as it stands. Raises InputError where it is not UTF-8."""
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file.name} is not UTF-8 text",
            file=str(file),
            detail=f"The byte at {error.start} is none of UTF-8's.",
            hint="Save it as UTF-8.",
        ) from None


def below(folder: Path, path: str) -> Path:
    """A file that another file names. Raises InputError where it is not in the folder."""
    file = folder / path
    if ".." in file.parts or not file.is_relative_to(folder) or "\0" in path:
        raise InputError(f"{shown(path)} is no file of this folder", file=str(folder))
    if not file.is_file():
        raise InputError(
            f"there is no file {shown(path)}", file=str(folder), hint="Bring the file back."
        )
    return file


def unique(migrations: Iterable[Migration], folder: Path) -> list[Migration]:
    """The same. Raises InputError where a tool would record two of them by one name."""
    known: dict[str, str] = {}
    found = list(migrations)
    for one in found:
        if one.name in known:
            raise InputError(
                f"{known[one.name]} and {one.file} are both recorded as {shown(one.name)}",
                file=str(folder),
                hint="Give one of them another version.",
            )
        known[one.name] = one.file
    return found


def within(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """These parts of a text, on the lines that they have in it."""
    pieces: list[str] = []
    end = 0
    for start, stop in spans:
        pieces.append("\n" * text.count("\n", end, start) + text[start:stop])
        end = stop
    return "".join(pieces)


def bare(text: str) -> str:
    """SQL without its comments, strings and quoted names."""
    return _ASIDE.sub(" ", text)


def quoted(name: str) -> str:
    """An identifier in SQL."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def plainly(name: str) -> str:
    """An identifier for a person's psql."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else quoted(name)


def literal(text: str) -> str:
    """A text in SQL, as a person types it."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


class Table:
    """A table of a tool's, by the columns that tell it from another tool's of the same name."""

    def __init__(self, schema: str, name: str, *columns: str) -> None:
        self.schema = schema
        self.name = name
        self.columns = frozenset(columns)

    @property
    def key(self) -> tuple[str, str]:
        return self.schema, self.name

    @property
    def plain(self) -> str:
        """The table for a person's psql."""
        return f"{plainly(self.schema)}.{plainly(self.name)}"

    def is_there(self, connection: Any) -> bool:
        found = {name for (name,) in connection.execute(_COLUMNS, self.key).fetchall()}
        return bool(found) and self.columns <= found

    def execute(self, connection: Any, text: str, values: Sequence[object] = ()) -> Any:
        """A query on `{table}`, whose name is none of the driver's placeholders."""
        table = f"{quoted(self.schema)}.{quoted(self.name)}".replace("%", "%%")
        return connection.execute(text.replace("{table}", table), tuple(values))

    def rows(self, connection: Any, text: str) -> list[Any]:
        """What a query gives."""
        found: list[Any] = self.execute(connection, text).fetchall()
        return found
