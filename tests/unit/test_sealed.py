"""An archive is the one that was sealed where all of it lies in its own directory, unchanged."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gonogo.host.archive.dump import digests, seal
from gonogo.host.restore.restoring import sealed


def _link(file: Path) -> None:
    """To the same content, which is somebody else's to change from now on."""
    other = file.parent.with_name("other")
    file.replace(other)
    file.symlink_to(other)


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _more(file: Path) -> None:
    file.with_name("3013.dat").write_bytes(b"")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_link, "not a plain file"),
        (_pipe, "not a plain file"),
        (Path.unlink, "SHA-256 of its files"),
        (_cut, "SHA-256 of its files"),
        (_more, "SHA-256 of its files"),
    ],
)
def test_another_archive_is_not_the_sealed_one(
    change: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "toc.dat").write_bytes(b"toc")
    (archive / "3012.dat").write_bytes(b"rows")
    wanted = seal(digests(archive))
    assert sealed(archive, wanted) is None
    change(archive / "3012.dat")
    assert said in (sealed(archive, wanted) or "")
