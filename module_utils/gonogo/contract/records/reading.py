"""A record is a frozen dataclass; its fields say what the JSON object of a file holds.

`read` makes the record of the object, `plain` the object of the record. The key of a field is its
name, without an underscore at its end (`class_`). A field without a default is always there; one
with the default None is left out where it is None. The hints that count:

==============================  ==============================================================
`str`, `int`, `bool`, `None`    that value
`float`                         a number
`object`                        any value: nothing of this project looks into it
`Literal["a", "b"]`             one of these
`Mapping[str, X]`               an object whose values are all X
`Sequence[X]`                   a list
`tuple[X, Y]`                   a list of so many values
a record                        an object
`X | Y`                         the first that it is
==============================  ==============================================================

A key too few or too many, or a value of another kind, is a `RecordError` that names the file: what
is read here was written by a run, or by somebody else.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import ast
import builtins
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin

from ..errors import GonogoError, shown

__all__ = ["HINT", "FileRecord", "RecordError", "plain", "read"]

HINT = (
    "It was changed by hand, or written by another version of this project (versions.project in "
    "run.json): use that version, or start a new run."
)
# So many keys of an object are told.
_TOLD = 20
_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
    dict: "an object",
    list: "a list",
}


class RecordError(GonogoError):
    """A file of evidence, or an answer, is not what this project writes."""


class FileRecord:
    """Base of the records that are a file of evidence, or a line of one."""

    FILE: ClassVar[str]


_Record = TypeVar("_Record")


def read(record: type[_Record], value: object, *, file: str) -> _Record:
    """The record that a JSON value is. Raises RecordError, which names the `file`."""
    try:
        found = _Object(record).read(value, ())
    except _MisfitError as error:
        raise RecordError(f"{file} {error.said}", detail=error.detail, hint=HINT) from None
    assert isinstance(found, record)  # by `_Object`
    return found


def plain(value: object) -> Any:
    """The JSON value of a record, or of anything that holds records."""
    if is_dataclass(value):
        return {_key(one): plain(there) for one, there in _present(value)}
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def _present(record: Any) -> Iterator[tuple[Field[Any], object]]:
    """The fields that are written: all but those that are left out."""
    for one in fields(record):
        value = getattr(record, one.name)
        if value is not None or not _may_be_left_out(one):
            yield one, value


def _may_be_left_out(one: Field[Any]) -> bool:
    return one.default is not MISSING


def _key(one: Field[Any]) -> str:
    return one.name.rstrip("_")


class _MisfitError(Exception):
    """What is wrong with a file; `said` follows its name."""

    def __init__(self, said: str, detail: str) -> None:
        super().__init__(said)
        self.said = said
        self.detail = detail


def _misfit(value: object, place: _Place, wanted: str) -> _MisfitError:
    kind = next((words for one, words in _WORDS.items() if _is(value, one)), "something else")
    detail = f"{_said(place) or 'It'} is {kind}; it should be {wanted}."
    return _MisfitError("is not as a run writes it", detail)


def _is(value: object, kind: type) -> bool:
    """As isinstance, for a kind of JSON: true is no number, and no number is half of one."""
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


# The way to a value: names of keys, and numbers of items.
_Place = tuple[object, ...]


def _said(place: _Place) -> str:
    """As a person reads it: `checks[3].id`."""
    said = ""
    for key in place:
        said += f"[{key}]" if isinstance(key, int) else f".{shown(key)}" if said else shown(key)
    return said


class _Kind(ABC):
    """A kind of value, as a hint says it."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What such a value is, for people."""

    @abstractmethod
    def fits(self, value: object) -> bool:
        """Whether it is of this kind, whatever is inside of it."""

    def inside(self, value: Any, place: _Place) -> object:  # noqa: ARG002 - others look at the place
        """The value with what is inside of it read. Raises _MisfitError."""
        return value

    def read(self, value: object, place: _Place) -> object:
        if not self.fits(value):
            raise _misfit(value, place, self.words)
        return self.inside(value, place)


@dataclass(frozen=True)
class _Plain(_Kind):
    """Text, a number, true or false, null."""

    type_: type

    @property
    def words(self) -> str:
        return _WORDS[self.type_]

    def fits(self, value: object) -> bool:
        return _is(value, self.type_)


class _Anything(_Kind):
    words = "anything"

    def fits(self, value: object) -> bool:  # noqa: ARG002 - whatever it is
        return True


@dataclass(frozen=True)
class _One(_Kind):
    """One of several texts."""

    of: tuple[object, ...]

    @property
    def words(self) -> str:
        return " or ".join(f'"{one}"' for one in self.of)

    def fits(self, value: object) -> bool:
        return isinstance(value, str) and value in self.of


@dataclass(frozen=True)
class _Mapping(_Kind):
    values: _Kind
    words = "an object"

    def fits(self, value: object) -> bool:
        return isinstance(value, dict)

    def inside(self, value: Any, place: _Place) -> object:
        return {key: self.values.read(one, (*place, key)) for key, one in value.items()}


@dataclass(frozen=True)
class _Sequence(_Kind):
    values: _Kind
    words = "a list"

    def fits(self, value: object) -> bool:
        return isinstance(value, (list, tuple))

    def inside(self, value: Any, place: _Place) -> object:
        return tuple(self.values.read(one, (*place, number)) for number, one in enumerate(value))


@dataclass(frozen=True)
class _Tuple(_Kind):
    values: tuple[_Kind, ...]

    @property
    def words(self) -> str:
        return f"a list of {len(self.values)}"

    def fits(self, value: object) -> bool:
        return isinstance(value, (list, tuple)) and len(value) == len(self.values)

    def inside(self, value: Any, place: _Place) -> object:
        pairs = enumerate(zip(self.values, value))
        return tuple(kind.read(one, (*place, number)) for number, (kind, one) in pairs)


@dataclass(frozen=True)
class _Choice(_Kind):
    """The first that fits; what is wrong inside of it is wrong, whatever the others are."""

    kinds: tuple[_Kind, ...]

    @property
    def words(self) -> str:
        return " or ".join(kind.words for kind in self.kinds)

    def fits(self, value: object) -> bool:
        return any(kind.fits(value) for kind in self.kinds)

    def inside(self, value: Any, place: _Place) -> object:
        return next(kind for kind in self.kinds if kind.fits(value)).inside(value, place)


@dataclass(frozen=True)
class _Object(_Kind):
    record: type
    words = "an object"

    def fits(self, value: object) -> bool:
        return isinstance(value, (dict, self.record))

    def inside(self, value: Any, place: _Place) -> object:
        if isinstance(value, self.record):
            return value
        known = {_key(one): one for one in fields(self.record)}
        for key in value:
            if key not in known:
                told = f'has "{_said((*place, key))}", which no run writes'
                raise _MisfitError(told, f"A run writes: {', '.join(known)}.")
        kinds = _kinds(self.record)
        given = {}
        for key, one in known.items():
            if key in value:
                given[one.name] = kinds[one.name].read(value[key], (*place, key))
            elif not _may_be_left_out(one):
                there = ", ".join(map(shown, list(value)[:_TOLD])) or "nothing"
                told = f'lacks "{_said((*place, key))}"'
                raise _MisfitError(told, f"There is: {there}.")
        return self.record(**given)


@cache
def _kinds(record: type) -> dict[str, _Kind]:
    """The kind of each field. Hints are read as they are written: Python 3.9 knows no `X | Y`."""
    found = {}
    for owner in reversed(record.__mro__):
        names = {**vars(builtins), **vars(sys.modules[owner.__module__])}
        for name, hint in vars(owner).get("__annotations__", {}).items():
            if not str(hint).startswith("ClassVar["):
                found[name] = _kind(ast.parse(hint, mode="eval").body, names)
    return found


def _kind(hint: ast.expr, names: Mapping[str, object]) -> _Kind:
    if isinstance(hint, ast.BinOp):
        return _Choice((_kind(hint.left, names), _kind(hint.right, names)))
    if isinstance(hint, ast.Subscript):
        return _of_several(hint, names)
    if isinstance(hint, ast.Constant) and hint.value is None:
        return _Plain(type(None))
    found = names[ast.unparse(hint)]
    if found is object:
        return _Anything()
    if get_origin(found) is Literal:
        return _One(get_args(found))
    assert isinstance(found, type)  # there are no others in a record
    return _Object(found) if is_dataclass(found) else _Plain(found)


def _of_several(hint: ast.Subscript, names: Mapping[str, object]) -> _Kind:
    outer = names[ast.unparse(hint.value)]
    parts = hint.slice.elts if isinstance(hint.slice, ast.Tuple) else [hint.slice]
    if outer is Literal:
        return _One(tuple(ast.literal_eval(part) for part in parts))
    kinds = [_kind(part, names) for part in parts]
    if outer is Mapping:
        return _Mapping(kinds[-1])
    if outer is Sequence:
        return _Sequence(kinds[0])
    assert outer is tuple  # there are no others in a record
    return _Tuple(tuple(kinds))
