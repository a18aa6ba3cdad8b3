"""YAML is read strictly: each way to be wrong is one error with the file and the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.contract.errors import InputError
from gonogo.controller.reading import yamlfile

FILE = Path("x.yml")


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        yamlfile.parse(text, FILE)
    return caught.value.render()


def test_data_and_lines() -> None:
    document = yamlfile.parse("a:\n  - b: 1\n    c: [x, 'no']\nd: null\n", FILE)
    assert document.data == {"a": [{"b": 1, "c": ["x", "no"]}], "d": None}
    assert document.place(("a", 0, "c", 1)) == "x.yml:3"
    assert document.place(("a", 0, "nothing", "here")) == "x.yml:2"
    assert document.place(("nothing",)) == "x.yml:1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes: 1", {"yes": 1}),
        ("1: a", {"1": "a"}),
        ("<<: a", {"<<": "a"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("\ufeffa: 1", {"a": 1}),
        ("a: 1.5\nb: true\nc: 010\nd: ~", {"a": 1.5, "b": True, "c": 8, "d": None}),
        ('a: "\\u202e"', {"a": "\u202e"}),
    ],
)
def test_plain_data(text: str, value: object) -> None:
    assert yamlfile.parse(text, FILE).data == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.yml:1: the file is empty\nDETAIL:  x.yml"),
        ("# only a comment\n", "x.yml:1: the file is empty\nDETAIL:  x.yml"),
        (
            "a: 1\nb: 2\na: 3\n",
            "x.yml:3: key 'a' is there twice\n"
            "DETAIL:  x.yml\n         It first stands in line 1.\n"
            "HINT:  YAML would silently keep the last one. Remove one of them.",
        ),
        (
            "a: b: c",
            "x.yml:1: not valid YAML: mapping values are not allowed in this context\n"
            "DETAIL:  x.yml",
        ),
        (
            "- a\n---\n- b\n",
            "x.yml:2: not valid YAML: expected a single document in the stream, "
            "but found another document\nDETAIL:  x.yml",
        ),
        ("a: *x", "x.yml:1: not valid YAML: found undefined alias\nDETAIL:  x.yml"),
        ("a:\n  &x [*x]", "x.yml:2: an alias contains itself\nDETAIL:  x.yml"),
        ("{[a]: 1}", "x.yml:1: a key must be text\nDETAIL:  x.yml"),
        (
            "day: 2026-01-31",
            'x.yml:1: a value of type timestamp\nDETAIL:  x.yml is "2026-01-31"\n'
            "HINT:  Quote it to make it text.",
        ),
        (
            "a: !vault x",
            'x.yml:1: a value of type !vault\nDETAIL:  x.yml is "x"\n'
            "HINT:  Quote it to make it text.",
        ),
        (
            "a: !!python/name:os.system ''",
            'x.yml:1: a value of type python/name:os.system\nDETAIL:  x.yml is ""\n'
            "HINT:  Quote it to make it text.",
        ),
        ("a: !!int x", 'x.yml:1: not a value of type int\nDETAIL:  x.yml is "x"'),
        ("a: 0b_", 'x.yml:1: not a value of type int\nDETAIL:  x.yml is "0b_"'),
        ("a: " + "9" * 5000, f'x.yml:1: not a value of type int\nDETAIL:  x.yml is "{"9" * 79}…"'),
        ("[" * 100_000, "x.yml:1: nested too deeply\nDETAIL:  x.yml"),
        ("? " * 2000, "x.yml:1: nested too deeply\nDETAIL:  x.yml"),
    ],
)
def test_refused(text: str, message: str) -> None:
    assert refusal(text) == message


def test_too_many_values() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{n}: &{n} [{', '.join([f'*{p}'] * 9)}]" for p, n in ("ab", "bc", "cd", "de", "ef")]
    assert "too many values" in refusal("\n".join(lines))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: \xff", "x.yml:1: not UTF-8 at byte 3\nDETAIL:  {file}"),
        (b"a: \x01", None),
        (b"x" * 5_000_001, 'x.yml: the file is too large\nDETAIL:  {file} is "5000001 bytes"'),
        (None, "cannot read {file}: No such file or directory"),
    ],
)
def test_file_refused(tmp_path: Path, content: bytes | None, message: str | None) -> None:
    file = tmp_path / "x.yml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        yamlfile.load(file)
    if message is not None:
        assert caught.value.render() == message.format(file=file)
