"""Who was at work before a deployment, in words: on the terminal, in the verdict and in reports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gonogo.contract.records.activity import Activity, Backend, Conflict, Occupant
from gonogo.contract.records.deployment import Deployment
from gonogo.contract.records.reading import plain
from gonogo.controller.invocation.commands import Caller
from gonogo.controller.outcome import activity, deployment
from gonogo.controller.report.costs import active
from gonogo.controller.report.why import became
from gonogo.host.migrate.locks_needed import CONFLICTS, MODES
from gonogo.verdict import holding, next_step, sentence, summary
from gonogo.verdict.activity import activity_conditions
from tests.records import judged
from tests.unit import deployments
from tests.unit.test_verdict import good

EVIL = '"]\x1b[2J\n</td><script>x</script>\u202e`|'
APP = Backend(7, "app", "worker", "10.0.0.1", "active", "2026-01-31T12:00:00Z", 130.0, None)
IDLE = replace(APP, state="idle in transaction", idle_seconds=90.0)
UNSEEN = Backend(7, "app", "worker", None, None, None, None, None)
LOCK = Conflict("public.t", "RowExclusiveLock", ("ShareLock", "AccessExclusiveLock"), certain=True)


def found(*occupants: Occupant, **changes: Any) -> Activity:
    return Activity(
        0.031, rehearsed=True, tables={"public.t": ("ShareLock",)}, occupants=occupants, **changes
    )


def record(action: str, *occupants: Occupant) -> Deployment:
    return replace(deployments.deployment(action), activity=found(*occupants))


HELD = Occupant("transaction", "hold", IDLE, (LOCK,))
SAID = {
    "idle": (
        HELD,
        'a transaction (process 7, role "app", application_name "worker", client 10.0.0.1; idle in '
        "transaction, since 2026-01-31T12:00:00Z, 2 min ago, idle for 90 s) has ROW EXCLUSIVE on "
        '"public.t", where the migration needs SHARE and ACCESS EXCLUSIVE',
    ),
    "not seen": (
        Occupant("transaction", "unknown", UNSEEN, (replace(LOCK, certain=False),)),
        'a transaction (process 7, role "app", application_name "worker"; what it does, and since '
        'when, is not seen by this login) has ROW EXCLUSIVE on "public.t", where the migration may '
        "need SHARE and ACCESS EXCLUSIVE",
    ),
    "snapshot": (
        Occupant("dump", "slow", replace(APP, role=None, client=None), snapshot=True),
        'a dump (process 7, application_name "worker"; active, since 2026-01-31T12:00:00Z, 2 min '
        "ago) has a snapshot that CONCURRENTLY waits for",
    ),
    "wraparound": (
        Occupant("wraparound", "slow", replace(APP, role=None), name="public.t"),
        'an autovacuum to prevent wraparound of the table "public.t" (process 7, application_name '
        '"worker", client 10.0.0.1; active, since 2026-01-31T12:00:00Z, 2 min ago)',
    ),
    "freeze": (
        Occupant("freeze", "slow", name="public.t", numbers={"part": 0.978}),
        'the table "public.t" is at 98 % of the age at which autovacuum has to prevent wraparound: '
        "one that begins does not give way",
    ),
    "slot": (
        Occupant("slot", "slow", name="gone", text="extended", numbers={"bytes": 3 << 30}),
        'nobody uses the replication slot "gone", which keeps 3.0 GB of WAL (extended)',
    ),
    "connections": (
        Occupant("connections", "slow", name="of the role", numbers={"left": 2, "limit": 9}),
        "2 of the 9 connections are left to this login (the limit of the role)",
    ),
    "no connection": (
        Occupant("connections", "hold", name="max_connections", numbers={"left": 0, "limit": 97}),
        "none of the 97 connections is left to this login",
    ),
    "question": (
        Occupant("unknown", "unknown", name="replicas", text="permission denied"),
        "nobody knows of the replicas: permission denied",
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_each_is_said_in_a_sentence(name: str) -> None:
    one, words = SAID[name]
    assert sentence(one) == words
    assert next_step(one)


def test_the_conflicts_are_those_of_the_documentation() -> None:
    """Both ways: a mode conflicts with whatever conflicts with it."""
    for mode in MODES:
        assert all(mode in CONFLICTS[other] for other in CONFLICTS[mode])
    assert [len(CONFLICTS[mode]) for mode in MODES] == [1, 2, 4, 5, 5, 6, 7, 8]
    alone = [mode for mode in MODES if mode not in CONFLICTS[mode]]
    assert alone == ["AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareLock"]


def test_the_worst_is_why_and_the_rest_is_noted() -> None:
    slow, unknown = SAID["slot"][0], SAID["question"][0]
    blocked = record("blocked", HELD, slow, unknown)
    problem = deployment.problem(blocked, caller=Caller())
    assert problem is not None
    assert problem.primary.endswith("nothing was tried")
    assert problem.detail == sentence(HELD)
    assert "pg_terminate_backend(7)" in (problem.hint or "")
    assert "ansible-playbook" in (problem.hint or "")
    conditions = activity_conditions(plain(blocked))
    assert [(one.code, one.subject) for one in conditions] == [("activity", "deploy")] * 2
    assert conditions[0].text == f"right before the deployment: {sentence(slow)}"
    assert became(None, blocked, None) == "Nothing was deployed"
    assert holding(found(slow, unknown)) == []


def test_what_may_only_be_slow_is_a_go_with_a_condition() -> None:
    slow = SAID["slot"][0]
    case = {**good(), "deploy": plain(record("applied", slow, SAID["question"][0]))}
    verdict = judged(**case)
    assert verdict["decision"] == "GO"
    told = [one["text"] for one in verdict["conditions"] if one["code"] == "activity"]
    assert told == [
        f"right before the deployment: {sentence(one)}" for one in (slow, SAID["question"][0])
    ]


def test_a_deployment_without_anybody_has_no_condition() -> None:
    done = record("applied")
    assert activity_conditions(plain(done)) == []
    assert activity_conditions(plain(deployments.deployment())) == []
    assert activity_conditions(None) == []
    (line,) = activity.lines(done.activity)
    assert line == (
        "Nobody was found to wait for on the server right before the deployment, judged by the "
        "locks of the rehearsal (1 table), in 0.03 s."
    )
    assert activity.lines(None) == []


def test_what_was_found_is_on_the_terminal_with_the_next_step() -> None:
    held, step, *_, more = activity.lines(found(HELD, more=3))[1:]
    assert held == f"  HOLD: {sentence(HELD)}."
    assert step == f"    {next_step(HELD)}"
    assert more == "  and 3 more, which were not kept"
    assert summary(found(HELD, more=3)).startswith("4 things were found")


def test_the_report_has_a_line_for_each() -> None:
    part = active(record("applied", HELD, SAID["question"][0]))
    assert part is not None
    assert part.table is not None
    assert [[cell.text for cell in row] for row in part.table.rows] == [
        ["HOLD", sentence(HELD), next_step(HELD)],
        ["unknown", sentence(SAID["question"][0]), next_step(SAID["question"][0])],
    ]
    assert ("what the deployment locks", "public.t ShareLock") in part.head
    nobody = active(record("applied"))
    assert nobody is not None
    assert nobody.table is None
    assert active(deployments.deployment()) is None


@pytest.mark.parametrize("number", [0, -1.5, 1e300, float("inf"), float("nan")])
@pytest.mark.parametrize(
    "kind",
    ["base_backup", "freeze", "slot", "replica", "connections", "hidden", "transaction", "?"],
)
def test_no_number_or_kind_of_altered_evidence_is_an_error(kind: str, number: float) -> None:
    who = replace(IDLE, seconds=number, idle_seconds=number)
    keys = ("part", "bytes", "seconds", "left", "limit", "sessions", "sent", "total")
    one = Occupant(kind, "slow", who, name="x", numbers=dict.fromkeys(keys, number))
    assert sentence(one)
    assert next_step(one)


@pytest.mark.parametrize(
    "kind", ["transaction", "prepared", "wraparound", "freeze", "slot", "replica", "unknown"]
)
def test_a_name_says_nothing_of_its_own(kind: str) -> None:
    """Whatever somebody else calls a role, an application, a table or a slot."""
    evil = replace(IDLE, role=EVIL, application_name=EVIL, client=EVIL, state=EVIL, since=EVIL)
    lock = replace(LOCK, table=EVIL, mode=EVIL)
    one = Occupant(kind, "hold", evil, (lock,), name=EVIL, text=EVIL)
    said = f"{sentence(one)} {next_step(one)}"
    assert not set(said) & set("\x1b\n\u202e")
    # What is quoted ends where we say.
    assert '""]' not in said
    # None of it is for pasting.
    assert "PREPARED '" not in said
    assert "slot('" not in said
