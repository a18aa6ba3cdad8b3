"""Shapes: each way to be wrong is one error that names file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.contract.errors import InputError
from gonogo.controller.reading import schema, yamlfile
from gonogo.controller.reading.schema import Any_, Flag, Items, Keys, Number, Table, Text

SHAPE = Keys(
    {
        "name": Text(pattern="[a-z]+"),
        "title": Text(optional=True),
        "note": Text(nullable=True, optional=True),
        "mode": Text(choices=("keep", "rollback"), optional=True),
        "count": Number(minimum=1, optional=True),
        "flag": Flag(optional=True),
        "words": Items(Text(), distinct=True, optional=True),
        "things": Items(Keys({"id": Text()}), unique="id", empty=True, optional=True),
        "table": Table(Number(), names="[a-z]+", optional=True),
        "free": Table(Any_(), empty=True, optional=True),
    }
)


@pytest.mark.parametrize(
    "text",
    [
        "name: a",
        "{name: a, title: 'no', note: null, mode: keep, count: 1, flag: false}",
        "{name: a, words: [a, b], things: [], table: {a: 0}, free: {}}",
        "{name: a, things: [{id: C1.1}, {id: C1.10}], free: {x: [1, {y: null}]}}",
    ],
)
def test_right(text: str) -> None:
    schema.check(yamlfile.parse(text, Path("x.yml")), SHAPE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]", "x.yml:1: the file must be a mapping\nDETAIL:  x.yml is \"['a']\""),
        (
            "title: a",
            "x.yml:1: the file lacks the key 'name'\nDETAIL:  x.yml\nHINT:  'name' is text like [a-z]+.",
        ),
        (
            "name: a\ntittle: b",
            "x.yml:2: 'tittle' is not a known key\nDETAIL:  x.yml: tittle\n"
            "HINT:  Did you mean 'title'?",
        ),
        (
            "name: a\nxyz: b",
            "x.yml:2: 'xyz' is not a known key\nDETAIL:  x.yml: xyz\n"
            "HINT:  Known: name, title, note, mode, count, flag, words, things, table, free.",
        ),
        ("name: A", "x.yml:1: 'name' must match [a-z]+\nDETAIL:  x.yml: name is \"A\""),
        (
            "name: 1",
            "x.yml:1: 'name' must be text\nDETAIL:  x.yml: name is \"1\"\nHINT:  Quote it.",
        ),
        (
            "name: no",
            "x.yml:1: 'name' must be text\nDETAIL:  x.yml: name is \"False\"\nHINT:  Quote it.",
        ),
        ("name:", "x.yml:1: 'name' must be text\nDETAIL:  x.yml: name"),
        (
            "name: a\ntitle: ''",
            "x.yml:2: 'title' must be one line of text\nDETAIL:  x.yml: title is \"\"",
        ),
        (
            'name: a\ntitle: "a\\nb"',
            "x.yml:2: 'title' must be one line of text\nDETAIL:  x.yml: title is \"a\\nb\"",
        ),
        (
            "name: a\nmode: kep",
            "x.yml:2: 'mode' must be one of keep, rollback\nDETAIL:  x.yml: mode is \"kep\"\n"
            "HINT:  Did you mean 'keep'?",
        ),
        (
            "name: a\ncount: 0",
            "x.yml:2: 'count' must be a whole number, 1 or more\nDETAIL:  x.yml: count is \"0\"",
        ),
        (
            "name: a\ncount: true",
            "x.yml:2: 'count' must be a whole number, 1 or more\nDETAIL:  x.yml: count is \"True\"",
        ),
        (
            "name: a\nflag: 'true'",
            "x.yml:2: 'flag' must be true or false\nDETAIL:  x.yml: flag is \"true\"",
        ),
        ("name: a\nwords: b", "x.yml:2: 'words' must be a list\nDETAIL:  x.yml: words is \"b\""),
        (
            "name: a\nwords: []",
            "x.yml:2: 'words' must not be empty\nDETAIL:  x.yml: words is \"[]\"",
        ),
        (
            "name: a\nwords:\n  - b\n  - c\n  - B",
            "x.yml:5: 'words[2]' is there twice, first in x.yml:3\n"
            'DETAIL:  x.yml: words[2] is "B"',
        ),
        (
            "name: a\nthings:\n  - {id: C1.1}\n  - {id: c1.1}",
            "x.yml:4: 'things[1].id' is there twice, first in x.yml:3\n"
            'DETAIL:  x.yml: things[1].id is "c1.1"',
        ),
        (
            "name: a\nthings:\n  - {}",
            "x.yml:3: 'things[0]' lacks the key 'id'\nDETAIL:  x.yml: things[0]\n"
            "HINT:  'id' is one line of text.",
        ),
        ("name: a\ntable: 1", "x.yml:2: 'table' must be a mapping\nDETAIL:  x.yml: table is \"1\""),
        (
            "name: a\ntable: {}",
            "x.yml:2: 'table' must not be empty\nDETAIL:  x.yml: table is \"{}\"",
        ),
        (
            "name: a\ntable:\n  B: 1",
            "x.yml:3: 'table.B' is not a name that can be used here\nDETAIL:  x.yml: table.B",
        ),
        (
            "name: a\ntable:\n  b: x",
            "x.yml:3: 'table.b' must be a whole number, 0 or more\nDETAIL:  x.yml: table.b is \"x\"",
        ),
    ],
)
def test_wrong(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        schema.check(yamlfile.parse(text, Path("x.yml")), SHAPE)
    assert caught.value.render() == message
