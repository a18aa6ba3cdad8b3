"""Differences between databases that are nobody's fault: no check that counts may mind them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gonogo.contract.login import Login
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support import scripts
from tests.integration.support.harness import Database
from tests.runbooks.master_tables import make_roles
from tests.runbooks.master_tables.variants import VARIANTS, Variant

# Who the scripts run as, where it is not the owner of the tables.
LOGINS = [logins.APPLICATION, logins.SUPERUSER]


@pytest.fixture(scope="module", autouse=True)
def _roles(cluster: Cluster) -> None:
    make_roles(cluster)


def _counting() -> set[str]:
    """Checks whose failure has a consequence."""
    book = scripts.Suite().runbook
    nice = {item.id for item in book.declared.criteria if item.class_ == "nice"}
    return {
        check.id
        for check in book.checks.values()
        if check.effect != "none" and check.criterion not in nice
    }


def minding(found: scripts.Answers) -> dict[str, str]:
    """Of the checks that count, those that did not pass, and what they observed."""
    return {
        check: found.checks[check]["observed"] if check in found.checks else "no answer"
        for check in sorted(_counting())
        if check not in found.checks or found.checks[check]["status"] != "pass"
    }


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_nobody_minds(variant: Variant, database: Database, tmp_path: Path) -> None:
    for session, sql in ((database.admin, variant.admin), (database.owner, variant.sql)):
        if sql:
            with session() as connection:
                connection.execute(sql.encode())
    found = scripts.answers(database, scripts.PHASES, tmp_path)
    assert not found.errors
    assert not minding(found)


@dataclass(frozen=True)
class _Seen(Database):
    """The same database, seen by another login."""

    user: str

    def login(self) -> Login:
        return replace(super().login(), user=self.user)


@pytest.mark.parametrize("user", LOGINS)
def test_nobody_minds_another_login(user: str, database: Database, tmp_path: Path) -> None:
    seen = _Seen(database.cluster, database.name, database.profile, user)
    found = scripts.answers(seen, scripts.PHASES, tmp_path)
    assert not found.errors
    assert not minding(found)


@pytest.mark.parametrize("residue", ["keep", "rollback"])
def test_nobody_minds_rows_of_another_run(residue: str, database: Database, tmp_path: Path) -> None:
    earlier = scripts.Suite(residue="keep", token="fedcba9876")
    kept = scripts.answers(database, scripts.PHASES, tmp_path, suite=earlier)
    assert not minding(kept)
    later = scripts.Suite(residue=residue)
    found = scripts.answers(database, scripts.PHASES, tmp_path, suite=later)
    assert not found.errors
    assert not minding(found)
