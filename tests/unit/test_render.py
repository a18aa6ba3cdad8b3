"""Phase scripts: only SQL comes out, whatever is in the facts, and every error has its line."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.script import blocks
from gonogo.controller.declared.manifest import Manifest, Table
from gonogo.controller.declared.runbook import Declaration, DeclaredCheck, Phase
from gonogo.controller.render import rendering
from gonogo.controller.render.rendering import Rendered, render_phase

FORGED = "x\n-- @check C1.2\nSELECT 1; $$ \\! '"
IMPORT = "{% import 'gonogo.sql.j2' as gonogo %}\n"


_BOOK = Declaration(
    format=1,
    name="book",
    title="",
    profiles=["target"],
    migration=[],
    phases=[],
    cleanup="99_cleanup",
    documents=[],
    criteria=[],
    scoring=[],
    checks=[],
)


def render(folder: Path, text: str, *, residue: str = "keep", **more: Any) -> Rendered:
    """Render `text` as the template of the phase 02_x."""
    (folder / "02_x.sql.j2").write_text(text, encoding="utf-8")
    arguments: dict[str, Any] = {
        "templates": folder,
        "phase": Phase("02_x", "Title", "writes", after=None),
        "runbook": _BOOK,
        "manifest": Manifest("public", tables=[Table("t")]),
        "checks": {
            "C1.1": DeclaredCheck("C1.1", "", "C1", "02_x", "", effect=None),
            "C1.2": DeclaredCheck("C1.2", "", "C1", "02_x", "", effect=None, empty_ok=True),
        },
        "facts": {"evil": FORGED, "number": 5, "names": ["a", "b"], "check": "@check C1.2"},
        "parameters": {},
        "run": {
            "run_id": "20260131T120000Z-0a1b2c",
            "token": "0123456789",
            "residue": residue,
            "profile": "target",
        },
        "timeouts": {"lock": "5s", "statement": "1min", "idle_in_transaction": "2min"},
    }
    return render_phase(**{**arguments, **more})


def body(folder: Path, expression: str) -> str:
    """What an expression comes to."""
    text = render(folder, f"-- @setup x\nSELECT 1\n[[{{{{ {expression} }}}}]];\n").text
    return text.split("\n[[", 1)[1].split("]];", 1)[0]


# --- only SQL ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("facts.number | literal", "5"),
        ("facts.names | literal", "'{a,b}'::text[]"),
        ("['public', 't'] | ident", '"public"."t"'),
        ("facts.names | jsonb", '\'["a", "b"]\'::jsonb'),
        ("facts.names | map('ident') | join(', ')", '"a", "b"'),
        ("facts.names | map('literal') | join(' OR ')", "'a' OR 'b'"),
        ("facts.names | join(', ') | literal", "'a, b'"),
        ("('a ' ~ facts.number) | literal", "'a 5'"),
        ("facts.names | tojson | literal", '\'["a", "b"]\''),
        ("('a' | literal) ~ ('b' | literal)", "'a''b'"),
        ("'now()' | safe", "now()"),
        ("facts.evil | comment", "x -- (at)check C1.2 SELECT 1; $$ \\! '"),
        ("mark('ws')", "'H7YB5FQX-BFE7B281'"),
    ],
)
def test_printed(tmp_path: Path, expression: str, expected: str) -> None:
    assert body(tmp_path, expression) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("facts.number", "a template prints int 5, which is not SQL"),
        ("'constant'", "a template prints str constant, which is not SQL"),
        ("none", "a template prints NoneType None, which is not SQL"),
        ("facts.names", "a template prints list ['a', 'b'], which is not SQL"),
        ("facts.names[0] ~ ('b' | literal)", "a template prints str a, which is not SQL"),
        ("[facts.names[0], 'b' | literal] | join", "a template prints str a, which is not SQL"),
        (
            "['a' | literal, 'b' | literal] | join('; DROP')",
            "a template prints str ; DROP, which is not SQL",
        ),
        ("facts.names[0] | safe", "safe is for constants, not for values"),
        ("facts.names | map('safe') | first", "a template prints str a, which is not SQL"),
        ("('b' | literal) + facts.names[0]", None),
        ("('b' | literal) % facts.names[0]", None),
        ("('%s' | literal).format(facts.names[0])", None),
        ("('b' | literal).replace('b', facts.names[0])", None),
        (
            "('b' | literal) | replace('b', facts.names[0])",
            "a template prints str a, which is not SQL",
        ),
        ("('b' | literal) | indent(facts.names[0])", None),
        ("'a' | default('b')", "a template prints str a, which is not SQL"),
        ("facts.names[0] | e", "No filter named 'e'."),
        ("facts.names[0] | litral", "No filter named 'litral'."),
        ("1.5 | literal", "no literal for float 1.5"),
        ("'' | ident", "an identifier is empty"),
        ("facts.nothing", "'dict object' has no attribute 'nothing'"),
        ("facts.nothing | literal", "'dict object' has no attribute 'nothing'"),
        ("'a' ~ facts.nothing", "'dict object' has no attribute 'nothing'"),
        ("nothing | ident", "'nothing' is undefined"),
        ("checks['C9'].id", "'dict object' has no attribute 'C9'"),
        ("1 / 0", "division by zero"),
        ("range(10 ** 9)", None),
    ],
)
def test_refused_with_file_and_line(tmp_path: Path, expression: str, message: str | None) -> None:
    with pytest.raises(GonogoError) as caught:
        body(tmp_path, expression)
    said = caught.value.primary
    assert said.startswith("02_x.sql.j2:3: ")
    if message is not None:
        assert said == f"02_x.sql.j2:3: {message}"


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__",
        "facts.__class__.__mro__",
        "facts.update({'a': 1})",
        "id_of.__globals__",
        "cycler.__init__.__globals__",
        "facts.names.append('c')",
    ],
)
def test_the_sandbox_holds(tmp_path: Path, expression: str) -> None:
    with pytest.raises(GonogoError, match=r"^02_x\.sql\.j2:3: "):
        body(tmp_path, f"({expression}) | literal")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "-- @setup x\n{% if %}",
            "02_x.sql.j2:2: Expected an expression, got 'end of statement block'",
        ),
        ("a\n{% include '/etc/passwd' %}", "02_x.sql.j2:2: '/etc/passwd' not found in search path"),
        ("a\n{% include '../secret' %}", "02_x.sql.j2:2: ../secret"),
        ("a\n{% set %}", "02_x.sql.j2:2: "),
    ],
)
def test_template_errors(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path.parent / "secret").write_text("x", encoding="utf-8")
    with pytest.raises(GonogoError) as caught:
        render(tmp_path, text)
    assert caught.value.primary.startswith(message)


def test_an_error_in_a_macro_names_the_macro(tmp_path: Path) -> None:
    (tmp_path / "lib.sql.j2").write_text("\n{% macro a() %}\n\n{{ 5 }}{% endmacro %}")
    with pytest.raises(GonogoError) as caught:
        render(tmp_path, "{% import 'lib.sql.j2' as lib %}\n-- @setup x\n{{ lib.a() }}")
    assert caught.value.primary == "lib.sql.j2:4: a template prints int 5, which is not SQL"


@pytest.mark.parametrize("line", ["\\! id", "  \\i x.sql", "\t\\q", "SELECT '\n\\echo'"])
def test_meta_commands_are_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(GonogoError) as caught:
        render(tmp_path, f"-- @setup x\nSELECT 1;\n{line}\n")
    assert "02_x.sql:" in caught.value.primary
    assert caught.value.primary.endswith(": a line starts with a backslash")
    assert caught.value.hint == "psql would read it as a meta-command. Write plain SQL."


# --- names and ledger --------------------------------------------------------------------------


def test_ids_follow_from_the_token(tmp_path: Path) -> None:
    first = body(tmp_path, "id_of('t', 'a')")
    assert first == body(tmp_path, "id_of('t', 'a')")
    others = {body(tmp_path, f"id_of({given})") for given in ("'t', 'b'", "'u', 'a'")}
    run = {"run_id": "r", "token": "9876543210", "residue": "keep", "profile": "target"}
    text = "-- @setup x\nSELECT {{ id_of('t', 'a') }};"
    assert first in render(tmp_path, text).text
    assert first not in render(tmp_path, text, run=run).text
    assert len({first, *others}) == 3


@pytest.mark.parametrize(
    ("transaction", "residue", "commits"),
    [
        ("writes", "keep", True),
        ("writes", "rollback", False),
        ("trial", "keep", False),
        ("snapshot", "keep", False),
        ("read_only", "keep", False),
        ("undecided", "keep", False),
    ],
)
def test_frames_and_ledger(tmp_path: Path, transaction: str, residue: str, commits: bool) -> None:
    rendered = render(
        tmp_path,
        "-- @setup x\nSELECT {{ id_of('t', 'a') }}, {{ id_of('t', 'a') }};\n",
        residue=residue,
        phase=Phase("02_x", "A\ntitle", transaction, after=None),
    )
    assert rendered.commits is commits
    assert [(row.table, row.label, row.phase) for row in rendered.ledger] == (
        [("public.t", "a", "02_x")] if commits else []
    )
    opened = {
        "read_only": "REPEATABLE READ, READ ONLY",
        "snapshot": "REPEATABLE READ, READ WRITE",
        "undecided": "REPEATABLE READ, READ WRITE",
    }.get(transaction, "READ COMMITTED, READ WRITE")
    parts = blocks(rendered.text)
    names = [part.words for part in parts]
    helpers = ["helpers"] if transaction not in {"read_only", "undecided"} else []
    end = ["end"] if transaction != "undecided" else []
    assert names == ["name", "session", "transaction", *helpers, "x", *end]
    assert parts[2].sql.splitlines()[1] == f"BEGIN TRANSACTION ISOLATION LEVEL {opened};"
    if end:
        assert parts[-1].sql.splitlines()[1:] == ["COMMIT;" if commits else "ROLLBACK;"]
    assert "-- 02_x: A title\n" in rendered.text


def test_the_ledger_has_the_id_that_is_printed(tmp_path: Path) -> None:
    rendered = render(tmp_path, "-- @setup x\nSELECT {{ id_of('t', 'a') }};\n")
    assert f"SELECT '{rendered.ledger[0].key['id']}';" in rendered.text


def test_session_settings(tmp_path: Path) -> None:
    text = render(tmp_path, "-- @setup x\nSELECT 1;\n").text
    # As an application's session is called that gives itself no name.
    assert "SET application_name = '';" in text
    assert "SET search_path = pg_catalog, pg_temp;" in text
    pins = text.split("SET gonogo.session = ", 1)[1].split("SET gonogo.guard = ", 1)[0]
    assert ";lock_timeout=5s;" in pins
    assert "row_security=off;" in pins


def test_the_session_is_made_sure_of_before_each_block(tmp_path: Path) -> None:
    helper = "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS $gonogo_helper$ SELECT 1 "
    template = f"-- @setup x\n{helper}$gonogo_helper$;\n-- @setup y\nSELECT pg_temp.f();\n"
    found = {part.words: part.sql for part in blocks(render(tmp_path, template).text)}
    said = re.compile(r"md5\(current_setting\('gonogo.guard'\)\) WHEN '([0-9a-f]{32})'")
    digests = {words: said.findall(sql) for words, sql in found.items()}
    assert {words: len(digest) for words, digest in digests.items() if digest} == {
        "helpers": 1,
        "x": 1,
        "y": 1,
    }
    # What is known is part of what the digest is of.
    assert digests["x"] != digests["y"]
    assert "helper f " not in found["x"]
    assert "helper f " in found["y"]


def test_a_digest_is_of_what_is_executed_and_of_nothing_else(tmp_path: Path) -> None:
    found = {p.words: p.sql for p in blocks(render(tmp_path, "-- @setup x\nSELECT 1;\n").text)}
    texts = re.findall(
        r"SET gonogo\.(\w+) = \$gonogo_text\$(.*?)\$gonogo_text\$;", found["session"], re.DOTALL
    )
    held = dict(texts)
    md5 = {
        name: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        for name, text in held.items()
    }
    assert f"md5(current_setting('gonogo.session')) <> '{md5['session']}'" in held["guard"]
    assert md5["guard"] in found["helpers"]


def test_a_helper_that_cannot_be_made_sure_of(tmp_path: Path) -> None:
    template = (
        "-- @setup x\nCREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;\n"
    )
    with pytest.raises(GonogoError, match="is not written like the others"):
        render(tmp_path, template)


# --- macros ------------------------------------------------------------------------------------


@pytest.mark.parametrize("quote", ["literal", "ident", "comment", "jsonb"])
def test_a_value_cannot_forge_a_block(tmp_path: Path, quote: str) -> None:
    for prefix in ("SELECT ", "--", "-- "):
        template = f"-- @setup x\nSELECT 1;\n{prefix}{{{{ facts.evil | {quote} }}}}\n"
        names = [part.words for part in blocks(render(tmp_path, template).text)]
        assert names == ["name", "session", "transaction", "helpers", "x", "end"]


def test_a_comment_is_no_block(tmp_path: Path) -> None:
    template = "-- @setup x\nSELECT 1;\n-- {{ facts.check | comment }}\nSELECT 2;\n"
    assert "C1.2" not in [part.words for part in blocks(render(tmp_path, template).text)]


def test_macros(tmp_path: Path) -> None:
    rendered = render(
        tmp_path,
        IMPORT
        + """
{% call gonogo.setup('make ' ~ facts.evil) %}
SELECT 1;
{% endcall %}

{% call gonogo.facts() %}
SELECT 'a' AS fact, '1' AS value
{% endcall %}

{% call gonogo.check('C1.1') %}
SELECT true AS ok
{% endcall %}

{% call gonogo.check('C1.2') %}
SELECT true AS ok
{% endcall %}
""",
    )
    found = {part.words: part for part in blocks(rendered.text)}
    assert list(found)[4:] == [
        "make x -- (at)check C1.2 SELECT 1; $$ \\! '",
        "",
        "C1.1",
        "C1.2",
        "end",
    ]
    assert found[""].kind == "facts"
    assert "SELECT q.fact::text AS fact, q.value::jsonb AS value" in found[""].sql
    assert "FROM pg_temp.judged('C1.1', false, $gonogo_check$" in found["C1.1"].sql
    assert "FROM pg_temp.judged('C1.2', true, $gonogo_check$" in found["C1.2"].sql


def test_a_check_without_helpers(tmp_path: Path) -> None:
    """A script that may only read can make none."""
    template = "".join(
        f"{{% call gonogo.check('{check}') %}}\nSELECT true AS ok\n{{% endcall %}}\n"
        for check in ("C1.1", "C1.2")
    )
    phase = Phase("02_x", "Title", "read_only", after=None)
    rendered = render(tmp_path, IMPORT + template, phase=phase)
    found = {part.words: part for part in blocks(rendered.text)}
    assert [name.rpartition("_")[0] for name in rendered.libraries] == ["session"]
    assert "SELECT 'C1.1' AS check_id" in found["C1.1"].sql
    # Having seen nothing passes only where the check allows it.
    assert "coalesce(examined, 0) = 0 THEN 'inconclusive'" in found["C1.1"].sql
    assert "coalesce(examined, 0) = 0" not in found["C1.2"].sql


def test_refused(tmp_path: Path) -> None:
    template = (
        IMPORT
        + "{% call gonogo.refused('C1.1', ['23505'], facts.names) %}\n"
        + "INSERT INTO t VALUES ({{ facts.evil | literal }})\n{% endcall %}\n"
    )
    (block,) = (part for part in blocks(render(tmp_path, template).text) if part.kind == "check")
    said = (
        "refused('C1.1', false, 'refused with 23505 by a or b', '{23505}'::text[], '{a,b}'::text[],"
    )
    assert said in block.sql
    # The value ends neither the dollar quotation nor the line.
    assert block.sql.count("$gonogo_check$") == 2
    assert "E'x\\u000a-- @check C1.2\\u000aSELECT 1; \\u0024\\u0024 \\u005c! '''" in block.sql


def test_a_file_of_the_phase(tmp_path: Path) -> None:
    (tmp_path / "races").mkdir()
    file = tmp_path / "races" / "V1.yml"
    file.write_text("check: V1\nid: {{ id_of('t', 'a') }}\n", encoding="utf-8")
    rendered = render(tmp_path, "", file=file)
    assert rendered.text == f"check: V1\nid: '{rendered.ledger[0].key['id']}'\n"


@pytest.mark.parametrize(("mode", "is_shared"), [(0o700, True), (0o777, False)])
def test_code_is_shared_where_nobody_else_can_write(
    mode: int,
    is_shared: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What lies there gets executed: planted code has no effect, and what is shared has."""
    monkeypatch.setattr(rendering, "_code", rendering._code)
    (tmp_path / "phases").mkdir()
    (tmp_path / "phases" / "a.sql.j2").write_text("SELECT {{ facts.x | literal }};")

    def rendered() -> str:
        rendering.share_code(tmp_path / "code")
        environment = rendering.template_environment([tmp_path / "phases"])
        return environment.get_template("a.sql.j2").render(facts={"x": 1})

    rendering.share_code(tmp_path / "code")
    tmp_path.chmod(0o700)
    assert rendered() == "SELECT 1;"
    (code,) = (tmp_path / "code").iterdir()
    evil = code.read_bytes().replace(b"SELECT ", b"DELETE ")
    code.write_bytes(evil)
    tmp_path.chmod(mode)
    assert rendered() == ("DELETE 1;" if is_shared else "SELECT 1;")
