"""A store on a host, by the sftp of OpenSSH."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from .places import Place, StoreError, few
from .programs import LISTED, ran

__all__ = ["Sftp"]

_OPTIONS = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=20")


class Sftp:
    def __init__(self, place: Place) -> None:
        self._place = place

    def put(self, folder: str, name: str, content: bytes) -> None:
        """It is copied under another name. The server gives it its own by a link, so that it is
        whole and replaces none (`rename -l`)."""
        if name in self.names(folder):
            raise StoreError("the store has a file of that name", detail=f"{folder}/{name}")
        unfinished = f".{name}.{secrets.token_hex(8)}"
        parts = folder.split("/")
        above = ["/".join(parts[: number + 1]) for number in range(len(parts))]
        with tempfile.TemporaryDirectory() as scratch:
            local = Path(scratch, "evidence")
            local.touch(0o600)
            local.write_bytes(content)
            self._do(
                # One that is there already is no error.
                *(f'-mkdir "{one}"' for one in above),
                f'put "{local}" "{folder}/{unfinished}"',
                f'-rename -l "{folder}/{unfinished}" "{folder}/{name}"',
                # Gone, where it has its own name by now.
                f'-rm "{folder}/{unfinished}"',
            )
        if name not in self.names(folder):
            raise StoreError(
                "the store has not kept the evidence",
                detail=f"{self._place.shown} has no {folder}/{name} now.",
                hint="Look at the directory there: its server may not be OpenSSH's.",
            )

    def names(self, folder: str) -> Sequence[str]:
        listed = self._do(f'-ls -1a "{folder}"')
        lines = (line for line in listed.splitlines() if not line.startswith("sftp>"))
        return few((line.rpartition("/")[2].strip() for line in lines), self._place, folder)

    def get(self, folder: str, name: str, *, largest: int) -> bytes:
        with tempfile.TemporaryDirectory() as scratch:
            local = Path(scratch, "evidence")
            self._do(f'get "{folder}/{name}" "{local}"', largest=largest)
            if not local.is_file() or local.stat().st_size > largest:
                raise StoreError("what the store has is no file of evidence", detail=name)
            return local.read_bytes()

    def _do(self, *commands: str, largest: int = LISTED) -> str:
        """Begins in the directory of the store, which has to be there."""
        place = self._place
        lines = [*([f'cd "{place.path}"'] if place.path not in ("", "~") else []), *commands]
        words = ["sftp", *self._words(), place.host]
        said = ran(words, shown=place.shown, largest=largest, given=_lines(lines))
        return said.decode("utf-8", "replace")

    def _words(self) -> Iterable[str]:
        yield from (*_OPTIONS, *self._place.ssh_args)
        if self._place.port:
            yield from ("-P", self._place.port)
        yield from ("-b", "-")


def _lines(commands: Sequence[str]) -> bytes:
    return "".join(f"{command}\n" for command in commands).encode()
