"""Shapes of the files a person writes, and all in which a file is not of its shape, said at once.

A shape is data: `Text()`, `Items(...)`, `Keys({...})`. Ansible's argument specs are not used
for files because they convert silently (the text `no` becomes a boolean) and know no lines.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...contract.errors import InputError, shown
from .faults import one_of_all
from .yamlfile import Document

__all__ = [
    "Any_",
    "Flag",
    "Items",
    "Keys",
    "Number",
    "Shape",
    "Table",
    "Text",
    "check",
    "fault",
    "lacking",
    "spelled",
]

Path = tuple[str | int, ...]

_LINE = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+"


@dataclass(frozen=True)
class Shape:
    """Base of all shapes. `optional` keys may be left out."""

    optional: bool = field(default=False, kw_only=True)

    @property
    def words(self) -> str:
        """What is wanted."""
        raise NotImplementedError

    def faults(self, document: Document, path: Path, value: Any) -> Iterator[InputError]:
        """All in which the value at `path` is not of this shape."""
        raise NotImplementedError


@dataclass(frozen=True)
class Any_(Shape):  # noqa: N801 - Any is taken
    """Anything."""

    @property
    def words(self) -> str:
        return "any value"

    def faults(self, document: Document, path: Path, value: Any) -> Iterator[InputError]:  # noqa: ARG002
        yield from ()


@dataclass(frozen=True)
class Text(Shape):
    """Text; one of `choices` or matching `pattern` in full where given."""

    choices: tuple[str, ...] = ()
    pattern: str = _LINE
    nullable: bool = False

    @property
    def words(self) -> str:
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        return "one line of text" if self.pattern is _LINE else f"text like {self.pattern}"

    def faults(self, document: Document, path: Path, value: Any) -> Iterator[InputError]:
        if value is None and self.nullable:
            return
        if not isinstance(value, str):
            hint = "Quote it." if value is not None else None
            yield fault(document, path, value, "must be text", hint)
        elif self.choices and value not in self.choices:
            wanted = f"must be {self.words}"
            yield fault(document, path, value, wanted, _near(value, self.choices))
        elif not self.choices and not re.fullmatch(self.pattern, value):
            wanted = "be one line of text" if self.pattern is _LINE else f"match {self.pattern}"
            yield fault(document, path, value, f"must {wanted}")


@dataclass(frozen=True)
class Number(Shape):
    """A whole number not below `minimum`."""

    minimum: int = 0

    @property
    def words(self) -> str:
        return f"a whole number, {self.minimum} or more"

    def faults(self, document: Document, path: Path, value: Any) -> Iterator[InputError]:
        if not isinstance(value, int) or isinstance(value, bool) or value < self.minimum:
            yield fault(document, path, value, f"must be {self.words}")


@dataclass(frozen=True)
class Flag(Shape):
    """true or false."""

    @property
    def words(self) -> str:
        return "true or false"

    def faults(self, document: Document, path: Path, value: Any) -> Iterator[InputError]:
        if not isinstance(value, bool):
            yield fault(document, path, value, f"must be {self.words}")


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

    @property
    def words(self) -> str:
        return "a list" if self.empty else "a list that is not empty"

    def faults(self, document: Document, path: Path, value: Any) -> Iterator[InputError]:
        if not isinstance(value, list):
            yield fault(document, path, value, "must be a list")
            return
        if not value and not self.empty:
            yield fault(document, path, value, "must not be empty")
        seen: dict[str, int] = {}
        for number, item in enumerate(value):
            yield from self.item.faults(document, (*path, number), item)
            where = (*path, number, self.unique) if self.unique else (*path, number)
            name = item.get(self.unique) if self.unique and isinstance(item, dict) else item
            if not (self.unique or self.distinct) or not isinstance(name, str):
                continue
            first = seen.setdefault(name.casefold(), number)
            if first != number:
                place = document.place((*path, first))
                yield fault(document, where, name, f"is there twice, first in {place}")


@dataclass(frozen=True)
class Table(Shape):
    """A mapping from names that match `names` in full to one shape."""

    value: Shape
    empty: bool = False
    names: str = _LINE

    @property
    def words(self) -> str:
        return "a mapping" if self.empty else "a mapping that is not empty"

    def faults(self, document: Document, path: Path, value: Any) -> Iterator[InputError]:
        if not isinstance(value, dict):
            yield fault(document, path, value, "must be a mapping")
            return
        if not value and not self.empty:
            yield fault(document, path, value, "must not be empty")
        for key, item in value.items():
            if not re.fullmatch(self.names, key):
                yield fault(document, (*path, key), None, "is not a name that can be used here")
            yield from self.value.faults(document, (*path, key), item)


@dataclass(frozen=True)
class Keys(Shape):
    """A mapping with exactly these keys, but for the optional ones."""

    keys: Mapping[str, Shape]

    @property
    def words(self) -> str:
        needed = [key for key, shape in self.keys.items() if not shape.optional]
        return f"a mapping with the keys {', '.join(needed)}" if needed else "a mapping"

    def faults(self, document: Document, path: Path, value: Any) -> Iterator[InputError]:
        if not isinstance(value, dict):
            yield fault(document, path, value, "must be a mapping")
            return
        for key in value:
            if key not in self.keys:
                near = _near(key, tuple(self.keys))
                yield fault(document, (*path, key), None, "is not a known key", near)
        for key, shape in self.keys.items():
            if key in value:
                yield from shape.faults(document, (*path, key), value[key])
            elif not shape.optional:
                yield lacking(document, path, key, shape)


def check(document: Document, shape: Shape) -> None:
    """Compare a document with a shape. Raises one InputError for all differences."""
    found = list(shape.faults(document, (), document.data))
    if found:
        raise one_of_all(found)


def lacking(document: Document, path: Path, key: str, shape: Shape) -> InputError:
    """The error about a key that is not there, and what it would have to be."""
    hint = f"'{key}' is {shape.words}."
    return fault(document, path, None, f"lacks the key '{key}'", hint)


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


def fault(
    document: Document, path: Path, value: Any, problem: str, hint: str | None = None
) -> InputError:
    """The InputError about the value at `path`, with its file, line and key."""
    subject = f"'{spelled(path)}'" if path else "the file"
    return InputError(
        f"{document.place(path)}: {subject} {problem}",
        file=str(document.path),
        key=spelled(path) or None,
        value=value,
        hint=hint,
    )
