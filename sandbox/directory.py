"""The directory of a sandbox: made, checked, locked, removed."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sandbox.cluster import Cluster
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Where runs against the sandbox keep what they would keep on the target's host: SQL, backups.
# They are of no use without the database, so the directory comes and goes with the sandbox.
HOST_FILES = "target"

# Of the SSH server: its keys, its log, its record.
SSH = "ssh"


def resolve(path: Path) -> Path:
    """The absolute path, fit for a service file and a password file.

    Raises: SandboxError.
    """
    path = path.expanduser().resolve()
    text = str(path)
    if not text.isprintable() or text != text.strip():
        raise SandboxError(
            f"{text!r} cannot be the directory of a sandbox",
            detail="libpq's files cannot hold such a path.",
            hint="Choose a path without control characters and blanks at its end.",
        )
    return path


def prepare(path: Path) -> None:
    """Make the directory, or take an existing one that is empty or a sandbox's own.

    Raises: SandboxError when it holds anything else, is none, or its parent does not exist.
    """
    if not path.parent.is_dir():
        raise SandboxError(
            f'the directory "{path.parent}" does not exist',
            hint="Create it, or choose another --directory.",
        )
    if path.exists() and not path.is_dir():
        raise SandboxError(f'"{path}" is not a directory', hint="Choose another --directory.")
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        names = sorted(entry.name for entry in path.iterdir())
        if names and not Cluster.lives_in(path):
            raise SandboxError(
                f'the directory "{path}" is not empty',
                detail=f"It holds {', '.join(names[:3])}{' ...' if names[3:] else ''}.",
                hint="Choose another --directory; it is created.",
            )
        path.chmod(0o700)
    except OSError as error:
        raise SandboxError(
            f'cannot use the directory "{path}": {error.strerror}',
            hint="Choose another --directory.",
        ) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep every other start and stop out of the directory.

    The lock is on the directory itself: there is no lock file to leave behind, and the kernel
    lifts it when its holder dies.
    Raises: SandboxError when somebody else holds it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Some network file systems have no such locks; then one has to do without.
            if error.errno == errno.EWOULDBLOCK:
                raise SandboxError(
                    f'another start or stop is at work in "{path}"',
                    hint="Wait until it is done, or choose another --directory.",
                ) from error
        yield
    finally:
        os.close(descriptor)


def remove_if_empty(path: Path) -> None:
    """Remove the directory unless something is in it."""
    try:
        path.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.EBUSY):
            raise
