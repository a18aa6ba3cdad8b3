"""What a survey gives as text where a list or a mapping is wanted."""

from __future__ import annotations

from typing import Any

import pytest

from gonogo.contract.errors import InputError
from gonogo.controller.invocation import project
from gonogo.controller.invocation.request_form import values_of_texts

SPEC = {"a": {"type": "list", "elements": "str"}, "b": {"type": "dict"}, "c": {"type": "str"}}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"a": '["x", "y"]'}, {"a": ["x", "y"]}),
        ({"a": " \n[]\n"}, {"a": []}),
        ({"b": '{"x": {"y": [1, null, true]}}'}, {"b": {"x": {"y": [1, None, True]}}}),
        # What is text stays text, and what is none stays what it is.
        ({"c": '["x"]'}, {"c": '["x"]'}),
        ({"a": "x,y", "b": "x=y"}, {"a": "x,y", "b": "x=y"}),
        ({"a": '{"x": 1}', "b": "[1]"}, {"a": '{"x": 1}', "b": "[1]"}),
        ({"a": None, "d": "[1]"}, {"a": None, "d": "[1]"}),
    ],
)
def test_texts(given: dict[str, Any], found: dict[str, Any]) -> None:
    assert values_of_texts(given, SPEC) == found


@pytest.mark.parametrize(
    "given",
    [
        {"a": '["s3cret"'},
        {"a": "['s3cret']"},
        {"b": '{"x": 1} s3cret'},
        {"b": '{"s3cret": 1, "s3cret": 2}'},
        {"a": "[" * 100_000},
    ],
)
def test_what_begins_like_json_and_is_none_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InputError, match="begins like JSON, and is none") as caught:
        values_of_texts(given, SPEC, named=lambda name: f"gonogo_{name}")
    told = caught.value.render()
    assert f"gonogo_{next(iter(given))}" in told
    assert "s3cret" not in told


def test_every_list_and_mapping_of_the_project_can_be_given_so() -> None:
    kinds: dict[str, tuple[str, Any]] = {"list": ("[]", []), "dict": ("{}", {})}
    wanted = {
        name: kinds[option["type"]]
        for name, option in project.options().items()
        if option["type"] in kinds
    }
    assert len(wanted) > 10
    given = {name: text for name, (text, _) in wanted.items()}
    found = values_of_texts(given, project.options())
    assert found == {name: value for name, (_, value) in wanted.items()}
