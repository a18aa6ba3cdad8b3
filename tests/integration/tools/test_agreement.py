"""Where a derived check asks what a shipped one asks, both give one answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import database as content
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support import scripts
from tests.integration.support.harness import PROJECT, Database
from tools.defects.agreement import PAIRS, Pair
from tools.sabotage.catalogue import mutations
from tools.sabotage.change import OLDEST, Mutation

DERIVED = scripts.Suite(parameters=(), directory=PROJECT / "runbooks" / "derived")
KEYS = scripts.Suite(
    directory=PROJECT / "runbooks" / "20260115093000_add_master_table_foreign_keys"
)
# Of each runbook, the phases that the pairs are answered in.
PHASES = {
    DERIVED: ("01_objects", "02_relations", "03_rights", "05_constraints"),
    scripts.Suite(): ("01_critical_C1_C2",),
    KEYS: ("02_foreign_keys", "03_refusals"),
}
TEMPLATE = "template_agreement"
# What every run of the tests shall try.
ALWAYS = ("everybody's right on a column: ", "hidden orphan: ", "trigger for replicas only: ")
BEGINNINGS = sorted(
    {name for one in PAIRS for name in (*one.both, *one.shipped_alone, *one.derived_alone)}
)


@dataclass
class Side:
    """The database with the shipped migration, and what was there before it."""

    cluster: Cluster
    directory: Path
    # What a derived check compares with, and what the preflight of the shipped ones has found.
    before: dict[str, Any]
    found: dict[str, Any]

    def statuses(self, mutation: Mutation | None) -> dict[str, str]:
        """What both say of a copy that is broken."""
        content.clone(self.cluster, TEMPLATE, "agreement")
        database = Database(self.cluster, "agreement", "target")
        try:
            if mutation is not None:
                with database.admin() as admin, database.owner() as owner:
                    admin.execute((mutation.admin or "SELECT").encode())
                    owner.execute((mutation.sql or "SELECT").encode())
            return self._asked(database)
        finally:
            content.drop(self.cluster, "agreement")

    def _asked(self, database: Database) -> dict[str, str]:
        said: dict[str, str] = {}
        for suite, names in PHASES.items():
            facts = self.before if suite == DERIVED else self.found
            answers = scripts.by_module(database, suite.scripts(names, facts), self.directory)
            # A broken parent may keep rows from being made, of which nothing is asked then.
            assert suite == KEYS or not answers.errors, answers.errors
            said |= {check: result["status"] for check, result in answers.checks.items()}
        return said


@pytest.fixture(scope="module")
def side(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    directory = tmp_path_factory.mktemp("agreement")
    database = Database(cluster, TEMPLATE, "target")
    side = Side(cluster, directory, {}, {})

    def before() -> None:
        # The application uses what is older than the migration.
        with database.owner() as owner:
            owner.execute(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "
                + logins.APPLICATION
            )
        asked = scripts.by_module(database, DERIVED.scripts(["00_before"], {}), directory)
        side.before = asked.facts

    content.create(
        cluster, database=TEMPLATE, profile="target", scale=1, environment="sandbox", before=before
    )
    script = scripts.Suite().scripts([scripts.PREFLIGHT], {})
    side.found = scripts.by_module(database, script, directory).facts
    yield side
    content.drop(cluster, TEMPLATE)


def chosen(beginning: str) -> Mutation | None:
    """The first mutation of that name that the oldest server can have."""
    named = (one for one in mutations() if one.id.startswith(beginning))
    return next((one for one in named if one.since <= OLDEST), None)


def difference(pair: Pair, mutation: Mutation, said: Mapping[str, str]) -> str | None:
    """In what the two do not agree, and nothing explains it."""
    derived = said.get(pair.derived, "not run") != "pass"
    shipped = [check for check in pair.shipped if said.get(check, "not run") != "pass"]

    def is_one(beginnings: Any) -> bool:
        return mutation.id.startswith(tuple(beginnings))

    # A derived check may ask what several of theirs do.
    all_of_it = {check for one in PAIRS if one.derived == pair.derived for check in one.shipped}
    found = f"{mutation.id}: {pair.derived} {'fails' if derived else 'passes'}, of"
    found = f"{found} {', '.join(pair.shipped)} fail: {', '.join(shipped) or 'none'}"
    if is_one(pair.both):
        agreed = derived and shipped == [*pair.shipped]
    elif is_one(pair.shipped_alone):
        agreed = not derived and bool(shipped)
    elif is_one(pair.derived_alone):
        agreed = derived and not shipped
    else:
        agreed = not derived or any(said.get(check, "not run") != "pass" for check in all_of_it)
    return None if agreed else found


def test_nothing_is_broken(side: Side) -> None:
    said = side.statuses(None)
    asked = {check for pair in PAIRS for check in (pair.derived, *pair.shipped)}
    assert {check: said.get(check) for check in asked} == dict.fromkeys(asked, "pass"), said


def test_there_is_a_mutation_of_each_kind() -> None:
    missing = [one for one in BEGINNINGS if not any(m.id.startswith(one) for m in mutations())]
    assert not missing


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(one, marks=() if one in ALWAYS else pytest.mark.attack)
        for one in BEGINNINGS
        if chosen(one)
    ],
)
def test_both_give_one_answer(side: Side, beginning: str) -> None:
    mutation = chosen(beginning)
    assert mutation is not None
    said = side.statuses(mutation)
    found = [text for pair in PAIRS if (text := difference(pair, mutation, said))]
    assert not found, "\n".join(found)
