"""Which checks notice what is broken on the twin, and which can never fail."""

from __future__ import annotations

import json

import pytest

from gonogo.contract.records.phase import PhaseScript
from gonogo.contract.records.sabotage import Sabotage
from gonogo.host.checks.sabotage import tried, with_change
from gonogo.host.compare import schema_catalog
from gonogo.host.session.connection import connect
from tests.integration.support.harness import Controller, Database

SCRIPT = """\
-- @setup transaction
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;

-- @check KEYS
SELECT 'KEYS' AS check_id, CASE WHEN count(*) = 4 THEN 'pass' ELSE 'fail' END AS status,
    4::bigint AS examined, '4' AS expected, count(*)::text AS observed, '[]'::jsonb AS samples
FROM pg_constraint WHERE contype = 'f' AND conrelid = 'public.punchlist_items'::regclass;

-- @check BLIND
SELECT 'BLIND' AS check_id, 'pass' AS status,
    1::bigint AS examined, 'so' AS expected, 'so' AS observed, '[]'::jsonb AS samples;

-- @setup end
ROLLBACK;
"""


def asked(database: Database, keys: int) -> Sabotage:
    login = database.login()
    return tried(
        lambda: connect(login, name="a test"),
        [PhaseScript("one", SCRIPT.replace("4", str(keys)), stop=[], races=[], apart=[])],
        schema="public",
        tables=["punchlist_items"],
    )


def schema_of(database: Database) -> dict[str, str]:
    with connect(database.login(), name="a test") as connection:
        return schema_catalog.read(connection)


def test_only_what_notices_is_named_and_nothing_stays_broken(database: Database) -> None:
    with database.owner() as owner:
        row = owner.execute(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"
            " AND conrelid = 'public.punchlist_items'::regclass"
        ).fetchone()
    assert row is not None
    before = schema_of(database)
    found = asked(database, row[0])
    assert set(found.noticed) == {"KEYS"}
    assert all(words.endswith("is gone") for words in found.noticed["KEYS"])
    assert any(words.startswith("column ") for words in found.unnoticed)
    assert any(words.endswith("is disabled") for words in found.unnoticed)
    assert not [words for words in found.unnoticed if words in found.noticed["KEYS"]]
    noticed = {*found.noticed["KEYS"]}
    # The table that is gone, too, is noticed: the script dies of it.
    assert found.changes >= len(noticed) + len(found.unnoticed)
    assert schema_of(database) == before


def test_a_change_comes_after_the_beginning_and_may_write() -> None:
    changed = with_change(SCRIPT, "DROP TABLE x")
    assert "READ ONLY" not in changed
    assert changed.index("BEGIN") < changed.index("DROP TABLE x;") < changed.index("-- @check")


@pytest.mark.usefixtures("with_twin")
def test_a_run_says_which_checks_notice(database: Database, controller: Controller) -> None:
    controller.aim(database)
    asked_for = {"rehearsal_sabotage": True, "rehearsal_sabotage_tables": ["punchlist_items"]}
    done = controller.play(
        "-i", "inventories/sandbox", "validate_staging.yml", "-e", json.dumps(asked_for)
    )
    assert done.verdict["decision"] == "GO", done.output
    found = json.loads((done.evidence / "sabotage.json").read_text())
    assert found["changes"] > 20
    assert not found["impossible"]
    assert "changes were made to the twin, one at a time" in done.output
    # Checks of this table, and of all tables.
    assert {"C1.4", "C1.9"} <= set(found["noticed"])
    assert not {"C1.4", "C1.9"} & set(found["never_failed"])
    # Raced by two sessions, which nothing here does.
    assert "V2.3" not in found["never_failed"]
