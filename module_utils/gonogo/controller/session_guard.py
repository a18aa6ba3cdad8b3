# ruff: noqa: S608 - whatever is put into the statement is a constant, quoted
"""What a phase script does before each of its blocks, so that its answer is its own.

Application code (triggers, functions that a CHECK calls) runs in the session that judges, with
the rights of its login. It could change a setting, take another role, or replace a helper function
in pg_temp. So each block begins with one statement that pins the settings and the role again, and
ends the script where a helper is not the one the script has created.

Pure: knows neither psycopg nor Ansible.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..errors import GonogoError
from ..script import Block, blocks
from ..session_settings import NEVER, NEWER, SEARCH_PATH, pinned
from .quoting import literal

__all__ = ["guarded"]

_FUNCTION = re.compile(
    r"^CREATE FUNCTION pg_temp\.(?P<name>[a-z_]+)\s*\((?P<header>.*?)"
    r"\bAS \$gonogo_helper\$(?P<body>.*?)\$gonogo_helper\$",
    re.DOTALL | re.MULTILINE,
)
_CREATED = re.compile(r"^CREATE (?:OR REPLACE )?FUNCTION pg_temp\.", re.MULTILINE)
_SETTING = re.compile(r"\bSET (?P<name>[a-z_]+) = (?P<value>[a-z_]+)")

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
    lines = text.split("\n")
    found = blocks(text)
    for block in found:
        if not (block.kind == "setup" and block.words in _FRAME):
            # Behind the line that begins the block.
            lines[block.line - 1] += "\n" + _statement(helpers, timeouts)
        helpers.extend(_created(block))
    return "\n".join(lines)


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


def _statement(helpers: list[_Helper], timeouts: Mapping[str, str]) -> str:
    """One DO block. Its first statement needs no operator and no search path."""
    known = literal(sorted(map(str, helpers)))
    settings = _pairs({k: v for k, v in pinned(timeouts).items() if k != "search_path"})
    return f"""\
DO $gonogo_session$ DECLARE setting pg_catalog.text[]; words pg_catalog.text; BEGIN
    PERFORM pg_catalog.set_config('search_path', '{SEARCH_PATH}', false);
    RESET SESSION AUTHORIZATION; RESET ROLE;
    FOREACH setting SLICE 1 IN ARRAY {settings} LOOP
        PERFORM set_config(setting[1], setting[2], false);
    END LOOP;
    FOREACH setting SLICE 1 IN ARRAY {_pairs(NEWER)} LOOP
        IF current_setting(setting[1], true) <> setting[2] THEN PERFORM set_config(setting[1],
            setting[2], false); END IF;
    END LOOP;
    SET CONSTRAINTS ALL IMMEDIATE;
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
                    AS s WHERE s.name = n.name)
    ) AS changed;
    IF words IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'GN001',
            MESSAGE = 'code of the database has changed the session that judges: ' || words;
    END IF;
END $gonogo_session$;"""


def _rows(settings: Mapping[str, str]) -> str:
    return ", ".join(f"({literal(name)}, {literal(value)})" for name, value in settings.items())


def _pairs(settings: Mapping[str, str]) -> str:
    pairs = [f"[{literal(name)},{literal(value)}]" for name, value in settings.items()]
    return f"ARRAY[{','.join(pairs)}]"
