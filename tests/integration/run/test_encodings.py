"""Databases of other encodings and locales are judged as any other."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from sandbox import database as content
from sandbox.cluster import Cluster
from tests.integration.checks.test_benign import minding
from tests.integration.run.test_run import SANDBOX
from tests.integration.support import scripts
from tests.integration.support.harness import Controller, Database

# Words → options of CREATE DATABASE, and the first major version that has them.
_KINDS = {
    "latin1": ("ENCODING 'LATIN1' LOCALE 'C'", 13),
    "latin9": ("ENCODING 'LATIN9' LOCALE 'C'", 13),
    "win1252": ("ENCODING 'WIN1252' LOCALE 'C'", 13),
    "euc_jp": ("ENCODING 'EUC_JP' LOCALE 'C'", 13),
    "icu": ("LOCALE_PROVIDER icu ICU_LOCALE 'en-u-ka-shifted-kn' LOCALE 'C'", 15),
    "turkish": ("LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C'", 15),
    "builtin": ("LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'", 17),
}

Make = Callable[..., Database]


@pytest.fixture
def make_other(cluster: Cluster) -> Iterator[Make]:
    """Kind → a database of that kind, with the rows of every other."""
    made: list[str] = []

    def make(kind: str, word: str = "other") -> Database:
        options, since = _KINDS[kind]
        with cluster.connect() as admin:
            if admin.info.server_version < since * 10000:
                pytest.skip(f"PostgreSQL {since} and later")
        name = f"{word}_{os.getpid()}_{kind}"
        try:
            content.create(
                cluster,
                database=name,
                profile="target",
                scale=1,
                environment="sandbox",
                options=options,
            )
        except psycopg.errors.FeatureNotSupported as error:
            pytest.skip(str(error))
        made.append(name)
        return Database(cluster, name, "target")

    yield make
    for name in made:
        content.drop(cluster, name)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[] if kind in {"latin1", "turkish"} else pytest.mark.attack)
        for kind in _KINDS
    ],
)
def test_nobody_minds(kind: str, make_other: Make, tmp_path: Path) -> None:
    found = scripts.answers(make_other(kind), scripts.PHASES, tmp_path)
    assert not found.errors
    assert not minding(found)


def test_what_comes_back_is_text(make_other: Make, tmp_path: Path) -> None:
    database = make_other("latin1")
    with database.owner() as connection:
        # What a value holds that the check has to quote: an id of its own alphabet.
        connection.execute("""
        INSERT INTO public.workspaces (code, name, customer_group_id, vendor_owner_id)
        SELECT 'K-1', 'Köln', 'c', 'v';
        INSERT INTO public.config_versions
            (id, workspace_id, source_file_name, source_type, version_number, status, imported_by,
             activated_at)
        SELECT 'Köln', id, 'ä.xlsx', 'SCOPE_CONFIG', 1, 'DRAFT', 'admin-001', now()
        FROM public.workspaces WHERE code = 'K-1'
        """)
    found = scripts.answers(database, ["06_contradictions"], tmp_path)
    assert found.checks["C3.7"]["samples"] == ["config_versions.id=Köln"]


def test_its_own_name_is_in_no_encoding(make_other: Make, controller: Controller) -> None:
    """The server keeps names of databases as they were sent, whatever the database's encoding."""
    database = make_other("latin1", "prüfung")
    controller.aim(database)
    outcome = controller.play(*SANDBOX, "-e", "twin_enabled=true")
    assert outcome.verdict["decision"] == "GO", outcome.output
    assert f"GO  15/15  sandbox  {database.name}" in outcome.output
    backup = json.loads((outcome.evidence / "backup.json").read_text())
    assert backup["database"] == database.name


def test_roles_have_names_in_no_encoding(make_other: Make, controller: Controller) -> None:
    database = make_other("latin1", "roles")
    role = f"prüfer_{os.getpid()}"
    with database.cluster.connect() as admin:
        admin.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    try:
        with database.owner() as owner:
            found = owner.execute("SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'pr%'")
            ((seen,),) = found.fetchall()
            owner.execute(
                sql.SQL("GRANT SELECT ON public.sites TO {}").format(sql.Identifier(seen))
            )
        controller.aim(database)
        outcome = controller.play(*SANDBOX, "-e", "twin_enabled=true")
        assert outcome.verdict["decision"] == "GO", outcome.output
    finally:
        with database.owner() as owner:
            owner.execute(
                sql.SQL("REVOKE ALL ON public.sites FROM {}").format(sql.Identifier(seen))
            )
        with database.cluster.connect() as admin:
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
