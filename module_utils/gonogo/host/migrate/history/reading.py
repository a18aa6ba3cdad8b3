"""What the files of several tools have in common, and their tables."""

from __future__ import annotations

from pathlib import Path

from ....contract.errors import InputError

__all__ = ["inside", "literal", "quoted", "text_of"]


def inside(folder: Path) -> list[Path]:
    """What a folder of migrations holds, by name. Raises InputError where there is none."""
    if not folder.is_dir():
        raise InputError(
            f"there is no folder of migrations {folder.name}",
            file=str(folder),
            hint="Name the folder in which the migration tool keeps its files.",
        )
    return sorted(folder.iterdir())


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


def quoted(name: str) -> str:
    """An identifier in SQL."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def literal(text: str) -> str:
    """A text in SQL, as a person types it."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
