"""Things that are made once: downloads, servers, virtual environments."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.matrix.errors import MatrixError
from tools.project import CACHE

DEFAULT = CACHE / "matrix"

_READY = ".ready"


class Cache:
    """A directory of this project's own. What is in it can be removed at any time between runs."""

    def __init__(self, directory: Path = DEFAULT):
        self.directory = directory.expanduser().absolute()

    def find(self, name: str) -> Path | None:
        """The directory that ``made`` made under this name, if it got ready."""
        path = self.directory / name
        return path if (path / _READY).exists() else None

    def made(self, name: str, make: Callable[[Path], None]) -> Path:
        """The directory of this name, filled by ``make`` unless it is there already.

        What was left unfinished is made again. Whoever comes second waits for the first.
        """
        found = self.find(name)
        if found is not None:
            return found
        with self._locked():
            found = self.find(name)
            if found is not None:
                return found
            path = self.directory / name
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
            try:
                make(path)
            except BaseException:
                shutil.rmtree(path, ignore_errors=True)
                raise
            (path / _READY).touch()
            return path

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            # The lock is on the directory itself and ends with its holder.
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise MatrixError(
                f'cannot use the directory "{self.directory}": {error.strerror}',
                hint="Choose another one with --cache.",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def digest(*files: Path) -> str:
    """Twelve characters that change with what the files say."""
    total = hashlib.sha256()
    for file in files:
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:12]
