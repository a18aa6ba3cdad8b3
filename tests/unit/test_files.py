"""Files on the target: private, whole, and what was sent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.host.files.private import make_private, place

FILES = {"sql/a.sql": "SELECT 'é';\r\n", "b.sql": ""}


def test_written_once(tmp_path: Path) -> None:
    assert place(tmp_path / "run", FILES) == ["b.sql", "sql/a.sql"]
    assert place(tmp_path / "run", FILES) == []
    assert (tmp_path / "run/sql/a.sql").read_bytes() == b"SELECT '\xc3\xa9';\r\n"
    assert place(tmp_path / "run", {"b.sql": "x"}) == ["b.sql"]


def test_check_only_writes_nothing(tmp_path: Path) -> None:
    assert place(tmp_path / "run", FILES, check_only=True) == ["b.sql", "sql/a.sql"]
    assert list(tmp_path.iterdir()) == []


def test_only_the_user_can_read_them(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        place(tmp_path / "gonogo" / "runs" / "x", FILES)
    finally:
        os.umask(before)
    for path in (tmp_path / "gonogo").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    assert (tmp_path / "gonogo").stat().st_mode & 0o777 == 0o700


def test_existing_directories_keep_their_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_what_a_crash_has_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / ".b.sql.partial").write_text("half")
    place(tmp_path, {"b.sql": "whole"})
    assert [path.name for path in tmp_path.iterdir()] == ["b.sql"]


@pytest.mark.parametrize("linked", ["b.sql", ".b.sql.partial"])
def test_links_are_not_followed(tmp_path: Path, linked: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / linked).symlink_to(victim)
    if linked == "b.sql":
        with pytest.raises(GonogoError) as caught:
            place(tmp_path, {"b.sql": "x"})
        assert caught.value.render() == (
            f"{tmp_path}/b.sql is a symbolic link\nHINT:  Remove it; the run writes plain files."
        )
    else:
        place(tmp_path, {"b.sql": "x"})
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("name", ["../x", "/x", "a/b/c", "a/../x", "", ".x", "a/.x", "a\n"])
def test_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(GonogoError) as caught:
        place(tmp_path, {name: "x"})
    assert caught.value.primary == f"not the name of a file to copy: {name!r}"
    assert list(tmp_path.iterdir()) == []
