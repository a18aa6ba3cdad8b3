"""Directories that nobody but root and this login can change."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from gonogo.contract import ownership
from gonogo.contract.ownership import obstacle, trustworthy


def test_of_a_search_path_what_others_can_change_is_left_out(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    for path in (good, bad / "inside"):
        path.mkdir(parents=True)
    bad.chmod(0o777)
    link = tmp_path / "link"
    link.symlink_to(bad)
    entries = ["", *(str(path) for path in (good, bad, bad / "inside", link, good / "none.zip"))]
    assert trustworthy(entries) == [str(good), str(good / "none.zip")]


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o711])
def test_what_is_the_logins_own_will_do(mode: int, tmp_path: Path) -> None:
    tmp_path.chmod(mode)
    assert obstacle(tmp_path) is None
    assert obstacle(tmp_path / "not" / "yet") is None


def test_a_sticky_directory_above_will_do(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    tmp_path.chmod(0o1777)
    assert obstacle(tmp_path / "mine") is None
    assert "everybody" in (obstacle(tmp_path) or "")


def _relative(path: Path) -> str:
    return f"../{path.name}"


@pytest.mark.parametrize("target", [str, _relative])
def test_both_sides_of_a_link_count(target: Callable[[Path], str], tmp_path: Path) -> None:
    there = tmp_path / "there"
    (tmp_path / "here").mkdir()
    there.mkdir()
    link = tmp_path / "here" / "link"
    link.symlink_to(target(there))
    assert obstacle(link / ".." / "here" / "link") is None
    there.chmod(0o777)
    assert str(there) in (obstacle(link) or "")
    there.chmod(0o700)
    (tmp_path / "here").chmod(0o777)
    assert str(tmp_path / "here") in (obstacle(link) or "")


def test_links_in_a_circle_are_an_obstacle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert "symbolic links" in (obstacle(tmp_path / "a") or "")


@pytest.mark.parametrize(
    ("group", "primary", "members", "is_own"),
    [
        ("dewi", 4242, [], True),
        ("dewi", 4242, ["dewi", "root"], True),
        ("dewi", 4242, ["dewi", "budi"], False),
        ("dewi", 100, [], False),
        ("users", 4242, [], False),
    ],
)
def test_a_group_of_ones_own_is_nobody_elses(
    group: str,
    primary: int,
    members: list[str],
    is_own: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Where every user has a group of the same name, and a umask of 002."""
    found = SimpleNamespace(gr_name=group, gr_mem=members)
    monkeypatch.setattr(grp, "getgrgid", lambda _: found)
    login = SimpleNamespace(pw_name="dewi", pw_gid=primary)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: login)
    tmp_path.chmod(0o770)
    status = SimpleNamespace(st_uid=os.geteuid(), st_gid=4242, st_mode=tmp_path.stat().st_mode)
    assert (ownership._obstacle(tmp_path, status, is_last=True) is None) is is_own  # type: ignore[arg-type]
