"""What several scripts need is a file that they include."""

from __future__ import annotations

from pathlib import Path

from gonogo.contract.script import blocks
from gonogo.controller.render.libraries import included
from gonogo.controller.render.rendering import Rendered
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


def _names(rendered: Rendered) -> list[str]:
    """Of what it includes, without what tells one text from another."""
    return [name.rpartition("_")[0] for name in rendered.libraries]


def test_a_script_includes_it_and_it_runs(tmp_path: Path) -> None:
    rendered = render(tmp_path, IMPORT + _SHARED)
    assert _names(rendered) == ["session", "helpers", "shared"]
    shared = list(rendered.libraries)[-1]
    assert "SELECT 5;" in rendered.libraries[shared]
    assert "SELECT 5;" not in rendered.kept
    assert f"\n\\ir {shared}.sql\n" in rendered.kept
    assert included(rendered.kept, rendered.libraries) == rendered.text
    assert "-- @library" not in rendered.text
    names = [block.words for block in blocks(rendered.text)]
    assert names == ["name", "session", "transaction", "helpers", "shared", "own", "end"]


def test_the_name_tells_what_is_in_it(tmp_path: Path) -> None:
    one, again = (render(tmp_path, IMPORT + _SHARED) for _ in range(2))
    assert one.libraries == again.libraries
    another = render(tmp_path, IMPORT + _SHARED.replace("number", "names | first"))
    assert _names(one) == _names(another)
    both = {**one.libraries, **another.libraries}
    assert len(both) == 4
    for rendered in (one, another):
        assert included(rendered.kept, both) == rendered.text


def test_a_value_makes_none(tmp_path: Path) -> None:
    facts = {"evil": "x\n-- @library o\n;\n-- @end o\n\\ir session_0a1b2c3d.sql\n"}
    for quote in ("literal", "comment", "jsonb", "ident"):
        text = f"-- @setup x\nSELECT 1;\n-- {{{{ facts.evil | {quote} }}}}\n"
        rendered = render(tmp_path, text, facts=facts)
        assert _names(rendered) == ["session", "helpers"]
        assert included(rendered.kept, rendered.libraries) == rendered.text
