"""A tool's file is put into the transactions that its tool would apply it in."""

from __future__ import annotations

import pytest

from gonogo.contract.errors import InputError
from gonogo.contract.records.migration import BY_PATH, Plan
from gonogo.contract.records.reading import plain, read
from gonogo.controller.runbook import pending
from gonogo.host.migrate import history
from gonogo.host.migrate.history import History, Migration
from gonogo.host.migrate.history.interface import IN_SCRIPT, PER_FILE, WHOLE_RUN
from gonogo.host.migrate.history.tools.prisma import Prisma

CONCURRENTLY = "CREATE INDEX CONCURRENTLY i ON t (a);"


class PerFile(Prisma):
    name = "a tool"
    transaction = PER_FILE


class InScript(Prisma):
    transaction = IN_SCRIPT


class WholeRun(Prisma):
    transaction = WHOLE_RUN


def prisma() -> History:
    return history.find("prisma", schema="public")


def cut(text: str, tool: History | None = None, *, transaction: bool = True) -> list[str]:
    """Each step as `transaction: statements`, with what stands behind BEGIN."""
    migration = Migration("m", "m.sql", text, transaction=transaction)
    return [
        " ".join(
            [
                f"{'one' + (' ' + step.mode if step.mode else '') if step.transaction else 'none'}:",
                *(statement.opening.split()[0] for statement in step.statements),
            ]
        )
        for step in pending.steps(tool or prisma(), migration)
    ]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("CREATE TABLE t (a int); UPDATE t SET a = 1;", ["one: CREATE UPDATE"]),
        ("BEGIN; UPDATE t SET a = 1; COMMIT;", ["one: UPDATE"]),
        ("UPDATE a SET b = 1; BEGIN; DELETE FROM t; COMMIT;", ["one: UPDATE DELETE"]),
        ("BEGIN; UPDATE a SET b = 1; COMMIT; DELETE FROM t;", ["one: UPDATE", "one: DELETE"]),
        (
            "START TRANSACTION ISOLATION LEVEL SERIALIZABLE; UPDATE a SET b = 1; END WORK;",
            ["one ISOLATION LEVEL SERIALIZABLE: UPDATE"],
        ),
        (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL x.y = 1; DELETE FROM t;",
            ["one ISOLATION LEVEL REPEATABLE READ: SET DELETE"],
        ),
        ("SAVEPOINT a; DELETE FROM t; ROLLBACK TO a;", ["one: SAVEPOINT DELETE ROLLBACK"]),
        (CONCURRENTLY, ["none: CREATE"]),
        ("SET lock_timeout = '5s'; DELETE FROM t;", ["one: SET DELETE"]),
        ("-- nothing yet\n", ["one: a"]),
    ],
)
def test_a_file_is_sent_in_the_transactions_of_its_query(text: str, steps: list[str]) -> None:
    assert cut(text) == steps


def test_a_tool_s_transaction_goes_on_behind_the_file_s_own() -> None:
    text = "BEGIN; UPDATE a SET b = 1; COMMIT; DELETE FROM t;"
    assert cut(text, PerFile("public")) == ["one: UPDATE", "one: DELETE"]
    assert cut(text, PerFile("public"), transaction=False) == ["one: UPDATE", "none: DELETE"]
    assert cut(text, InScript("public")) == ["one: UPDATE", "none: DELETE"]


def test_each_file_has_its_transaction_but_where_all_have_one() -> None:
    files = [Migration(name, f"{name}.sql", "SELECT 1;") for name in ("a", "b")]
    for tool, apart in ((PerFile("public"), True), (WholeRun("public"), False)):
        plan = pending.plan("prisma", tool, files)
        assert [step.apart for step in plan.steps] == [apart, apart]


def test_files_of_no_tool_are_divided_around_what_is_outside_of_transactions() -> None:
    text = f"CREATE TABLE t (a int); {CONCURRENTLY} DELETE FROM t;"
    plain_files = history.find("plain", schema="public")
    assert cut(text, plain_files) == ["one: CREATE", "none: CREATE", "one: DELETE"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"DELETE FROM t; {CONCURRENTLY}", "m.sql:1: CREATE … CONCURRENTLY cannot run inside"),
        ("DELETE FROM t;\nROLLBACK;", "m.sql:2: ROLLBACK: the file decides over its transaction"),
        ("COMMIT AND CHAIN;", "m.sql:1: COMMIT AND: the file decides"),
        ("BEGIN READ ONLY;", "m.sql:1: BEGIN READ: the file decides"),
        ("PREPARE TRANSACTION 'a';", "m.sql:1: PREPARE TRANSACTION: the file decides"),
        (
            "DELETE FROM t; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;",
            "m.sql:1: SET TRANSACTION ISOLATION LEVEL SERIALIZABLE: the server would refuse it",
        ),
        ("COPY t FROM STDIN;\n1\n\\.\n", "m.sql:1: COPY with STDIN"),
        ("\\i other.sql\n", "m.sql:1: a backslash outside of quotes"),
        ("SET standard_conforming_strings = off;", "the server would read the file in another"),
    ],
)
def test_what_a_deployment_cannot_do_in_a_tool_s_stead_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        cut(text)
    assert problem in caught.value.primary


def test_what_a_tool_itself_would_refuse_is_refused() -> None:
    with pytest.raises(InputError, match="a tool runs this file in one"):
        cut(CONCURRENTLY, PerFile("public"))


def test_a_program_is_no_migration_of_ours() -> None:
    with pytest.raises(InputError, match=r"m\.py is a program"):
        pending.steps(prisma(), Migration("m", "m.py"))


def test_names_without_a_schema_are_left_to_the_search_path() -> None:
    text = 'ALTER TABLE "T" ADD COLUMN b "Mood"; CREATE TABLE s.u (a int);'
    plan = pending.plan("prisma", prisma(), [Migration("m", "m.sql", text, ("c",))])
    column, table = plan.objects
    assert (column.schema, column.table, column.name) == (BY_PATH, "T", "b")
    assert (table.schema, table.name) == ("s", "u")
    assert plan.steps[0].statements[0].tables == ((BY_PATH, "T"),)
    assert read(Plan, plain(plan), file="the plan") == plan


def test_a_tool_s_own_settings_are_part_of_the_plan() -> None:
    assert pending.plan("prisma", prisma(), []).session == {}
    other = history.find("prisma", schema='a"b')
    assert pending.plan("prisma", other, []).session == {"search_path": '"a""b"'}


def test_a_byte_order_mark_is_no_part_of_the_first_statement() -> None:
    assert cut("\ufeffDELETE FROM t;") == ["one: DELETE"]


@pytest.mark.parametrize("name", ["t", '"t"', "IF NOT EXISTS t"])
def test_what_stands_on_a_temporary_table_ends_with_it(name: str) -> None:
    text = (
        f"CREATE TEMP TABLE {name} AS SELECT 1 AS a; CREATE UNIQUE INDEX ON t (a);"
        "CREATE INDEX i ON t (a); ALTER TABLE t ADD b int; DROP TABLE t;"
        "CREATE INDEX ON other (a); CREATE INDEX j ON public.t (a);"
    )
    found = pending.plan("prisma", prisma(), [Migration("m", "m.sql", text)])
    assert [(one.kind, one.table, one.name) for one in found.objects] == [
        ("unnamed", "other", "i(a)"),
        ("index", "t", "j"),
    ]
