"""Everything that PostgreSQL can hold: proven when it was restored, and noticed when it is gone."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gonogo.contract.login import Login
from gonogo.host.session.connection import connect
from sandbox.cluster import Cluster
from tests.integration.support import universe
from tests.integration.support.harness import Database, login_of
from tests.integration.support.twins import Rehearsal
from tests.integration.support.universe import Object, damages, loading
from tests.integration.support.universe.comparing import Comparison
from tests.pages.objects import KINDS

NAME = "universe"


@dataclass(frozen=True)
class Restored:
    """A universe, what became of its backup, and what there was in source and twin."""

    database: Database
    answer: dict[str, Any]
    source: frozenset[tuple[str, str]]
    twin: frozenset[tuple[str, str]]


def rehearsal_of(database: Database, directory: Path, server_bin: Path | None) -> Rehearsal:
    programs = {"server_bin": str(server_bin), "pg_bin": str(server_bin)} if server_bin else {}
    login = login_of(database.cluster, database.name)
    return Rehearsal(database, directory, login, options=programs)


def found(login: Login) -> frozenset[tuple[str, str]]:
    with connect(login, name="test") as connection:
        return frozenset(one.name for one in loading.objects(connection))


@pytest.fixture(scope="module")
def restored(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, server_bin: Path | None
) -> Iterator[Restored]:
    directory = tmp_path_factory.mktemp("universe")
    with loading.loaded(cluster, NAME, universe.HERE / "objects.sql") as database:
        run = rehearsal_of(database, directory, server_bin)
        with run.locked():
            answer = run.restore(run.back_up(), keep=True)
            twin = found(Login(**answer["twin"]["login"])) if "twin" in answer else frozenset()
        yield Restored(database, answer, found(run.login), twin)


def test_every_object_is_proven(restored: Restored) -> None:
    assert restored.answer["proven"] is True, (
        restored.answer["reason"],
        restored.answer.get("proof", {}).get("schema"),
    )
    # By an account that nothing of the project has.
    assert restored.source == restored.twin
    assert len(restored.source) >= 600


# --- whatever is changed is noticed ---------------------------------------------------------------

SOMEBODY = "universe_nobody"
# What no command takes away by itself.
# A range brings its multirange, with functions and a cast.
ONLY_ALONG = {"cast", "function", "index", "sequence", "table constraint", "trigger", "type"}
# What the server says of one of those.
ONLY_WITH_ANOTHER = (
    psycopg.errors.DependentObjectsStillExist,
    psycopg.errors.InvalidTableDefinition,
    psycopg.errors.ObjectNotInPrerequisiteState,
)
# So many of a kind are dropped in the ordinary suite.
FEW = 1


@pytest.fixture(scope="module")
def comparison(restored: Restored) -> Iterator[Comparison]:
    login = login_of(restored.database.cluster, NAME)
    with connect(login, name="test") as connection:
        yield Comparison.of(connection)


def few(objects: list[Object], number: int) -> list[Object]:
    """So many of each kind."""
    seen: Counter[str] = Counter()
    chosen = []
    for one in objects:
        seen[one.kind] += 1
        if seen[one.kind] <= number:
            chosen.append(one)
    return chosen


@pytest.mark.parametrize("number", [FEW, pytest.param(10_000, marks=pytest.mark.attack)])
def test_an_object_that_is_gone(comparison: Comparison, number: int) -> None:
    unnoticed, along = [], Counter[str]()
    for one in few(comparison.objects, number):
        try:
            if not comparison.differences(damages.drop(one)):
                unnoticed.append(one)
        except ONLY_WITH_ANOTHER:
            # It only goes along with another, which is tried itself.
            along[one.kind] += 1
    assert unnoticed == []
    assert set(along) <= ONLY_ALONG


def _changed(comparison: Comparison, change: Callable[[Object], str | None]) -> dict[Object, str]:
    return {one: made for one in comparison.objects if (made := change(one))}


def test_a_comment_that_is_another(comparison: Comparison) -> None:
    changes = _changed(comparison, damages.comment)
    told = comparison.differences(*changes.values(), carried=False)
    # The server's own words for what a comment is on, which may follow from another object.
    found = {one.name.replace("comment on derived ", "comment on ", 1) for one in told}
    unnoticed = [one for one in changes if f"comment on {one.kind} {one.identity}" not in found]
    assert unnoticed == []


def _spelt(name: str) -> str:
    """One way to write a name: the server qualifies some types only where it is asked for it."""
    short = name.replace("pg_catalog.", "").replace("(NONE,", "(-,")
    return "".join(short.lower().split())


@pytest.mark.parametrize("change", ["owner of", "privileges of"])
def test_rights_that_are_others(comparison: Comparison, change: str) -> None:
    made = damages.own if change == "owner of" else damages.grant
    changes = _changed(comparison, lambda one: made(one, SOMEBODY))
    found = comparison.differences(*changes.values())
    told = [_spelt(one.name) for one in found if one.name.startswith(change)]
    unnoticed = [
        one for one in changes if not any(name.endswith(_spelt(one.identity)) for name in told)
    ]
    assert unnoticed == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER LARGE OBJECT 70001 OWNER TO universe_nobody",
        "GRANT SELECT ON LARGE OBJECT 70002 TO universe_nobody",
        "SELECT lo_unlink(70003)",
    ],
)
def test_a_large_object_that_is_another(comparison: Comparison, change: str) -> None:
    """Its owner and privileges; its content and comment are data: test_proof.py."""
    assert {one.name for one in comparison.differences(change)} <= {
        "owner of large objects",
        "privileges of large objects",
    }
    assert comparison.differences(change)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (
            "REVOKE EXECUTE ON FUNCTION pg_ls_logdir() FROM universe_reader",
            "privileges of function pg_catalog.pg_ls_logdir()",
        ),
        (
            "GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO universe_nobody",
            "privileges of function pg_catalog.pg_ls_waldir()",
        ),
        (
            "REVOKE SELECT ON pg_authid FROM universe_reader",
            "privileges of table pg_catalog.pg_authid",
        ),
        (
            "REVOKE SELECT (rolname) ON pg_authid FROM universe_owner",
            "privileges of table column pg_catalog.pg_authid.rolname",
        ),
        (
            "REVOKE USAGE ON LANGUAGE plpgsql FROM universe_reader",
            "privileges of language plpgsql",
        ),
        (
            "GRANT EXECUTE ON FUNCTION plpgsql_validator(oid) TO universe_nobody",
            "privileges of function pg_catalog.plpgsql_validator(oid)",
        ),
    ],
)
def test_rights_on_what_is_not_the_users(comparison: Comparison, change: str, name: str) -> None:
    assert [_spelt(one.name) for one in comparison.differences(change)] == [_spelt(name)]


def test_a_dependency_that_is_gone(comparison: Comparison) -> None:
    names = [name for name in comparison.schema if name.startswith("dependency of ")]
    if not names:
        pytest.skip("the server has none of the extensions of the script")
    gone = "DELETE FROM pg_depend WHERE deptype = 'x'"
    assert sorted(one.name for one in comparison.differences(gone)) == sorted(names)


def test_a_security_label(comparison: Comparison) -> None:
    """No provider of labels is among the server's modules: the label goes into its catalog."""
    label = (
        "INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label) VALUES"
        " ('plain.keys'::regclass, 'pg_class'::regclass, {}, 'selinux', 'x')"
    )
    found = comparison.differences(label.format(0), label.format(1))
    assert [one.name for one in found] == [
        "security label of selinux on table column plain.keys.a",
        "security label of selinux on table plain.keys",
    ]


def test_every_kind_is_on_the_page(restored: Restored) -> None:
    with restored.database.cluster.connect() as connection:
        version = connection.info.server_version // 10_000
    told = {kind.name for kind in KINDS if kind.since <= version}
    assert {kind for kind, _ in restored.source} == told
    # A dump has them all.
    assert {kind for kind, _ in restored.twin} == told


# --- the script has all that the documentation lists ----------------------------------------------

# Commands that leave nothing of their own in a database.
ELSEWHERE = {
    "ALTER DATABASE": "roles.sql",
    "ALTER GROUP": "of the server; another word for ALTER ROLE",
    "ALTER SUBSCRIPTION": "a twin has none",
    "ALTER SYSTEM": "of the server",
    "ALTER TABLESPACE": "of the server",
    "ALTER USER": "of the server; another word for ALTER ROLE",
    "CREATE DATABASE": "of the server",
    "CREATE GROUP": "of the server; another word for CREATE ROLE",
    "CREATE TABLESPACE": "of the server",
    "CREATE USER": "of the server; another word for CREATE ROLE",
    "IMPORT FOREIGN SCHEMA": "another server's tables, as CREATE FOREIGN TABLE makes them",
    "REASSIGN OWNED": "ALTER ... OWNER TO of all that a role owns",
    "SECURITY LABEL": "test_a_security_label: a label needs a provider",
}
_MAKING = ("ALTER ", "CREATE ", "COMMENT", "GRANT", "REVOKE", "SECURITY LABEL", "SELECT INTO")
_OTHERS = ("CLUSTER", "REFRESH MATERIALIZED VIEW", "IMPORT FOREIGN SCHEMA", "REASSIGN OWNED")


def _words(text: str) -> str:
    return " ".join(text.upper().split())


def _script() -> str:
    files = sorted((universe.HERE / "objects").glob("*.sql"))
    return _words("\n".join(file.read_text(encoding="utf-8") for file in files))


def _help(cluster: Cluster, about: str) -> str:
    done = subprocess.run(
        [str(cluster.bin / "psql"), "-X", f"--command=\\h {about}", "template1"],
        env={
            "PGHOST": cluster.host,
            "PGPORT": str(cluster.port),
            "PGUSER": "postgres",
            "PGPASSFILE": str(cluster.passfile),
            "LC_ALL": "C",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def _pattern(command: str) -> str:
    """CREATE [OR REPLACE] TABLE ..., as a script may write it."""
    verb, *rest = command.split()
    between = r"(?: (?:OR REPLACE|UNIQUE|UNLOGGED|RECURSIVE|DEFAULT|TRUSTED|CONSTRAINT))*"
    return rf"\b{verb}{between} {' '.join(rest)}\b" if rest else rf"\b{verb}\b"


SPELT_OTHERWISE = {
    "CREATE TABLE AS": r"\bCREATE TABLE \S+ (?:\(\S+\) )?AS SELECT\b",
    "SELECT INTO": r"\bSELECT .{1,60} INTO PLAIN\b",
}


def test_every_command_is_in_the_script(cluster: Cluster) -> None:
    """Of this version's psql, which lists those of its documentation."""
    # The longest name leaves but one blank to the next column.
    text = re.sub(r"(SEARCH CONFIGURATION) (?=[A-Z])", r"\1\n", _help(cluster, ""))
    listed = re.split(r"\s{2,}|\n", text)
    making = [name for name in listed if name.startswith((*_MAKING, *_OTHERS))]
    assert len(making) > 90, making
    text = _script()
    missing = [
        name
        for name in making
        if name not in ELSEWHERE
        and not re.search(SPELT_OTHERWISE.get(name) or _pattern(name), text)
    ]
    assert missing == []


@pytest.mark.parametrize("command", ["COMMENT", "GRANT", "ALTER DEFAULT PRIVILEGES"])
def test_every_object_of_a_command_is_in_the_script(cluster: Cluster, command: str) -> None:
    """What psql says may follow ON in this version."""
    server = {"DATABASE", "TABLESPACE", "PARAMETER", "ROLE"}
    # Other words for what is tried by its own.
    same = {"ROUTINE", "PROCEDURAL LANGUAGE", "ROUTINES"}
    text = _help(cluster, command)
    told = re.findall(r"^ {2,}(?:ON )?([A-Z][A-Z ]+?)(?= [a-z{(<\[]|$| ON)", text, re.MULTILINE)
    if command != "COMMENT":
        told = re.findall(r"\bON \{? ?([A-Z][A-Z ]+?)(?= [a-z{(<\[|]| \||$)", text, re.MULTILINE)
    kinds = {kind.strip() for kind in told} - server - same
    assert len(kinds) >= 5, text
    script = _script()
    missing = [kind for kind in kinds if not re.search(rf"\b{command}\b[^;]* ON {kind}\b", script)]
    assert sorted(missing) == []
