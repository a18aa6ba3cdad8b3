"""What several scripts need is a file that they include."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.script import blocks
from gonogo.controller.render.libraries import included, together
from tests.unit.test_render import IMPORT, render

_SHARED = """
{% call gonogo.library('shared') %}
{% call gonogo.setup('shared') %}
SELECT {{ facts.number | literal }};
{% endcall %}
{% endcall %}

{% call gonogo.setup('own') %}
SELECT 2;
{% endcall %}
"""


def test_a_script_includes_it_and_it_runs(tmp_path: Path) -> None:
    rendered = render(tmp_path, IMPORT + _SHARED)
    assert list(rendered.libraries) == ["session", "helpers", "shared"]
    assert "SELECT 5;" in rendered.libraries["shared"]
    assert "SELECT 5;" not in rendered.kept
    assert "\n\\ir shared.sql\n" in rendered.kept
    assert included(rendered.kept, rendered.libraries) == rendered.text
    assert "-- @library" not in rendered.text
    names = [block.words for block in blocks(rendered.text)]
    assert names == ["name", "session", "transaction", "helpers", "shared", "own", "end"]


def test_it_is_the_same_for_all(tmp_path: Path) -> None:
    files: dict[str, str] = {}
    rendered = render(tmp_path, IMPORT + _SHARED)
    together(files, "01_x", rendered.libraries)
    together(files, "02_x", rendered.libraries)
    assert list(files) == ["session", "helpers", "shared"]
    another = render(tmp_path, IMPORT + _SHARED.replace("number", "names | first"))
    with pytest.raises(GonogoError, match=r"03_x: what it includes as shared\.sql is not"):
        together(files, "03_x", another.libraries)


def test_a_value_makes_none(tmp_path: Path) -> None:
    facts = {"evil": "x\n-- @library other\nSELECT 1;\n-- @end other\n\\ir session.sql\n"}
    for quote in ("literal", "comment", "jsonb", "ident"):
        text = f"-- @setup x\nSELECT 1;\n-- {{{{ facts.evil | {quote} }}}}\n"
        rendered = render(tmp_path, text, facts=facts)
        assert list(rendered.libraries) == ["session", "helpers"]
        assert included(rendered.kept, rendered.libraries) == rendered.text
