"""What is cut and read byte by byte, beside PostgreSQL's own grammar (pglast: that of PostgreSQL 18).

Statements are put together of what is hard to cut: names like keywords, texts of every kind, BEGIN
ATOMIC in each other, comments between any two words. The grammar takes each text, or it counts for
nothing here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pglast import ast, parse_sql, parser

from gonogo.controller.sql import effects, literals
from gonogo.controller.sql.footprint import footprint
from gonogo.controller.sql.statements import pieces

Draw = Callable[[Sequence[Any]], Any]

# Some are no names without quotes; the grammar says which.
NAMES: tuple[str, ...] = (
    "t",
    "begin",
    "atomic",
    "value",
    "stdin",
    "a$b$c",
    '"end"',
    '"a;b"',
    '"a""b"',
    "größe",
    "E",
)
NAMES += ("escape", "uescape", "e", "u", '"CREATE"', "function", 'U&"d\\0061t"', "replace")
LABELS = ("end", "case", "begin", "atomic", "create", "select", "function", '"x;y"', "stdin")
TEXTS: tuple[str, ...] = (
    "'a;b'",
    "'it''s;'",
    "'\\'",
    "E'a\\';b'",
    "E'a'\n'\\';b'",
    "e'a' -- ;'\n  '\\\\;'",
    "'a'\n'b;'",
)
TEXTS += (
    "$$a;b$$",
    "$x$;$$;$x$",
    "$é$;'$é$",
    "U&'\\0061;'",
    "U&'!0061;' UESCAPE '!'",
    "B'1'",
    "N';'",
)
SPACES = (" ", " ", " ", "\n", "\t", "\r\n", "/* ; */", " -- ;'\n", "/* /* ; */ ' */", "\f")


# A word in angle brackets is put in; everything else stands as it is, with any space in between.
VALUES = ("<text>", "1", "<case>", "<name>", "( <value> )", "w . <label>", "- 1", "$1", "1 . 5")
QUERIES = (
    "SELECT <value> AS <label>",
    "SELECT <value> , <value> FROM a . <name> AS w",
    "SELECT ( SELECT <value> ) AS <label>",
    "VALUES ( <value> ) , ( <value> )",
    "INSERT INTO a . <name> ( <name> ) <query>",
    "UPDATE a . <name> SET <name> = <value> WHERE <value> IS NULL",
    "DELETE FROM a . <name> AS w",
    "WITH w AS ( DELETE FROM a . <name> RETURNING * ) SELECT w . <label> FROM w",
)
COMMANDS = (
    *QUERIES,
    "CREATE TABLE a . <name> ( <name> text DEFAULT <text> , CONSTRAINT <name> CHECK ( <value> IS NULL ) )",
    "CREATE INDEX <name> ON a . <name> ( <name> )",
    "CREATE UNIQUE INDEX IF NOT EXISTS <name> ON ONLY a . <name> ( <name> ) WHERE <value> IS NULL",
    "ALTER TABLE a . <name> ADD COLUMN <name> int , DROP CONSTRAINT IF EXISTS <name> CASCADE",
    "ALTER TABLE ONLY a . <name> ADD CONSTRAINT <name> FOREIGN KEY ( <name> ) REFERENCES a . <name> ( <name> )",
    "ALTER TABLE a . <name> VALIDATE CONSTRAINT <name> , ALTER COLUMN <name> SET NOT NULL",
    "CREATE VIEW a . <name> AS <query>",
    "CREATE TRIGGER <name> BEFORE UPDATE OF <name> ON a . <name> FOR EACH ROW WHEN ( <value> IS NULL ) EXECUTE FUNCTION a . f ( )",
    "CREATE POLICY <name> ON a . <name> USING ( <value> IS NULL )",
    "CREATE RULE <name> AS ON DELETE TO a . <name> DO ( <query> ; <query> )",
    "CREATE OR REPLACE FUNCTION a . <name> ( <name> int ) RETURNS int LANGUAGE sql AS <text>",
    "CREATE TYPE a . <name> AS ENUM ( <text> )",
    "DROP TABLE IF EXISTS a . <name> , a . <name> CASCADE",
    "DROP TRIGGER <name> ON a . <name>",
    "COMMENT ON TABLE a . <name> IS <text>",
    "DO <text>",
    "TRUNCATE a . <name> , ONLY a . <name>",
)
ROUTINES = (
    "CREATE FUNCTION a . <name> ( ) RETURNS int BEGIN ATOMIC <body> END",
    "CREATE OR REPLACE PROCEDURE a . <name> ( <name> text ) LANGUAGE sql BEGIN ATOMIC <body> END",
    "CREATE FUNCTION a . <name> ( ) RETURNS int RETURN <value>",
)
CASES = (
    "CASE WHEN <value> IS NULL THEN <value> END",
    "CASE <value> WHEN 1 THEN <value> ELSE <value> END",
)
DEPTH = 4


def _filled(draw: Draw, template: str, depth: int) -> Iterator[str]:
    """Words of a template, those in angle brackets put in."""
    for word in template.split(" "):
        if word in _PLAIN:
            yield draw(_PLAIN[word])
        elif word in _NESTED:
            many, one = _NESTED[word]
            yield from _filled(draw, draw(many) if depth < DEPTH else one, depth + 1)
        elif word == "<body>":
            for _ in range(draw((0, 1, 2, 3))):
                inner = (*COMMANDS, *ROUTINES) if depth < 2 else QUERIES
                yield from _filled(draw, draw(inner), depth + 1)
                yield ";"
        else:
            yield word


_PLAIN = {"<name>": NAMES, "<label>": LABELS, "<text>": TEXTS}
_NESTED = {
    "<value>": (VALUES, "1"),
    "<query>": (QUERIES, "SELECT 1"),
    "<case>": (CASES, "1"),
}


def _file(seed: int, statements: int) -> str:
    """Statements, each of which the grammar takes, with any space between them."""
    draw: Draw = random.Random(seed).choice  # noqa: S311 - no secret
    found: list[str] = []
    while len(found) < statements:
        words = _filled(draw, draw((*COMMANDS, *ROUTINES, *ROUTINES)), 0)
        statement = "".join(word + draw(SPACES) for word in words) + ";"
        with suppress(parser.ParseError):
            parse_sql(statement)
            found.append(statement)
    return "".join(statement + draw(SPACES) for statement in found)


def _cut_as_the_grammar_does(text: str) -> None:
    slices = parser.split(text, with_parser=True, only_slices=True)
    theirs = [text[part] for part in slices]
    ours = [piece for piece in pieces(text) if piece.words() not in ([], [";"])]
    assert len(ours) == len(theirs), text
    for piece, wanted in zip(ours, theirs, strict=True):
        # The grammar's statements begin behind the semicolon before them, or at their first word.
        assert (
            piece.text.rstrip()
            .removesuffix(";")
            .strip()
            .endswith(wanted.strip().removesuffix(";").strip()[-40:])
        ), text
    for piece, raw in zip(ours, parse_sql(text), strict=True):
        _read_as_the_grammar_does(piece, raw.stmt)


def _read_as_the_grammar_does(piece: Any, tree: Any) -> None:
    """The objects that are named, and the tables that may be locked."""
    found = effects.effects(piece, "file.sql")
    names_of = {
        (effect.kind, effect.table or "", effect.name)
        for effect in found
        if effect.kind not in {"unread", "unnamed", effects.ALTERED, effects.CASCADED}
    }
    wanted = set(_objects(tree))
    assert names_of == wanted, (piece.text, names_of, wanted)
    read = footprint(piece)
    relations = {(node.schemaname, node.relname) for node in _relations(tree)}
    if isinstance(
        tree, (ast.CreateStmt, ast.IndexStmt, ast.UpdateStmt, ast.DeleteStmt, ast.TruncateStmt)
    ):
        assert {tuple(table) for table in read.tables} <= relations, piece.text
    if isinstance(tree, (ast.UpdateStmt, ast.DeleteStmt, ast.TruncateStmt)):
        assert read.lock != "none"


def _objects(tree: Any) -> Iterator[tuple[str, str, str]]:
    """Kind, table and name of what a statement makes or drops, by its tree."""
    for kind, read in _READERS.items():
        if isinstance(tree, kind):
            yield from read(tree)


def _of_table(tree: Any) -> Iterator[tuple[str, str, str]]:
    table = tree.relation.relname
    yield "table", "", table
    for element in tree.tableElts or ():
        if isinstance(element, ast.Constraint) and element.conname:
            yield "constraint", table, element.conname
        elif isinstance(element, ast.ColumnDef):
            yield "column", table, str(element.colname)


def _of_drop(tree: Any) -> Iterator[tuple[str, str, str]]:
    for item in tree.objects:
        parts = [part.sval for part in item]
        of_table = "TRIGGER" in tree.removeType.name
        yield ("trigger", parts[-2], parts[-1]) if of_table else ("table", "", parts[-1])


def _of_alter(tree: Any) -> Iterator[tuple[str, str, str]]:
    for action in tree.cmds:
        named = action.def_
        name = action.name or getattr(named, "colname", None) or named.conname
        yield _ACTIONS[action.subtype.name], tree.relation.relname, name


def _of_index(tree: Any) -> Iterator[tuple[str, str, str]]:
    if tree.idxname:
        yield "index", tree.relation.relname, tree.idxname


_READERS: dict[Any, Callable[[Any], Iterable[tuple[str, str, str]]]] = {
    ast.CreateStmt: _of_table,
    ast.DropStmt: _of_drop,
    ast.AlterTableStmt: _of_alter,
    ast.IndexStmt: _of_index,
    ast.ViewStmt: lambda tree: [("view", "", tree.view.relname)],
    ast.CreateTrigStmt: lambda tree: [("trigger", tree.relation.relname, tree.trigname)],
    ast.CreatePolicyStmt: lambda tree: [("policy", tree.table.relname, tree.policy_name)],
    ast.RuleStmt: lambda tree: [("rule", tree.relation.relname, tree.rulename)],
    ast.CreateFunctionStmt: lambda tree: [("function", "", tree.funcname[-1].sval)],
    ast.CreateEnumStmt: lambda tree: [("type", "", tree.typeName[-1].sval)],
}
_ACTIONS = {
    "AT_AddColumn": "column",
    "AT_AddConstraint": "constraint",
    "AT_DropConstraint": "constraint",
    "AT_ValidateConstraint": "validated",
    "AT_SetNotNull": "not null",
}


def _relations(tree: Any) -> Iterator[Any]:
    if isinstance(tree, ast.RangeVar):
        yield tree
    if isinstance(tree, ast.Node):
        for name in tree:
            yield from _relations(getattr(tree, name))
    elif isinstance(tree, tuple):
        for item in tree:
            yield from _relations(item)


@pytest.mark.parametrize("seed", range(40))
def test_a_file_is_cut_and_read_as_the_grammar_does(seed: int) -> None:
    _cut_as_the_grammar_does(_file(seed, 12))


@pytest.mark.attack
def test_many_files_are_cut_and_read_as_the_grammar_does() -> None:
    for seed in range(100, 3000):
        _cut_as_the_grammar_does(_file(seed, 12))


@given(
    st.lists(
        st.sampled_from(["a", "''", "\\\\", "\\'", "\\n", "\\x41", "\\101", "\\u00e9", "é", ";"])
    ).map("".join)
)
@settings(max_examples=100)
def test_a_constant_says_what_the_grammar_reads(content: str) -> None:
    raw = f"E'{content}'"
    (statement,) = parse_sql(f"SELECT {raw}")
    query: Any = statement.stmt
    assert literals.value(raw) == query.targetList[0].val.val.sval
