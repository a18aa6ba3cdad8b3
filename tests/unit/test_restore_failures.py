"""What is kept of pg_restore's words: the object, the place, the command, and nobody's rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.host.archive.toc import DATA, POST_DATA, PRE_DATA, Entry
from gonogo.host.restore import failures, restoring
from gonogo.host.restore.errors import UnprovenError
from tests.unit.archives import Written, table_of_contents

SECRET = "hunter2"


def entry(number: int, kind: str, tag: str, section: int) -> Entry:
    return Entry(number, kind, tag, "public", "ann", section, "", ())


ENTRIES = {
    one.id: one
    for one in (
        entry(1, "FUNCTION", "f()", PRE_DATA),
        entry(2, "TABLE DATA", "t a", DATA),
        entry(3, "FK CONSTRAINT", "t fk", POST_DATA),
        entry(4, "USER MAPPING", "x", PRE_DATA),
        entry(5, "EXTENSION", "pg_cron", PRE_DATA),
    )
}


def said(*blocks: str) -> list[str]:
    return [str(one) for one in failures.read("\n".join(blocks), ENTRIES)]


def test_an_error_names_its_object_and_its_command() -> None:
    assert said(
        "pg_restore: connecting to database for restore",
        "pg_restore: while PROCESSING TOC:",
        "pg_restore: from TOC entry 1; 1255 16396 FUNCTION f() ann",
        'pg_restore: error: could not execute query: ERROR:  type "x" does not exist',
        "LINE 1: CREATE FUNCTION public.f() RETURNS public.x",
        "                                           ^",
        "DETAIL:  no such",
        "  type",
        "Command was: CREATE FUNCTION public.f() RETURNS public.x",
        f"    LANGUAGE sql\n    AS $$ SELECT '{SECRET}' $$;",
        "",
        "",
        "pg_restore: error: a worker process died unexpectedly",
    ) == [
        'FUNCTION public f(): type "x" does not exist\n'
        "DETAIL: no such type\n"
        "Command: CREATE FUNCTION public.f() RETURNS public.x LANGUAGE sql …"
    ]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            f'invalid input syntax for type integer: "{SECRET}"',
            'invalid input syntax for type integer: "…"',
        ),
        (
            f'invalid input syntax for type json: "{SECRET}" x"',
            'invalid input syntax for type json: "…"',
        ),
        (
            f'value "{SECRET}" is out of range for type integer',
            'value "…" is out of range for type integer',
        ),
        (f'"{SECRET}" is out of range for type real', '"…" is out of range for type real'),
        (
            'new row for relation "t a" violates check constraint "c"',
            'new row for relation "t a" violates check constraint "c"',
        ),
    ],
)
def test_values_are_not_repeated(message: str, shown: str) -> None:
    assert said(
        "pg_restore: from TOC entry 2; 0 16393 TABLE DATA t a ann",
        f'pg_restore: error: COPY failed for table "t a": ERROR:  {message}',
        f"DETAIL:  Failing row contains ({SECRET}).",
        f"CONTEXT:  JSON data, line 1: {SECRET}",
        "PL/pgSQL function public.ok(integer) line 1 at RAISE",
        f'COPY t a, line 7, column v: "{SECRET}"',
    ) == [
        f'TABLE DATA public t a: COPY failed for table "t a": {shown}\n'
        "CONTEXT: PL/pgSQL function public.ok(integer) line 1 at RAISE; COPY t a, line 7, column v"
    ]


def test_keys_are_not_repeated() -> None:
    (shown,) = said(
        "pg_restore: from TOC entry 3; 2606 16393 FK CONSTRAINT t fk ann",
        'pg_restore: error: could not execute query: ERROR:  insert or update on table "t"'
        ' violates foreign key constraint "fk"',
        f'DETAIL:  Key (id)=({SECRET}) is not present in table "u".',
        "Command was: ALTER TABLE ONLY public.t",
        "    ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES public.u(id);",
    )
    assert shown == (
        'FK CONSTRAINT public t fk: insert or update on table "t" violates foreign key constraint'
        ' "fk"\nCommand: ALTER TABLE ONLY public.t ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES'
        " public.u(id);"
    )


def test_options_are_not_repeated() -> None:
    (shown,) = said(
        "pg_restore: from TOC entry 4; 1418 16393 USER MAPPING x ann",
        'pg_restore: error: could not execute query: ERROR:  server "s" does not exist',
        f"Command was: CREATE USER MAPPING FOR ann SERVER s OPTIONS (\n    password '{SECRET}'\n);",
    )
    assert SECRET not in shown
    assert "CREATE USER MAPPING FOR ann SERVER s …" in shown


def test_what_a_worker_says_has_no_entry() -> None:
    assert said(
        'pg_restore: error: could not execute query: ERROR:  trigger "tr" for table "p" does not exist',
        "Command was: ALTER TABLE public.p DISABLE TRIGGER tr;",
        "pg_restore: error: a worker process died unexpectedly",
    ) == [
        'trigger "tr" for table "p" does not exist\n'
        "Command: ALTER TABLE public.p DISABLE TRIGGER tr;"
    ]


@pytest.mark.parametrize(
    ("stderr", "status", "kind"),
    [
        ("", 1, GonogoError),
        ("pg_restore: error: a worker process died unexpectedly", 1, GonogoError),
        ("pg_restore: error: could not execute query: ERROR:  no", 1, restoring.UnrestorableError),
        (
            "pg_restore: error: could not execute query: ERROR:  out of shared memory",
            1,
            GonogoError,
        ),
        (
            "pg_restore: from TOC entry 1; 3079 1 EXTENSION pg_cron\n"
            "pg_restore: error: could not execute query: ERROR:  can only create it elsewhere",
            1,
            UnprovenError,
        ),
        (
            'pg_restore: error: could not execute query: ERROR:  could not access file "$libdir/x"',
            1,
            UnprovenError,
        ),
        (
            "pg_restore: error: could not execute query: ERROR:  permission denied for table t",
            1,
            UnprovenError,
        ),
    ],
)
def test_whose_fault_it_is(
    tmp_path: Path, stderr: str, status: int, kind: type[GonogoError]
) -> None:
    (tmp_path / "toc.dat").write_bytes(table_of_contents([Written("EXTENSION", tag="pg_cron")]))
    program = tmp_path / "pg_restore"
    version = "case $1 in --version) echo 'pg_restore (PostgreSQL) 17.1'; exit;; esac"
    program.write_text(f"#!/bin/sh\n{version}\ncat >&2 <<'EOF'\n{stderr}\nEOF\nexit {status}\n")
    program.chmod(0o755)
    with pytest.raises(GonogoError) as caught:
        restoring.run(
            restoring.Archive(tmp_path, str(program), 2),
            conninfo="",
            environment={"PATH": "/usr/bin:/bin"},
            server_version=170000,
        )
    assert type(caught.value) is kind
    assert (kind is restoring.UnrestorableError) == ("cannot be restored" in caught.value.primary)
