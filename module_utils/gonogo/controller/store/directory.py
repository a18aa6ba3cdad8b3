"""A store that is a directory: one that all jobs see, as on a network's file system."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..evidence import disk
from .places import KEY, Place, StoreError, few

__all__ = ["Directory"]

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Of the modes of the store's own directory: what a group may do there, it may do with its files.
_FOLDERS, _FILES = 0o770, 0o660


class Directory:
    def __init__(self, place: Place) -> None:
        self._place = place
        self._root = Path(place.path)

    def put(self, folder: str, name: str, content: bytes) -> None:
        """A name appears with its whole content, and replaces none."""
        with self._explained("keep the evidence"):
            mode = self._mode()
            directory = self._made(folder, mode)
            unfinished = directory / f".{name}.{secrets.token_hex(8)}"
            descriptor = disk.new_file(unfinished)
            try:
                os.fchmod(descriptor, 0o600 | mode & _FILES)
                try:
                    disk.write_all(descriptor, content)
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                (directory / name).hardlink_to(unfinished)
            finally:
                unfinished.unlink()
            disk.sync_dir(directory)

    def names(self, folder: str) -> Sequence[str]:
        with self._explained("look for evidence"):
            self._mode()
            try:
                with os.scandir(self._root / folder) as entries:
                    return few((entry.name for entry in entries), self._place, folder)
            except FileNotFoundError:
                return []

    def get(self, folder: str, name: str, *, largest: int) -> bytes:
        with (
            self._explained("read the evidence"),
            os.fdopen(os.open(self._root / folder / name, _READ), "rb") as file,
        ):
            known = os.fstat(file.fileno())
            if not stat.S_ISREG(known.st_mode) or known.st_size > largest:
                raise OSError(0, "it is no file of evidence", name)
            return file.read(largest)

    def _mode(self) -> int:
        """One that is not there is not made: a file system may not be mounted."""
        if not self._root.is_dir():
            raise NotADirectoryError(0, "there is no such directory", str(self._root))
        return stat.S_IMODE(self._root.stat().st_mode)

    def _made(self, folder: str, mode: int) -> Path:
        directory = self._root
        for part in folder.split("/"):
            directory /= part
            with contextlib.suppress(FileExistsError):
                directory.mkdir(0o700)
                _let_in(directory, 0o700 | mode & _FOLDERS)
        return directory

    @contextlib.contextmanager
    def _explained(self, action: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"cannot {action} in the store",
                detail=f"{KEY} is {self._root}.\n{error.strerror or error}: {error.filename}",
                hint="It has to be a directory that whoever runs ansible-playbook can write to.",
            ) from error


def _let_in(directory: Path, mode: int) -> None:
    """Give a directory that was just made its mode, and nothing that a link in its place names."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchmod(opened, mode)
    finally:
        os.close(opened)
