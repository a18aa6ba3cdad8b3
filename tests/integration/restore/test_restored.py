"""What became of a restore that nobody has heard of is told by the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from psycopg import sql

from gonogo.contract.errors import GonogoError
from gonogo.contract.records.reading import plain
from gonogo.host.restore import exchange, standins
from gonogo.host.restore.filling import Filling
from gonogo.host.restore.restored import find_out
from tests.integration.restore.test_restore_approval import STAMP, Scene, wrote
from tests.integration.restore.test_restore_approval import scene as scene  # noqa: PLC0414 - a fixture
from tests.integration.support.harness import Database
from tests.integration.support.twins import RUN_ID

BY = "20260201T120000Z-0a1b2c"


def found(scene: Scene, planned: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """As the owner of the database, who need not be the one who restores."""
    given = {
        "run_id": RUN_ID,
        "by": BY,
        "declared": scene.request.declared,
        "database_oid": planned["intent"]["database_oid"],
        "kept_as": planned["intent"]["kept_as"],
        "holds": {name: (rows, digest) for name, (rows, digest) in planned["holds"].items()},
        "archive": scene.request.archive,
        "fence": [],
        "timeouts": scene.request.timeouts,
        **changes,
    }
    occupants, told = find_out(scene.database.login(), **given)
    return {**occupants.answer(), "found": told and plain(told)}


def killed(scene: Scene, monkeypatch: pytest.MonkeyPatch, content: str, where: object) -> None:
    """Restore, and be gone in the middle: nothing that stands behind is done any more."""

    class GoneError(Exception):
        pass

    def ends(*_: Any, **__: Any) -> None:
        raise GoneError

    with monkeypatch.context() as patched:
        patched.setattr(where, "fill" if where is Filling else "change_names", ends)
        patched.setattr("gonogo.host.restore.replace._drop", lambda *_: None)
        with pytest.raises(GoneError):
            scene.plan(content)


def _swapped(scene: Scene, monkeypatch: pytest.MonkeyPatch, planned: dict[str, Any]) -> None:
    """The names are changed, and nothing is done after that."""
    change_names = exchange.change_names

    def lost(*given: Any, **named: Any) -> None:
        change_names(*given, **named)
        raise GonogoError("the connection was lost")

    with monkeypatch.context() as patched:
        patched.setattr(exchange, "change_names", lost)
        with pytest.raises(GonogoError, match="the connection was lost"):
            scene.plan(planned["content"])


def test_a_restore_that_was_done(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = scene.plan()
    _swapped(scene, monkeypatch, planned)
    kept_as = f"{scene.database.name}_old_{STAMP}"
    assert found(scene, planned) == {
        "held": None,
        "others": [],
        "found": {"state": "restored", "kept_as": kept_as, "came": {}, "left": []},
    }
    # It lost its right to be written to together with its name.
    with scene.database.cluster.connect(kept_as) as kept:
        row = kept.execute("SHOW default_transaction_read_only").fetchone()
    assert row == ("on",)


@pytest.mark.attack
def test_what_was_written_meanwhile_is_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = scene.plan()
    change_names = exchange.change_names

    def meanwhile(*given: Any, **named: Any) -> None:
        wrote(scene.database, "INSERT INTO public.entries VALUES (18, 'b')")
        change_names(*given, **named)

    monkeypatch.setattr(exchange, "change_names", meanwhile)
    _swapped(scene, monkeypatch, planned)
    assert found(scene, planned)["found"]["came"] == {"public.entries": [17, 18]}
    # Without the archive nobody knows how its rows were hashed.
    gone = found(scene, planned, archive=scene.request.archive / "gone")["found"]
    assert gone["state"] == "restored"
    assert gone["came"] is None


def _drop(scene: Scene, name: str) -> None:
    with scene.database.cluster.connect("postgres") as admin:
        admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def _rename(scene: Scene, name: str) -> None:
    with scene.database.cluster.connect("postgres") as admin:
        admin.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(name), sql.Identifier(f"{name}_theirs")
            )
        )


@pytest.mark.parametrize("change", [_drop, pytest.param(_rename, marks=pytest.mark.attack)])
def test_what_others_have_done_since_is_not_taken_for_the_restore(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, change: Callable[[Scene, str], None]
) -> None:
    planned = scene.plan()
    _swapped(scene, monkeypatch, planned)
    kept_as = f"{scene.database.name}_old_{STAMP}"
    change(scene, kept_as)
    told = found(scene, planned)["found"]
    assert told["state"] == "replaced"
    assert told["kept_as"] == (None if change is _drop else f"{kept_as}_theirs")
    assert told["came"] is None


def _roles(database: Database) -> set[str]:
    with database.admin() as admin:
        rows = admin.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'gonogo_restorer_%'")
        return {row[0] for row in rows.fetchall()}


@pytest.mark.parametrize("where", [exchange, pytest.param(Filling, marks=pytest.mark.attack)])
def test_a_restore_that_was_not_done(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, where: object
) -> None:
    planned, names = scene.plan(), scene.names()
    killed(scene, monkeypatch, planned["content"], where)
    (left,) = scene.names() - names
    told = found(scene, planned)["found"]
    assert told == {
        "state": "unchanged",
        "kept_as": scene.database.name,
        "came": None,
        "left": [left],
    }


@pytest.mark.attack
def test_roles_of_a_killed_restore_go_with_the_next(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However young they are, but not while another run may be about to log in as one."""

    class KilledError(BaseException):
        """It is not tried a second time."""

    def ends(*_: Any, **__: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(standins, "allow_to_make", ends)
        patched.setattr(standins, "remove", lambda *_: None)
        patched.setattr("gonogo.host.restore.replace._drop", lambda *_: None)
        with pytest.raises(KilledError):
            scene.plan(scene.plan()["content"])
    left = _roles(scene.database)
    assert len(left) > 1
    with scene.database.cluster.connect("postgres") as working:
        working.execute(f"SET application_name TO 'gonogo:{BY}:restore'")
        assert scene.plan(scene.plan()["content"])["committed"]
        assert _roles(scene.database) == left
    assert scene.plan(scene.plan()["content"])["committed"]
    assert not _roles(scene.database)


def test_nothing_is_found_while_it_is_at_work(scene: Scene) -> None:
    """In whatever database of the server: it changes the names from another one."""
    planned = scene.plan()
    with scene.database.cluster.connect("postgres") as working:
        working.execute(f"SET application_name TO 'gonogo:{RUN_ID}:restore'")
        assert found(scene, planned) == {"held": None, "others": [RUN_ID], "found": None}
    assert found(scene, planned)["found"]["state"] == "unchanged"
