# ruff: noqa: S608 - whatever is put into the statement is a constant, quoted
"""What a phase script does before each of its blocks, so that its answer is its own.

Application code (triggers, functions that a CHECK calls) runs in the session that judges, with
the rights of its login. It could change a setting, take another role, or replace a helper function
in pg_temp. So each block begins with one statement that pins the settings and the role again, and
ends the script where a helper is not the one the script has created, or where a table in pg_temp
that the script compares with lacks a row that it had, or has one more.

What a table was made with is kept where code of the application can add to it and take nothing
away: in advisory locks of the transaction. Nobody can let go of such a lock before it ends. A row
that was changed, or removed and written again, is another one by where it lies and which
transaction has written it.

Pure: knows neither psycopg nor Ansible.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...contract.errors import GonogoError
from ...contract.script import Block, blocks
from ...contract.session_settings import NEVER, NEWER, SEARCH_PATH, pinned
from .quoting import literal

__all__ = ["guarded"]

_FUNCTION = re.compile(
    r"^CREATE FUNCTION pg_temp\.(?P<name>[a-z_]+)\s*\((?P<header>.*?)"
    r"\bAS \$gonogo_helper\$(?P<body>.*?)\$gonogo_helper\$",
    re.DOTALL | re.MULTILINE,
)
_CREATED = re.compile(r"^CREATE (?:OR REPLACE )?FUNCTION pg_temp\.", re.MULTILINE)
_SETTING = re.compile(r"\bSET (?P<name>[a-z_]+) = (?P<value>[a-z_]+)")

# A table that the script makes, and one that it adds rows to later.
_TABLE = re.compile(r"^CREATE TEMPORARY TABLE (?P<name>[a-z_]+) ", re.MULTILINE)
_FILLED = re.compile(r"\bINSERT INTO pg_temp\.(?P<name>[a-z_]+)\b")
_HELPER_BODY = re.compile(r"\$gonogo_helper\$.*?\$gonogo_helper\$", re.DOTALL)
# The upper 16 bits of a key of ours; locks of the application have others.
_KEY = 0x5A3C

# Words of the blocks that open and end the script: they are the frame itself.
_FRAME = ("session", "transaction", "end")


@dataclass(frozen=True)
class _Helper:
    """A function in pg_temp, as pg_proc has it: name, MD5 of its source, its settings."""

    name: str
    digest: str
    settings: str

    def __str__(self) -> str:
        return f"{self.name} {self.digest} {self.settings}".rstrip()


def guarded(text: str, *, timeouts: Mapping[str, str]) -> str:
    """The script with the statement before each block. Raises GonogoError for a helper function
    that is not written as the others are (`AS $gonogo_helper$`)."""
    helpers: list[_Helper] = []
    tables: dict[str, bool] = {}
    lines = text.split("\n")
    found = blocks(text)
    growing = set(_growing(found))
    for block in found:
        if not (block.kind == "setup" and block.words in _FRAME) or (_ends(block) and tables):
            # Behind the line that begins the block.
            lines[block.line - 1] += "\n" + _statement(helpers, tables, timeouts)
        helpers.extend(_created(block))
        tables |= {t["name"]: t["name"] in growing for t in _TABLE.finditer(block.sql)}
    return "\n".join(lines)


def _ends(block: Block) -> bool:
    return block.words == "end"


def _growing(found: list[Block]) -> Iterator[str]:
    """Tables that get rows from a helper function, or in another block than the one they are made
    in."""
    for block in found:
        own = {table["name"] for table in _TABLE.finditer(block.sql)}
        in_helpers = "".join(_HELPER_BODY.findall(block.sql))
        yield from (filled["name"] for filled in _FILLED.finditer(in_helpers))
        yield from (f["name"] for f in _FILLED.finditer(block.sql) if f["name"] not in own)


def _created(block: Block) -> Iterator[_Helper]:
    found = list(_FUNCTION.finditer(block.sql))
    if len(found) != len(_CREATED.findall(block.sql)):
        raise GonogoError(
            f"line {block.line}: a helper function is not written like the others",
            hint="Write CREATE FUNCTION pg_temp.name(...) ... AS $gonogo_helper$ ... "
            "$gonogo_helper$, at the beginning of a line.",
        )
    for match in found:
        # MD5 tells texts apart here that this project has written itself.
        digest = hashlib.md5(match["body"].encode(), usedforsecurity=False).hexdigest()
        settings = [f"{s['name']}={s['value']}" for s in _SETTING.finditer(match["header"])]
        yield _Helper(match["name"], digest, ",".join(settings))


def _statement(
    helpers: list[_Helper], tables: Mapping[str, bool], timeouts: Mapping[str, str]
) -> str:
    """One DO block. Its first statement needs no operator and no search path."""
    watch, changed = _watch(tables)
    known = literal(sorted(map(str, helpers)))
    settings = _pairs({k: v for k, v in pinned(timeouts).items() if k != "search_path"})
    return f"""\
DO $gonogo_session$ DECLARE setting pg_catalog.text[]; words pg_catalog.text;
    watched pg_catalog.text; unit pg_catalog.text;
    mark pg_catalog.int8; marks pg_catalog.int8[] = '{{}}'; BEGIN
    PERFORM pg_catalog.set_config('search_path', '{SEARCH_PATH}', false);
    RESET SESSION AUTHORIZATION; RESET ROLE;
    FOREACH setting SLICE 1 IN ARRAY {settings} LOOP
        PERFORM set_config(setting[1], setting[2], false);
    END LOOP;
    FOREACH setting SLICE 1 IN ARRAY {_pairs(NEWER)} LOOP
        IF current_setting(setting[1], true) <> setting[2] THEN PERFORM set_config(setting[1],
            setting[2], false); END IF;
    END LOOP;
    SET CONSTRAINTS ALL IMMEDIATE;{watch}
    WITH wanted AS (SELECT unnest({known}) AS name), found AS (
        SELECT concat_ws(' ', p.proname, md5(convert_to(p.prosrc, 'UTF8')),
            array_to_string(p.proconfig, ',')) AS name
        FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = pg_my_temp_schema()
    )
    SELECT string_agg(split_part(changed.name, ' ', 1), ', ' ORDER BY changed.name) INTO words
        FROM (
        (SELECT name FROM wanted EXCEPT ALL SELECT name FROM found)
        UNION ALL (SELECT name FROM found EXCEPT ALL SELECT name FROM wanted)
        UNION ALL SELECT c.relname FROM pg_catalog.pg_class AS c
            WHERE c.relnamespace = pg_my_temp_schema() AND (
            c.relkind NOT IN ('r', 'i', 'S') OR c.relhasrules OR c.relhastriggers
                OR c.relhassubclass OR c.relrowsecurity)
        UNION ALL SELECT n.name FROM (VALUES {_rows(NEVER)}) AS n (name, value)
            WHERE current_setting(n.name) <> n.value
                AND current_setting(n.name) <> (SELECT s.reset_val FROM pg_catalog.pg_settings
                    AS s WHERE s.name = n.name){changed}
    ) AS changed;
    IF words IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'GN001',
            MESSAGE = 'code of the database has changed the session that judges: ' || words;
    END IF;
END $gonogo_session$;"""


def _watch(tables: Mapping[str, bool]) -> tuple[str, str]:
    """What makes the keys of these tables (name -> whether rows are added to it later) and takes
    those that are new, and what finds a key that is not theirs any more.

    A table has one key for all of its rows; one that grows has a key for each of them.
    """
    if not tables:
        return "", ""
    names = _rows({name: "row" if grows else "table" for name, grows in tables.items()})
    keys = f"""
    FOR watched, unit IN SELECT w.name, w.unit FROM (VALUES {names}) AS w (name, unit) LOOP
        CONTINUE WHEN to_regclass('pg_temp.' || quote_ident(watched)) IS NULL;
        FOR mark IN EXECUTE format('SELECT hashtextextended(concat(%L::text, string_agg(
            concat(t.ctid, t.xmin), '' '' ORDER BY t.ctid)), 0) FROM pg_temp.%I AS t GROUP BY
            CASE %L WHEN ''row'' THEN concat(t.ctid) END', watched, watched, unit) LOOP
            marks := marks || (mark & {(1 << 48) - 1} | {_KEY << 48});
        END LOOP;
    END LOOP;
    FOREACH mark IN ARRAY marks LOOP
        PERFORM pg_advisory_xact_lock(mark);
    END LOOP;"""
    changed = f"""
        UNION ALL SELECT DISTINCT 'tables'
            FROM (SELECT l.classid::bigint << 32 | l.objid::bigint AS key
                FROM pg_catalog.pg_locks AS l
                WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.mode = 'ExclusiveLock'
                    AND l.pid = pg_backend_pid()) AS k
            WHERE k.key >> 48 = {_KEY} AND k.key <> ALL (marks)"""
    return keys, changed


def _rows(settings: Mapping[str, str]) -> str:
    return ", ".join(f"({literal(name)}, {literal(value)})" for name, value in settings.items())


def _pairs(settings: Mapping[str, str]) -> str:
    pairs = [f"[{literal(name)},{literal(value)}]" for name, value in settings.items()]
    return f"ARRAY[{','.join(pairs)}]"
