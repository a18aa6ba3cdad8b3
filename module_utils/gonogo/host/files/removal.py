"""Removing a directory that is proven to be ours, and nothing else.

Every step goes by a descriptor: what was looked at is what is removed, whatever somebody puts in
its place meanwhile. No link is followed, and no other file system is entered.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

__all__ = ["NotOursError", "is_same", "locked", "names", "opened", "opened_within", "read_small"]
__all__ += ["remove"]

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_SMALL_BYTES = 1 << 16
_WRITABLE_BY_OTHERS = 0o022


class NotOursError(OSError):
    """A directory that belongs to somebody else, or that others may write to."""


@contextlib.contextmanager
def opened(directory: Path) -> Iterator[int]:
    """Descriptor of a directory that others may know, a link to it included. Raises OSError."""
    descriptor = os.open(directory, _FLAGS)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[int]:
    """The same, for one at a time; where the file system has no such locks, for everybody."""
    with opened(directory) as descriptor:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor


@contextlib.contextmanager
def opened_within(parent: int, name: str) -> Iterator[int]:
    """Descriptor of the directory `name` in the directory `parent`.

    Raises OSError for a link and for what is no directory, NotOursError for one that does not
    belong to the caller alone.
    """
    descriptor = os.open(name, _FLAGS | os.O_NOFOLLOW, dir_fd=parent)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid() or found.st_mode & _WRITABLE_BY_OTHERS:
            raise NotOursError(errno.EPERM, "not a directory of the caller's alone", name)
        yield descriptor
    finally:
        os.close(descriptor)


def is_same(directory: int, parent: int, name: str) -> bool:
    """Whether `name` in the directory `parent` is the directory that was opened."""
    try:
        there = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError:
        return False
    here = os.fstat(directory)
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def remove(directory: int, parent: int, name: str, *, last: str | None = None) -> None:
    """Remove all that is in the directory that was opened, and then the directory itself.

    It is removed as `name` of `parent` only where it still has this name. The file `last` goes
    after everything else: by it somebody knows the directory, should this be ended in the middle.
    Raises OSError, with what comes later left there.
    """
    _empty(directory, os.fstat(directory).st_dev, last)
    if is_same(directory, parent, name):
        # Of a directory that somebody has put there in this moment, only an empty one goes.
        os.rmdir(name, dir_fd=parent)


def names(directory: int) -> list[str]:
    """What is in a directory, sorted."""
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries)


def read_small(directory: int, name: str) -> str:
    """The text of a small plain file in a directory. Raises OSError for anything else."""
    descriptor = os.open(
        name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory
    )
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a plain file", name)
        return file.read(_SMALL_BYTES).decode("utf-8", "replace")


def _empty(directory: int, device: int, last: str | None = None) -> None:
    with os.scandir(directory) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in sorted(found, key=lambda entry: entry[0] == last):
        if not is_directory:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=directory)
            continue
        with contextlib.suppress(FileNotFoundError):
            inner = os.open(name, _FLAGS | os.O_NOFOLLOW, dir_fd=directory)
            try:
                if os.fstat(inner).st_dev != device:
                    raise OSError(errno.EXDEV, "another file system", name)
                _empty(inner, device)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=directory)
