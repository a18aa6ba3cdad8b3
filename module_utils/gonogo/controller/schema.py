"""Shapes of the files a person writes, and one clear error for each way to get them wrong.

A shape is data: `Text()`, `Items(...)`, `Keys({...})`. Ansible's argument specs are not used
for files because they convert silently (the text `no` becomes a boolean) and know no lines.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ..errors import InputError, shown
from .yamlfile import Document

__all__ = ["Any_", "Flag", "Items", "Keys", "Number", "Table", "Text", "check", "refuse", "spelled"]

Path = tuple[str | int, ...]

_LINE = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+"


@dataclass(frozen=True)
class Shape:
    """Base of all shapes. `optional` keys may be left out."""

    optional: bool = field(default=False, kw_only=True)

    def check(self, document: Document, path: Path, value: Any) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class Any_(Shape):  # noqa: N801 - Any is taken
    """Anything."""

    def check(self, document: Document, path: Path, value: Any) -> None:
        """Accept."""


@dataclass(frozen=True)
class Text(Shape):
    """Text; one of `choices` or matching `pattern` in full where given."""

    choices: tuple[str, ...] = ()
    pattern: str = _LINE
    nullable: bool = False

    def check(self, document: Document, path: Path, value: Any) -> None:
        if value is None and self.nullable:
            return
        if not isinstance(value, str):
            refuse(
                document,
                path,
                value,
                "must be text",
                hint="Quote it." if value is not None else None,
            )
        if self.choices and value not in self.choices:
            refuse(
                document,
                path,
                value,
                f"must be one of {', '.join(self.choices)}",
                _near(value, self.choices),
            )
        if not self.choices and not re.fullmatch(self.pattern, value):
            wanted = "be one line of text" if self.pattern is _LINE else f"match {self.pattern}"
            refuse(document, path, value, f"must {wanted}")


@dataclass(frozen=True)
class Number(Shape):
    """A whole number not below `minimum`."""

    minimum: int = 0

    def check(self, document: Document, path: Path, value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < self.minimum:
            refuse(document, path, value, f"must be a whole number, {self.minimum} or more")


@dataclass(frozen=True)
class Flag(Shape):
    """true or false."""

    def check(self, document: Document, path: Path, value: Any) -> None:
        if not isinstance(value, bool):
            refuse(document, path, value, "must be true or false")


@dataclass(frozen=True)
class Items(Shape):
    """A list, by default not empty.

    `unique` names the key in which the items must differ, not only by case; `distinct` says that
    the items themselves, texts, must differ.
    """

    item: Shape
    empty: bool = False
    unique: str = ""
    distinct: bool = False

    def check(self, document: Document, path: Path, value: Any) -> None:
        if not isinstance(value, list):
            refuse(document, path, value, "must be a list")
        if not value and not self.empty:
            refuse(document, path, value, "must not be empty")
        seen: dict[str, int] = {}
        for number, item in enumerate(value):
            self.item.check(document, (*path, number), item)
            if not (self.unique or self.distinct):
                continue
            where = (*path, number, self.unique) if self.unique else (*path, number)
            name = str(item[self.unique] if self.unique else item)
            first = seen.setdefault(name.casefold(), number)
            if first != number:
                place = document.place((*path, first))
                refuse(document, where, name, f"is there twice, first in {place}")


@dataclass(frozen=True)
class Table(Shape):
    """A mapping from names that match `names` in full to one shape."""

    value: Shape
    empty: bool = False
    names: str = _LINE

    def check(self, document: Document, path: Path, value: Any) -> None:
        if not isinstance(value, dict):
            refuse(document, path, value, "must be a mapping")
        if not value and not self.empty:
            refuse(document, path, value, "must not be empty")
        for key, item in value.items():
            if not re.fullmatch(self.names, key):
                refuse(document, (*path, key), None, "is not a name that can be used here")
            self.value.check(document, (*path, key), item)


@dataclass(frozen=True)
class Keys(Shape):
    """A mapping with exactly these keys, but for the optional ones."""

    keys: Mapping[str, Shape]

    def check(self, document: Document, path: Path, value: Any) -> None:
        if not isinstance(value, dict):
            refuse(document, path, value, "must be a mapping")
        for key in value:
            if key not in self.keys:
                refuse(
                    document, (*path, key), None, "is not a known key", _near(key, tuple(self.keys))
                )
        for key, shape in self.keys.items():
            if key in value:
                shape.check(document, (*path, key), value[key])
            elif not shape.optional:
                refuse(document, path, None, f"lacks the key '{key}'")


def check(document: Document, shape: Shape) -> None:
    """Compare a document with a shape. Raises InputError for the first difference."""
    shape.check(document, (), document.data)


def spelled(path: Path) -> str:
    """`checks[3].id`."""
    text = ""
    for part in path:
        # A key is written by whoever writes the file, as a value is.
        word = f"[{part}]" if isinstance(part, int) else shown(part)
        text += f".{word}" if text and not isinstance(part, int) else word
    return text


def _near(value: object, choices: tuple[str, ...]) -> str | None:
    near = difflib.get_close_matches(str(value), choices, n=1)
    return f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(choices)}."


def refuse(
    document: Document, path: Path, value: Any, problem: str, hint: str | None = None
) -> NoReturn:
    """Raise the InputError about the value at `path`, with its file, line and key."""
    subject = f"'{spelled(path)}'" if path else "the file"
    raise InputError(
        f"{document.place(path)}: {subject} {problem}",
        file=str(document.path),
        key=spelled(path) or None,
        value=value,
        hint=hint,
    )
