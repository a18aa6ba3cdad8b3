"""Small text files on the target host, private to the login user and seen to be what was sent.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from ...contract.canonical import sha256
from ...contract.errors import GonogoError

__all__ = ["make_private", "place"]

_NAME = re.compile(r"(?:[A-Za-z0-9_][\w.-]*/)?[A-Za-z0-9_][\w.-]*")


def make_private(directory: Path) -> None:
    """Make a directory and what is missing above it with mode 0700; leave what is there."""
    for folder in (*reversed(directory.parents), directory):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)


def place(directory: Path, files: Mapping[str, str], *, check_only: bool = False) -> list[str]:
    """Write the files (name → content) and read each back. Returns the names that changed.

    A name is `NAME` or `FOLDER/NAME`. Raises GonogoError when a file is not what was written.
    """
    changed = []
    for name, content in sorted(files.items()):
        if not _NAME.fullmatch(name):
            raise GonogoError(f"not the name of a file to copy: {name!r}")
        path = directory / name
        if _read(path) == content:
            continue
        changed.append(name)
        if check_only:
            continue
        make_private(path.parent)
        partial = path.with_name(f".{path.name}.partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        if _read(path) != content:
            raise GonogoError(
                f"{path} is not what was copied to it",
                detail=f"Expected SHA-256 {sha256(content)}.",
                hint="Find out what else writes to gonogo_remote_dir.",
            )
    return changed


def _read(path: Path) -> str | None:
    if path.is_symlink():
        raise GonogoError(
            f"{path} is a symbolic link", hint="Remove it; the run writes plain files."
        )
    try:
        return path.read_bytes().decode("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
