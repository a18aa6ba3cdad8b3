"""A restore removes what it has made and what the plan names, and covers what the plan has seen."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Timeouts
from gonogo.host.compare import proof
from gonogo.host.restore import exchange
from gonogo.host.restore import replace as module
from gonogo.host.restore.filling import Filling
from gonogo.host.restore.replace import Request, restore
from sandbox import logins
from tests.integration.support.harness import Database
from tests.integration.support.twins import RUN_ID, Rehearsal
from tests.records import declared

STAMP = "20260131120000_0a1b2c"


@dataclass
class Scene:
    """A database with a backup, and whoever may restore it."""

    database: Database
    request: Request
    others: list[str] = field(default_factory=list)

    def plan(self, approved: str | None = None) -> dict[str, Any]:
        return restore(self.request, approved_content=approved).answer()

    def names(self) -> set[str]:
        """The databases that this test has to do with."""
        with self.database.admin() as admin:
            rows = admin.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE %s",
                (f"{self.database.name}%",),
            ).fetchall()
        return {row[0] for row in rows}

    def make(self, name: str, *, comment: str | None = None, rows: int = 1000) -> int:
        """A database of somebody, with rows in it; returns its oid."""
        cluster = self.database.cluster
        with cluster.connect("postgres") as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            row = admin.execute("SELECT oid FROM pg_database WHERE datname = %s", (name,))
            (oid,) = row.fetchone() or (0,)
            if comment is not None:
                admin.execute(
                    sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                        sql.Identifier(name), sql.Literal(comment.format(oid=oid, name=name))
                    )
                )
        with cluster.connect(name) as inside:
            inside.execute(
                "CREATE TABLE theirs AS SELECT g FROM generate_series(1, %s) AS g", (rows,)
            )
        return int(oid)

    def rows_of(self, name: str) -> int:
        with self.database.cluster.connect(name) as inside:
            row = inside.execute("SELECT count(*) FROM theirs").fetchone()
        assert row
        return int(row[0])


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Scene]:
    with database.owner() as owner:
        owner.execute("CREATE TABLE public.entries (id int PRIMARY KEY, note text)")
        owner.execute("INSERT INTO public.entries SELECT g, 'a' FROM generate_series(1, 17) AS g")
    run = Rehearsal(database, tmp_path, database.login())
    with run.locked():
        record = run.back_up()
    found = Scene(
        database,
        Request(
            login=replace(database.login(), user=logins.SUPERUSER),
            run_id=RUN_ID,
            declared=declared(database=database.name),
            archive=Path(record["file"]),
            sha256=record["sha256"],
            maintenance="postgres",
            stamp=STAMP,
            pg_bin=str(database.cluster.bin),
            jobs=1,
            fence=[],
            timeouts=Timeouts(),
        ),
    )
    yield found
    with database.cluster.connect("postgres") as admin:
        for name in found.names() - {database.name}:
            admin.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


def wrote(database: Database, statement: str) -> None:
    with database.owner() as owner:
        owner.execute(statement)


# --- what is removed ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["new", "old"])
def test_a_database_that_has_the_name_already_stays(scene: Scene, kind: str) -> None:
    name = f"{scene.database.name}_{kind}_{STAMP}"
    scene.make(name)
    done = scene.plan(scene.plan()["content"])
    assert done["committed"]
    assert scene.rows_of(name) == 1000
    assert done["kept_as"] in scene.names()


def test_nothing_is_dropped_where_the_new_one_cannot_be_made(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever name is taken, by chance or by somebody who knew it."""
    name = f"{scene.database.name}_new_{'0' * 16}"
    scene.make(name)
    monkeypatch.setattr(secrets, "token_hex", lambda _: "0" * 16)
    with pytest.raises(GonogoError, match="cannot be made"):
        scene.plan(scene.plan()["content"])
    assert scene.rows_of(name) == 1000


def test_a_failure_removes_what_was_made_and_nothing_else(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = scene.names()
    seen: list[set[str]] = []

    def fails(*_: Any, **__: Any) -> None:
        seen.append(scene.names())
        raise GonogoError("the disk is full")

    monkeypatch.setattr(Filling, "fill", fails)
    with pytest.raises(GonogoError, match="the disk is full"):
        scene.plan(scene.plan()["content"])
    assert len(seen[0] - before) == 1
    assert scene.names() == before


def test_a_failure_does_not_remove_what_has_the_live_name_by_then(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to COMMIT is lost: the new database is the one that is used."""
    change_names = exchange.change_names

    def lost(*given: Any, **named: Any) -> None:
        change_names(*given, **named)
        raise GonogoError("the connection was lost")

    monkeypatch.setattr(exchange, "change_names", lost)
    with pytest.raises(GonogoError, match="the connection was lost"):
        scene.plan(scene.plan()["content"])
    assert scene.database.rows()["entries"] == 17
    assert scene.names() == {scene.database.name, f"{scene.database.name}_old_{STAMP}"}


COMMENTS = [
    "gonogo: unfinished restore of run x",
    "gonogo: unfinished restore of run 20260131T120000Z-0a1b2c",
    "gonogo: unfinished restore of run 20260131T120000Z-0a1b2c; database 1, {name}",
    "gonogo: unfinished restore of run 20260131T120000Z-0a1b2c; database {oid}, other",
    "gonogo: unfinished restore of run 20260131T120000Z-0a1b2c; database {oid}, {name} (keep!)",
    "gonogo: unfinished restore of run x; database {oid}, {name}",
]


@pytest.mark.parametrize(
    "comment", [COMMENTS[0], *(pytest.param(c, marks=pytest.mark.attack) for c in COMMENTS[1:])]
)
def test_the_first_words_of_a_comment_prove_nothing(scene: Scene, comment: str) -> None:
    name = f"{scene.database.name}_new_theirs"
    scene.make(name, comment=comment)
    planned = scene.plan()
    assert planned["left"] == []
    assert planned["alike"] == [name]
    assert scene.plan(planned["content"])["committed"]
    assert scene.rows_of(name) == 1000


def _left(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a restore leaves that is killed before it can clean up; returns its name."""
    before = scene.names()

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Filling, "fill", killed)
        patched.setattr(module, "_drop", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            scene.plan(scene.plan()["content"])
    (name,) = scene.names() - before
    return name


def test_what_a_killed_restore_has_left_is_in_the_plan(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = scene.plan()
    name = _left(scene, monkeypatch)
    # It came after the plan: it is named, and asked for again.
    later = scene.plan(planned["content"])
    assert not later["committed"]
    assert name in scene.names()
    assert [one["name"] for one in later["left"]] == [name]
    assert f"database {name}" in later["holds"]
    assert scene.plan(later["content"])["committed"]
    assert name not in scene.names()


def test_what_was_left_is_known_by_its_oid(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    name = _left(scene, monkeypatch)
    planned = scene.plan()
    with scene.database.cluster.connect("postgres") as admin:
        row = admin.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            (name,),
        ).fetchone()
        assert row
        admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
    scene.make(name, comment=row[0])
    later = scene.plan(planned["content"])
    assert not later["committed"]
    assert scene.plan(later["content"])["committed"]
    assert scene.rows_of(name) == 1000


# --- what an approval covers --------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO public.entries SELECT g, 'b' FROM generate_series(18, 517) AS g",
        "UPDATE public.entries SET note = 'b' WHERE id = 3",
        pytest.param("SELECT lo_create(4711)", marks=pytest.mark.attack),
        pytest.param("CREATE TABLE public.later (id int)", marks=pytest.mark.attack),
    ],
)
def test_what_came_after_the_plan_is_asked_for_again(scene: Scene, statement: str) -> None:
    planned = scene.plan()
    wrote(scene.database, statement)
    later = scene.plan(planned["content"])
    assert not later["committed"]
    assert later["holds"] != planned["holds"]
    assert scene.names() == {scene.database.name}
    assert scene.plan(later["content"])["committed"]


def test_what_comes_while_the_backup_is_restored_stops_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove = proof.prove

    def meanwhile(*given: Any) -> Any:
        wrote(scene.database, "INSERT INTO public.entries VALUES (18, 'b')")
        return prove(*given)

    monkeypatch.setattr(proof, "prove", meanwhile)
    with pytest.raises(GonogoError, match="was written to while") as caught:
        scene.plan(scene.plan()["content"])
    assert "public.entries: 17 rows in the plan, 18 rows now" in str(caught.value.detail)
    assert scene.database.rows()["entries"] == 18
    assert scene.names() == {scene.database.name}


def test_what_comes_in_the_last_moment_is_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_names = exchange.change_names

    def meanwhile(*given: Any, **named: Any) -> None:
        wrote(scene.database, "INSERT INTO public.entries VALUES (18, 'b')")
        change_names(*given, **named)

    monkeypatch.setattr(exchange, "change_names", meanwhile)
    done = scene.plan(scene.plan()["content"])
    assert done["came"] == {"public.entries": [17, 18]}


def test_one_run_is_restored_twice(scene: Scene) -> None:
    first = scene.plan(scene.plan()["content"])
    wrote(scene.database, "DELETE FROM public.entries")
    second = scene.plan(scene.plan()["content"])
    assert first["committed"]
    assert second["committed"]
    assert first["kept_as"] != second["kept_as"]
    assert {first["kept_as"], second["kept_as"], scene.database.name} == scene.names()
    assert scene.database.rows()["entries"] == 17
