"""Records: from a JSON object to a dataclass and back, by the hints of its fields."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import pytest

from gonogo.contract import canonical
from gonogo.contract.records.reading import FileRecord, RecordError, plain, read


@dataclass(frozen=True)
class Part:
    rows: tuple[int | None, int | None]
    equal: bool


@dataclass(frozen=True)
class Whole(FileRecord):
    FILE: ClassVar[str] = "whole.json"
    token: str
    class_: Literal["key", "nice"]
    seconds: float
    count: int | None
    parts: Mapping[str, Part]
    names: Sequence[str]
    open: Mapping[str, object]
    part: Part | None
    hint: str | None = None


WHOLE = {
    "token": "0123456789",
    "class": "key",
    "seconds": 0.5,
    "count": None,
    "parts": {"app.a": {"rows": [1, None], "equal": False}},
    "names": ["a", "b"],
    "open": {"x": [1, {"y": None}]},
    "part": None,
}


def of(value: object) -> Whole:
    return read(Whole, value, file="whole.json")


def test_an_object_becomes_a_record_and_again_the_same_object() -> None:
    record = of(WHOLE)
    assert record.parts["app.a"] == Part(rows=(1, None), equal=False)
    assert (record.class_, record.names, record.hint) == ("key", ("a", "b"), None)
    assert canonical.dumps(plain(record)) == canonical.dumps(WHOLE)
    assert read(Whole, plain(record), file="whole.json") == record
    assert of({**WHOLE, "part": record.parts["app.a"]}).part == record.parts["app.a"]


def test_what_may_be_left_out_is_left_out_again() -> None:
    assert plain(of({**WHOLE, "hint": "so"})) == {**WHOLE, "hint": "so"}
    assert "hint" not in plain(of({**WHOLE, "hint": None}))


def test_whole_numbers_are_spelled_as_they_were() -> None:
    for spelled in ("3", "3.0", "-1e-05"):
        given = {**WHOLE, "seconds": json.loads(spelled)}
        assert canonical.line(plain(of(given))) == canonical.line(given)


@pytest.mark.parametrize("key", sorted(WHOLE))
def test_a_missing_key_is_an_error_of_the_file(key: str) -> None:
    with pytest.raises(RecordError) as error:
        of({name: value for name, value in WHOLE.items() if name != key})
    assert error.value.primary == f'whole.json lacks "{key}"'
    assert "There is: " in (error.value.detail or "")


@pytest.mark.parametrize(
    ("change", "primary", "detail"),
    [
        ({"parts": {"t": {"rows": [1, 1]}}}, 'whole.json lacks "parts.t.equal"', "There is: rows."),
        ({"parts": {"{t}": {"rows": [1, 1]}}}, 'whole.json lacks "parts.{t}.equal"', "There is"),
        ({"more": 1}, 'whole.json has "more", which no run writes', "A run writes: token, class"),
        ({"{0}{file}": 1}, 'whole.json has "{0}{file}", which no run writes', "A run writes"),
        ({"\x1b[1m\n": 1}, r'whole.json has "\x1b[1m\n", which no run writes', "A run writes"),
    ],
)
def test_keys_are_those_that_a_run_writes(
    change: dict[str, object], primary: str, detail: str
) -> None:
    with pytest.raises(RecordError) as error:
        of({**WHOLE, **change})
    assert error.value.primary == primary
    assert (error.value.detail or "").startswith(detail)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"token": 5}, "token is a whole number; it should be text."),
        ({"token": None}, "token is null; it should be text."),
        ({"class": "other"}, 'class is text; it should be "key" or "nice".'),
        ({"class": ["key"]}, 'class is a list; it should be "key" or "nice".'),
        ({"seconds": True}, "seconds is true or false; it should be a number."),
        ({"count": True}, "count is true or false; it should be a whole number or null."),
        ({"count": 1.5}, "count is a number; it should be a whole number or null."),
        ({"names": "ab"}, "names is text; it should be a list."),
        ({"names": ["a", {}]}, "names[1] is an object; it should be text."),
        ({"open": []}, "open is a list; it should be an object."),
        ({"part": "x"}, "part is text; it should be an object or null."),
        (
            {"part": {"rows": [1], "equal": True}},
            "part.rows is a list; it should be a list of 2.",
        ),
        (
            {"parts": {"a\nb": {"rows": [1, "2"], "equal": True}}},
            r"parts.a\nb.rows[1] is text; it should be a whole number or null.",
        ),
    ],
)
def test_a_value_of_another_kind_is_told(change: dict[str, object], detail: str) -> None:
    with pytest.raises(RecordError) as error:
        of({**WHOLE, **change})
    assert error.value.primary == "whole.json is not as a run writes it"
    assert error.value.detail == detail


@pytest.mark.parametrize("value", [None, [], "text", 7, [WHOLE]])
def test_a_record_is_an_object(value: object) -> None:
    with pytest.raises(RecordError, match=r"whole\.json is not as a run writes it"):
        of(value)


def test_a_secret_in_a_key_is_not_told() -> None:
    with pytest.raises(RecordError) as error:
        of({**WHOLE, "password=hunter2secret": 1})
    assert "hunter2secret" not in error.value.render()
