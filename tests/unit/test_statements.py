"""A SQL file is cut as the server would cut it, and refused before the server could refuse it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.contract.errors import InputError
from gonogo.controller.declared.manifest import Function, Manifest, Table, Trigger
from gonogo.controller.sql import effects, shipped, statements
from gonogo.controller.sql.lexer import LexicalError
from gonogo.controller.sql.statements import pieces

RUNBOOKS = Path(__file__).parents[2] / "runbooks"


def cut(text: str) -> list[str]:
    return [piece.text.strip() for piece in pieces(text) if piece.tokens]


def read(tmp_path: Path, content: str | bytes) -> list[statements.Piece]:
    file = tmp_path / "file.sql"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return statements.read(file)


def refusal(tmp_path: Path, content: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    return caught.value.primary


# --- cutting -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'a;b'",
        "SELECT 'it''s; fine'",
        "SELECT E'it\\'s; fine'",
        "SELECT e'\\\\', 1",
        "SELECT 'a\\', 1",
        'SELECT "a;b"',
        'SELECT "a"";b"',
        "SELECT U&'d\\0061t;a', U&\"d;\"",
        "SELECT B'1;', X'a;', N';'",
        "SELECT $$a;b$$",
        "SELECT $x$a;$$;b$x$",
        "SELECT $1, a$b$c, 1$x",
        "SELECT /* a;b */ 1",
        "SELECT /* a /* b; */ c; */ 1",
        "SELECT 1 -- a;b\n + 1",
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END",
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE SQL BEGIN ATOMIC"
        " SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
        "DO $body$ BEGIN PERFORM 1; END $body$",
        "SELECT 'über; straße', ünïcode$x",
        # The second part of a text is read as the first one is.
        "SELECT E'a'\n'b\\';c'",
        "SELECT E'a' -- why; \n  -- and;\r\n\t'b\\';c'\n'd\\'; e'",
        "SELECT 'a'\n'b\\', 1",
        "SELECT U&'a!0061;' UESCAPE '!', U&\"!0061;\" UESCAPE '!'",
        # END ends a body only where a statement could begin.
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT 2 AS case; END",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT w.end, w.case FROM w; SELECT 2; END",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC; SELECT 1 AS begin; /* ; */ END",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN CASE b WHEN 1 THEN 2"
        " END ELSE 3 END; INSERT INTO t VALUES (1); END",
        "CREATE PROCEDURE f() BEGIN ATOMIC CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1;"
        " END; SELECT 2; END",
        "CREATE PROCEDURE f() BEGIN ATOMIC CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2);"
        " SELECT 3; END",
        "CREATE FUNCTION begin.atomic() RETURNS end BEGIN ATOMIC SELECT 1; END",
    ],
)
def test_a_semicolon_inside_does_not_end_it(statement: str) -> None:
    assert cut(f"{statement};\nSELECT 2;") == [f"{statement};", "SELECT 2;"]


def test_lines_verbs_and_first_words() -> None:
    text = "-- why\n\n/* and\nhow */ create  TABLE\n  a.b ();\r\n\r\nUPDATE x SET y = 1"
    first, second = pieces(text)
    assert (first.line, first.verb, first.opening) == (4, "CREATE", "create TABLE a.b ()")
    assert (second.line, second.verb) == (7, "UPDATE")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT atomic FROM begin",
        "SELECT begin atomic FROM t",
        'CREATE VIEW "FUNCTION" AS SELECT begin atomic FROM t',
        "CREATE FUNCTION f(begin atomic) RETURNS int LANGUAGE sql RETURN 1",
        'CREATE FUNCTION f() RETURNS "begin" IMMUTABLE AS $$ BEGIN ATOMIC $$ LANGUAGE sql',
        # Capitals of other letters: no keyword of the server's.
        "CREATE FUNCTION f() RETURNS int BEGIN ATOM\u0131C SELECT 1",
        "SELECT 1 AS end",
    ],
)
def test_what_opens_no_body(statement: str) -> None:
    assert cut(f"{statement}; SELECT 2;") == [f"{statement};", "SELECT 2;"]


def test_a_whole_file_of_psql_tells_each_of_its_faults(tmp_path: Path) -> None:
    """Rows and commands of psql are no SQL: what stands in them is not told as SQL's fault."""
    file = tmp_path / "file.sql"
    file.write_text(
        "\\set ON_ERROR_STOP 'on\nBEGIN;\nCOPY a.b (stdin) FROM stdin;\nit's\t$$\n\\.\n"
        "SELECT 1;\nCOMMIT;\nSELECT 'a;\n"
    )
    with pytest.raises(InputError) as caught:
        statements.read(file)
    told = [fault.primary.partition(": ")[0] for fault in caught.value.faults]
    assert told == [f"file.sql:{line}" for line in (1, 2, 3, 7, 8)]
    said = caught.value.render()
    assert said.startswith("file.sql:1: a backslash outside of quotes")
    assert "file.sql:3: COPY with STDIN or STDOUT" in said
    assert "file.sql:8: a quoted text begins here and does not end" in said


_PARTS = st.sampled_from(
    [
        *("'a;'", "'it''s'", "E'\\''", '"q;"', "$$;$$", "$t$ $$ $t$", "/* ; */", "/* /* */ */"),
        *("-- x;\n", ";", " ", "\n", "\r\n", "SELECT", "(", ")", "1", "$1", ",", "é", "a$b"),
        *("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; END;", "CASE", "END", "begin", "::", "\t"),
    ]
)


@given(st.lists(_PARTS, max_size=40).map(" ".join))
def test_the_pieces_are_the_file(text: str) -> None:
    found = pieces(text)
    assert "".join(piece.text for piece in found) == text
    for piece in found[:-1]:
        assert piece.text.endswith(";")
    for piece in found:
        if piece.tokens:
            offset = "".join(p.text for p in found[: found.index(piece)]).count("\n")
            assert piece.first_line == offset + 1


@given(st.text(max_size=60))
def test_any_text_is_cut_or_refused_with_its_line(text: str) -> None:
    lines = range(1, text.count("\n") + 2)
    refused: int | None = None
    try:
        found = pieces(text)
    except LexicalError as refusal:
        refused = refusal.line
    if refused is None:
        assert "".join(piece.text for piece in found) == text
    else:
        assert refused in lines


# roles.sql is for psql, by hand, and part of no migration.
SHIPPED = sorted(file for file in RUNBOOKS.glob("*/*.sql") if file.name != "roles.sql")


@pytest.mark.parametrize("file", SHIPPED, ids=lambda f: f.name)
def test_the_shipped_files(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "".join(piece.text for piece in pieces(text)) == text
    for piece in statements.read(file):
        assert effects.effects(piece, file.name), piece.opening


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1;\n\\i other.sql", "file.sql:2: a backslash outside of quotes"),
        ("SELECT 1 \\gexec", "file.sql:1: a backslash outside of quotes"),
        ("COPY a.b FROM STDIN;", "file.sql:1: COPY with STDIN"),
        ("COPY a.b (c) TO stdout;", "file.sql:1: COPY with STDIN"),
        ("\nBEGIN;", "file.sql:2: BEGIN: the file decides"),
        ("START TRANSACTION;", "START TRANSACTION: the file decides"),
        ("SELECT 1; COMMIT;", "COMMIT: the file decides"),
        ("END;", "END: the file decides"),
        ("ROLLBACK TO x;", "ROLLBACK TO: the file decides"),
        ("SAVEPOINT x;", "SAVEPOINT X: the file decides"),
        ("RELEASE x;", "RELEASE X: the file decides"),
        ("PREPARE TRANSACTION 'x';", "PREPARE TRANSACTION: the file decides"),
        ("SET TRANSACTION READ ONLY;", "SET TRANSACTION: the file decides"),
        ("SET lock_timeout = 0;", "the limits of a deployment"),
        ("SET LOCAL statement_timeout TO '1h';", "the limits of a deployment"),
        ('SET "Statement_Timeout" = 0;', "the limits of a deployment"),
        ("RESET idle_session_timeout;", "the limits of a deployment"),
        ("SELECT 'a", "file.sql:1: a quoted text begins here"),
        ("SELECT 1;\nSELECT E'a\\'", "file.sql:2: a quoted text begins here"),
        ('SELECT "a', "a quoted identifier begins here"),
        ("SELECT $a$ $b$", "a text in $a$ begins here"),
        ("/* /* */", "a comment begins here"),
        (b"SELECT '\xff'", "file.sql:1: is not UTF-8"),
        (b"\xef\xbb\xbfSELECT 1", "byte order mark"),
        ("SELECT 1;\n\0", "file.sql:2: a NUL character"),
        ("SELECT 1,\n'a\0b'", "file.sql:2: a NUL character"),
        ("-- a\0b\nSELECT 1", "file.sql:1: a NUL character"),
        ("S\0E\0L\0".encode("utf-16"), "file.sql:1: is not UTF-8"),
        ('SET "lock_timeout" = 0;', "the limits of a deployment"),
        ("SELECT 1;\nSELECT E'a'\n'b\\'", "file.sql:2: a quoted text begins here"),
        ("SET standard_conforming_strings = off;", "would read the file in another way"),
        ("SET LOCAL Standard_Conforming_Strings TO 'no';", "would read the file in another way"),
        ("RESET standard_conforming_strings;", "would read the file in another way"),
        ("SET client_encoding = 'LATIN1';", "would read the file in another way"),
        ("SET NAMES 'SJIS';", "would read the file in another way"),
    ],
)
def test_what_cannot_be_deployed(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert message in refusal(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "PREPARE x AS SELECT 1;",
        "COPY a.b FROM '/file';",
        "COPY a.b (stdin, stdout) FROM '/file';",
        "COPY (SELECT stdin FROM stdout) TO '/file';",
        "SET standard_conforming_strings = on;",
        "SET client_encoding = 'UTF8';",
        "SET NAMES 'utf-8';",
        "SET search_path = a;",
        "SELECT '\\';",
        "SELECT 1 AS commit;",
    ],
)
def test_what_only_looks_like_it(tmp_path: Path, text: str) -> None:
    assert len(read(tmp_path, text)) == 1


# --- effects -----------------------------------------------------------------------------------


UNREAD = ("unread", None, None, "", True, True)


def left(text: str) -> list[tuple[object, ...]]:
    (piece,) = pieces(text)
    return [
        (e.kind, e.schema, e.table, e.name, e.expected, e.conclusive)
        for e in effects.effects(piece, "file.sql")
        if e.kind not in {effects.ALTERED, effects.CASCADED} and not e.listed
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'CREATE TABLE a."B c" (x int CONSTRAINT n NOT NULL, CONSTRAINT k PRIMARY KEY (x))',
            [("table", "a", None, "B c", True, True), ("constraint", "a", "B c", "k", True, True)],
        ),
        ("CREATE TABLE IF NOT EXISTS A.B (x int)", [("table", "a", None, "b", True, False)]),
        ("CREATE TEMP TABLE b (x int)", []),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY a.b (c)",
            [("index", "a", "b", "i", True, False)],
        ),
        ("CREATE INDEX ON a.b (c)", [("unnamed", "a", "b", "i(c)", True, True)]),
        ("CREATE INDEX ON a.b (lower(c))", [UNREAD]),
        (
            "CREATE OR REPLACE FUNCTION a.f(x int DEFAULT 1) RETURNS int LANGUAGE sql AS ''",
            [("function", "a", None, "f", True, True)],
        ),
        (
            "CREATE TRIGGER t AFTER UPDATE OF x ON a.b FOR EACH ROW EXECUTE FUNCTION a.f()",
            [("trigger", "a", "b", "t", True, True)],
        ),
        ("CREATE TYPE a.e AS ENUM ('x')", [("type", "a", None, "e", True, True)]),
        ("CREATE MATERIALIZED VIEW a.v AS SELECT 1", [("view", "a", None, "v", True, True)]),
        ("CREATE SCHEMA s", [("schema", None, None, "s", True, True)]),
        ("CREATE EXTENSION IF NOT EXISTS e", [("extension", None, None, "e", True, False)]),
        (
            "ALTER TABLE a.b ADD CONSTRAINT c CHECK (x IN (1, 2)), DROP CONSTRAINT IF EXISTS d,"
            " ADD y int, DROP COLUMN z, ALTER COLUMN w DROP NOT NULL, VALIDATE CONSTRAINT v",
            [
                ("constraint", "a", "b", "c", True, True),
                ("constraint", "a", "b", "d", False, True),
                ("column", "a", "b", "y", True, True),
                ("column", "a", "b", "z", False, True),
                ("not null", "a", "b", "w", False, True),
                ("validated", "a", "b", "v", True, True),
            ],
        ),
        (
            "ALTER TABLE a.b RENAME COLUMN c TO d",
            [("column", "a", "b", "c", False, True), ("column", "a", "b", "d", True, True)],
        ),
        (
            "DROP TABLE IF EXISTS a.b, a.c CASCADE",
            [("table", "a", None, "b", False, True), ("table", "a", None, "c", False, True)],
        ),
        (
            "DROP FUNCTION a.f(int, text), a.g()",
            [("function", "a", None, "f", False, True), ("function", "a", None, "g", False, True)],
        ),
        ("DROP TRIGGER t ON a.b", [("trigger", "a", "b", "t", False, True)]),
        ("DROP INDEX CONCURRENTLY a.i", [("index", "a", None, "i", False, True)]),
        ("UPDATE a.b SET c = 1", []),
        ("GRANT SELECT ON a.b TO c", [UNREAD]),
        ("DO 'BEGIN END'", [UNREAD]),
        ("ALTER TABLE a.b ALTER c SET DEFAULT 1", [UNREAD]),
        ("ALTER TABLE a.b ALTER COLUMN c TYPE bigint, OWNER TO d", [UNREAD, UNREAD]),
        ("ALTER TABLE a.b ALTER c SET NOT NULL", [("not null", "a", "b", "c", True, True)]),
        ("ALTER TABLE a.b ADD PRIMARY KEY (c)", [("unnamed", "a", "b", "p", True, True)]),
        ("ALTER TABLE a.b ADD UNIQUE (c, d)", [("unnamed", "a", "b", "u(c,d)", True, True)]),
        (
            "ALTER TABLE a.b ADD FOREIGN KEY (c) REFERENCES a.d",
            [("unnamed", "a", "b", "f(c)", True, True)],
        ),
        ("ALTER TYPE a.t ADD VALUE 'it''s' AFTER 'x'", [("value", "a", "t", "it's", True, True)]),
        (
            "ALTER VIEW a.v RENAME TO w",
            [("view", "a", None, "v", False, True), ("view", "a", None, "w", True, True)],
        ),
        ("ALTER FUNCTION a.f() STRICT", [UNREAD]),
        ("CREATE OPERATOR a.+ (PROCEDURE = a.f)", [UNREAD]),
        ("CREATE POLICY p ON a.b USING (true)", [("policy", "a", "b", "p", True, True)]),
        ("DROP RULE r ON a.b", [("rule", "a", "b", "r", False, True)]),
        ("CREATE OR REPLACE VIEW a.v AS SELECT 1", [("view", "a", None, "v", True, False), UNREAD]),
        ("COMMENT ON TABLE a.b IS 'x'", [UNREAD]),
        ("SELECT a.f()", []),
        ("SELECT x INTO UNLOGGED a.b FROM a.c", [("table", "a", None, "b", True, True)]),
        ("SELECT x INTO TEMP b FROM a.c", []),
        ("WITH w AS (SELECT 1) INSERT INTO b SELECT * FROM w", []),
        ("TABLE a.b", []),
        ("ALTER TABLE a.b * ADD c int", [("column", "a", "b", "c", True, True)]),
    ],
)
def test_what_a_statement_leaves(text: str, expected: list[tuple[object, ...]]) -> None:
    assert left(text) == expected


@pytest.mark.parametrize(
    ("text", "type_", "has_default", "default"),
    [
        ("c varchar (20) COLLATE x NOT NULL", "varchar(20)", False, None),
        ("c timestamp with time zone DEFAULT now()", "timestamp with time zone", True, None),
        ("c int DEFAULT - 5", "int", True, "-5"),
        ("c a.t[] DEFAULT '{}'::a.t[]", "a.t[]", True, None),
        ("c text DEFAULT 'it''s' CHECK (c <> 'DEFAULT')", "text", True, "it's"),
        ("c text NULL DEFAULT NULL", "text", False, None),
        ("c \"My Type\" DEFAULT E'\\n'", '"My Type"', True, "\n"),
        ("c bigserial", "bigint", True, None),
        # No type of ours, and nothing that a server may be asked to read.
        ("c int + (SELECT 1)", None, False, None),
    ],
)
def test_what_is_said_of_a_column(
    text: str, type_: str | None, has_default: bool, default: str | None
) -> None:
    (piece,) = pieces(f"ALTER TABLE a.b ADD {text}, ADD d int")
    (effect, _) = effects.effects(piece, "file.sql")
    assert effect.column is not None
    found = effect.column
    assert (found.type, found.has_default, found.default) == (type_, has_default, default)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('U&"d\\0061t"', "dat"),
        ("U&\"d!0061t!!\" UESCAPE '!'", "dat!"),
        ('u&"\\+01F600"', "\N{GRINNING FACE}"),
        ('"a""b"', 'a"b'),
        ("Größe", "größe"),
        # As many bytes as the server keeps, and no half of a character.
        ("x" * 70, "x" * 63),
        ('"' + "ä" * 32 + '"', "ä" * 31),
    ],
)
def test_a_name_is_what_the_server_makes_of_it(text: str, name: str) -> None:
    assert left(f"CREATE TABLE a.{text} (x int)") == [("table", "a", None, name, True, True)]
    assert left(f"DROP TABLE a.{text}, a.b")[0] == ("table", "a", None, name, False, True)


@pytest.mark.parametrize(
    ("constant", "value"),
    [
        ("'a''b'", "a'b"),
        ("'a\\'", "a\\"),
        ("'a'\n  'b'", "ab"),
        ("N'a'", "a"),
        ("$x$a'$$b$x$", "a'$$b"),
        ("E'a\\'b''c\\\\\\n\\x41\\101\\u00e9'\n'\\U0001F600\\ud83d\\ude00'", "a'b'c\\\nAAé\U0001f600\U0001f600"),
        ("U&'\\0061\\+000062\\\\'", "ab\\"),
        ("U&'!0061' UESCAPE '!'", "a"),
        # What the server does not take, or what hangs on its encoding or its version.
        ("E'\\xff'", None),
        ("E'\\v'", None),
        ("E'\\ud83d'", None),
        ("U&'\\00'", None),
        ("B'1'", None),
    ],
)  # fmt: skip
def test_what_a_constant_says(constant: str, value: str | None) -> None:
    (piece,) = pieces(f"SELECT {constant}")
    assert piece.tokens[-1].value == value


def test_an_unqualified_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"line 1: 'b' is not schema\.name"):
        left("CREATE TABLE b (x int)")


def test_what_is_made_and_dropped_again_says_nothing() -> None:
    text = "CREATE TABLE a.b (x int);CREATE INDEX i ON a.b (x);DROP INDEX a.i;DROP TABLE a.b;"
    found = effects.net(e for p in pieces(text) for e in effects.effects(p, "f"))
    assert {e.kind for e in found} == {"table", "index"}
    assert not any(e.expected or e.conclusive for e in found)


def conclusive(text: str) -> dict[str, bool]:
    """What is left of a text, as `kind name` → whether it tells of the migration."""
    found = effects.net(e for p in pieces(text) for e in effects.effects(p, "f", qualified=False))
    return {
        f"{'' if e.expected else 'no '}{e.kind} {e.name}": e.conclusive
        for e in found
        if e.kind != effects.UNREAD
    }


@pytest.mark.parametrize(
    ("text", "left"),
    [
        # What is made anew under the name of what was dropped, or went with it.
        (
            "DROP TABLE t; CREATE TABLE t (a int, CONSTRAINT c CHECK (a > 0)); CREATE INDEX i ON t (a)",
            {"table t": False, "column a": False, "constraint c": False, "index i": False},
        ),
        (
            "DROP VIEW v; CREATE MATERIALIZED VIEW v AS SELECT 1; CREATE INDEX i ON v (a)",
            {"view v": False, "index i": False},
        ),
        ("DROP VIEW a CASCADE; CREATE VIEW b AS SELECT 1", {"no view a": True, "view b": False}),
        (
            "ALTER TABLE t DROP COLUMN a; ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0)",
            {"no column a": True, "constraint c": False},
        ),
        (
            "ALTER TYPE e RENAME TO o; CREATE TYPE e AS ENUM (); ALTER TYPE e ADD VALUE 'x'",
            {"type o": True, "type e": False, "value x": False},
        ),
        (
            "DROP INDEX i; CREATE INDEX i ON s.t (a); DROP TABLE s.u; CREATE TABLE u ()",
            {"index i": False, "table u": False},
        ),
        (
            "CREATE INDEX i ON t (a); CREATE TABLE u (); ALTER TABLE t DROP COLUMN a",
            {"index i": False, "table u": True, "no column a": True},
        ),
        (
            "CREATE INDEX i ON t (a); DROP VIEW v CASCADE; ALTER TYPE e ADD VALUE 'x'; DROP TYPE e",
            {"index i": False, "no view v": True, "no type e": True},
        ),
        # ON DELETE CASCADE is no such thing.
        (
            "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u ON DELETE CASCADE",
            {"constraint c": True},
        ),
        # What is known no more.
        (
            "ALTER TABLE t ALTER a DROP DEFAULT, ALTER a TYPE int, ALTER a SET DEFAULT 1",
            {},
        ),
        ("ALTER TABLE t ALTER a SET NOT NULL; ALTER TABLE t DROP COLUMN a", {"no column a": True}),
        (
            "ALTER TABLE t DROP CONSTRAINT t_check; ALTER TABLE t ADD CHECK (a > 0)",
            {"unnamed c": True},
        ),
        (
            "CREATE FUNCTION f(a bool) RETURNS int LANGUAGE sql AS ''; DROP FUNCTION f(boolean)",
            {"no function f": False},
        ),
        (
            "CREATE FUNCTION f(a bool) RETURNS int LANGUAGE sql AS ''; DROP FUNCTION f",
            {"no function f": False},
        ),
    ],
)
def test_what_may_have_been_there_before_says_nothing(text: str, left: dict[str, bool]) -> None:
    assert conclusive(text) == left


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        ("CREATE INDEX CONCURRENTLY i ON a.b (c)", True),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON a.b (c)", True),
        ("DROP INDEX CONCURRENTLY a.i", True),
        ("REINDEX (VERBOSE) TABLE CONCURRENTLY a.b", True),
        ("REINDEX DATABASE x", True),
        ("REINDEX (VERBOSE, TABLESPACE a) SCHEMA x", True),
        ("REINDEX TABLE a.database", False),
        ("CLUSTER VERBOSE", True),
        ("CLUSTER a.b", False),
        ("DISCARD ALL", True),
        ("ALTER DATABASE x SET TABLESPACE y", True),
        ("ALTER TABLE a.b DETACH PARTITION a.c CONCURRENTLY", True),
        ("VACUUM a.b", True),
        ("ALTER SYSTEM SET x = 1", True),
        ("CREATE DATABASE x", True),
        ("CREATE INDEX i ON a.b (c)", False),
        ("ALTER TABLE a.b VALIDATE CONSTRAINT c", False),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY a.v", False),
        ("COMMENT ON TABLE a.b IS 'built CONCURRENTLY'", False),
        ("ALTER TYPE a.e ADD VALUE 'x'", False),
        ('CREATE INDEX "CONCURRENTLY" ON a.b (c)', False),
    ],
)
def test_what_needs_no_transaction_is_recognised(text: str, outside: bool) -> None:
    (piece,) = pieces(text)
    assert bool(effects.outside_transaction(piece)) is outside


@pytest.mark.parametrize(
    ("text", "arguments", "body"),
    [
        ("()", [], None),
        ("(a int) AS 'x'", ["int"], "x"),
        ("(int, IN b text DEFAULT 'c,d', OUT e int) AS $$a;'b$$", ["int", "text"], "a;'b"),
        ("(INOUT a int, b OUT text) AS 'it''s'", ["int"], "it's"),
        ("(VARIADIC \"any\") AS E'x\\\\'", ['"any"'], "x\\"),
        ("() AS 'a'\n'b'", [], "ab"),
        ("() AS E'\\xe9'", [], None),
        ("(double precision, x bit varying)", ["double precision", "bit varying"], None),
        ("(a character varying(5))", ["character varying(5)"], None),
        ("(a timestamp(3) with time zone = now())", ["timestamp(3) with time zone"], None),
        ('(a public."T x"[])', ['public."T x"[]'], None),
        ("(a public.t.c%TYPE)", None, None),
        ("(*)", None, None),
        ("(BASETYPE = int, SFUNC = f)", None, None),
        ("(a int) AS 'obj', 'symbol'", ["int"], None),
        ("(a int) RETURN a + 1", ["int"], None),
    ],
)
def test_what_tells_functions_apart(
    text: str, arguments: list[str] | None, body: str | None
) -> None:
    (piece,) = pieces(f"CREATE FUNCTION a.f{text}")
    (effect, *_) = effects.effects(piece, "file.sql")
    given = None if effect.arguments is None else list(effect.arguments)
    assert (given, effect.body) == (arguments, body)


# --- what is shipped ---------------------------------------------------------------------------


def test_a_function_is_known_whatever_stands_between_its_words(tmp_path: Path) -> None:
    file = tmp_path / "guards.sql"
    file.write_text(
        "CREATE -- why\n OR REPLACE /* and how */ FUNCTION a.guard() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN -- stays\n RETURN NEW; END $$;\n"
        "CREATE /* x */ TRIGGER g BEFORE UPDATE ON a.t FOR EACH ROW WHEN (old.x IS NULL)"
        " EXECUTE FUNCTION a.guard();\n"
    )
    trigger = Trigger("g", "guard", "guard", "BEFORE", ["UPDATE"], "ROW")
    manifest = Manifest(
        "a",
        functions=[Function("guard", "guard", ["t"])],
        tables=[Table("t", triggers=[trigger])],
    )
    found = shipped.completed(manifest, [file])
    (text,) = found.functions[0].shipped or ()
    assert text.split()[:4] == ["CREATE", "OR", "REPLACE", "FUNCTION"]
    assert "pg_temp.shipped()" in text
    assert "BEGIN -- stays\n" in text
    assert found.tables[0].triggers[0].conditions == ["old.x IS NULL"]
