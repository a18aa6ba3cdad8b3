"""An application that writes all the time: the run says GO, and nobody is kept waiting for it.

The writers' side is what counts. Each of them has the run's budget as its `lock_timeout`, so a
wait that is longer is an error of the writer, whatever the machine is busy with.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psycopg
import pytest

from sandbox import logins
from tests.integration.support.harness import Controller, Database
from tests.integration.support.targets import RUNBOOK

Make = Callable[..., Database]

VALIDATE = ("-i", "inventories/sandbox", "validate_staging.yml", "-e", "gonogo_profile=target")
LOCK_SECONDS, HOLD_SECONDS = 2, 5
DEPLOY = (
    *("-e", f"gonogo_runbook={RUNBOOK}", "-e", "deploy_enabled=true"),
    *("-e", f"deploy_lock_timeout={LOCK_SECONDS}s", "-e", f"deploy_hold_timeout={HOLD_SECONDS}s"),
)

# As pgbench's: one transaction changes and adds to several tables. Some of them belong to the
# migration, others only refer to its.
TRANSACTION = (
    "UPDATE public.sites SET status = %(word)s WHERE id = %(site)s",
    "UPDATE public.workflow_stages SET decision_comments = %(word)s WHERE id = %(stage)s",
    "INSERT INTO public.workflow_stage_actions (workflow_stage_id, action_type, notes)"
    " VALUES (%(stage)s, 'COMMENT', %(word)s)",
    "UPDATE public.punchlists SET notes = %(word)s WHERE id = %(punchlist)s",
)


@dataclass
class Writer:
    """One session of the application: how often it has written, and what it has waited for."""

    number: int
    written: int = 0
    longest: float = 0.0
    errors: list[str] = field(default_factory=list)

    def write(self, connection: psycopg.Connection, rows: dict[str, list[str]]) -> None:
        """One transaction on rows that no other writer has."""
        chosen = {name: ids[self.written % len(ids)] for name, ids in rows.items()}
        values = {**chosen, "word": f"w{self.number} {self.written}"}
        # Not all of an application takes its tables in the same order.
        statements = TRANSACTION[:: -1 if self.number % 2 else 1]
        with connection.transaction():
            for statement in statements:
                began = time.monotonic()
                connection.execute(statement, values)
                self.longest = max(self.longest, time.monotonic() - began)
        self.written += 1


def _rows(database: Database, number: int, writers: int) -> dict[str, list[str]]:
    """The rows of this writer."""
    tables = {"site": "sites", "stage": "workflow_stages", "punchlist": "punchlists"}
    with database.owner() as connection:
        return {
            name: [
                row[0]
                for position, row in enumerate(
                    connection.execute(f"SELECT id FROM public.{table} ORDER BY id").fetchall()
                )
                if position % writers == number
            ]
            for name, table in tables.items()
        }


@contextlib.contextmanager
def writing(database: Database, *, budget_seconds: int, writers: int = 2) -> Iterator[list[Writer]]:
    """Write for as long as this lasts, and once before."""
    stop, began = threading.Event(), threading.Semaphore(0)
    every = [Writer(number) for number in range(writers)]

    def work(writer: Writer) -> None:
        rows = _rows(database, writer.number, writers)
        try:
            with database.cluster.connect(database.name, logins.APPLICATION) as connection:
                connection.execute(f"SET lock_timeout = '{budget_seconds}s'")
                while not stop.is_set():
                    writer.write(connection, rows)
                    began.release()
        except psycopg.Error as error:
            writer.errors.append(f"{error.sqlstate} {error}")
            began.release()

    threads = [threading.Thread(target=work, args=(writer,)) for writer in every]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            began.acquire()
        yield every
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.usefixtures("with_twin")
@pytest.mark.parametrize(
    ("profile", "arguments"),
    [
        pytest.param("target", (), marks=pytest.mark.attack, id="phases"),
        pytest.param("as_deployed", DEPLOY, id="deployment"),
    ],
)
def test_a_go_while_others_write(
    make_database: Make, controller: Controller, profile: str, arguments: tuple[str, ...]
) -> None:
    database = make_database(profile)
    controller.aim(database)
    # What the run promises to everybody else: see deploy.budgets.
    budget = LOCK_SECONDS + HOLD_SECONDS
    with writing(database, budget_seconds=budget) as writers:
        before = [writer.written for writer in writers]
        outcome = controller.play(*VALIDATE, *arguments)
        after = [writer.written for writer in writers]
    assert [writer.errors for writer in writers] == [[], []], outcome.output
    assert max(writer.longest for writer in writers) < budget
    assert all(now > then for then, now in zip(before, after, strict=True))
    assert outcome.has_verdict(), outcome.output
    assert outcome.verdict["decision"] == "GO", outcome.output
    twin = json.loads((outcome.evidence / "twin.json").read_text())
    assert twin["proven"] is True, twin["reason"]
    # The backup is of one moment, and the application has gone on since.
    actions = twin["proof"]["tables"]["public.workflow_stage_actions"]["rows"]
    assert actions[0] == actions[1] < database.rows()["workflow_stage_actions"]
    if arguments:
        record = json.loads((outcome.evidence / "deploy.json").read_text())
        assert record["action"] == "applied"
