"""What of the controller's Python is sent to a target host: this project's part, and psycopg.

A package travels as a bundle (see `bundle.py`): one file of text, kept on the host under the name
of its content. It is sent once; every later call says its SHA-256 and finds it. (Ansible's own way
sends a module and all that it imports each time.)
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

from ...contract.errors import GonogoError

__all__ = ["GONOGO", "PSYCOPG", "Package"]

_CONTROLLER_ONLY = {"controller", "verdict"}
# psycopg itself needs typing_extensions only below Python 3.13; nobody asks which it is.
_DISTRIBUTIONS = ("psycopg", "typing_extensions")


@dataclass(frozen=True)
class Package:
    """Python files, read when they are asked for; `name` is that of the package to import."""

    name: str

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self._text).hexdigest()

    @property
    def file_name(self) -> str:
        """Name of the file it is kept in: the package's, and the beginning of the digest."""
        return f"{self.name}-{self.sha256[:16]}.json"

    def bundle(self, directory: str, *, sent: bool) -> dict[str, str]:
        """As entries take it, kept below `directory`; with its content where `sent`."""
        known = {"file": f"{directory}/{self.file_name}", "sha256": self.sha256}
        if not sent:
            return known
        return {**known, "content": base64.b64encode(zlib.compress(self._text)).decode()}

    @cached_property
    def _text(self) -> bytes:
        texts = {name: content.decode("utf-8") for name, content in self._contents}
        return json.dumps(texts, ensure_ascii=False, indent=0).encode()

    @property
    def _contents(self) -> list[tuple[str, bytes]]:
        """Name in the archive and content of every file, sorted.

        Raises GonogoError when they are not installed as files.
        """
        files = _own() if self.name == "gonogo" else _installed()
        found = sorted((name, path.read_bytes()) for name, path in files.items())
        if not any(name == f"{self.name}/__init__.py" for name, _ in found):
            raise GonogoError(
                f"the controller's {self.name} cannot be sent to the target host",
                detail="It is not installed as plain files.",
                hint="Install it with make setup, or install psycopg 3 on the target host.",
            )
        return found


def _own() -> dict[str, Path]:
    package = Path(__file__).parents[2]
    files = {path.relative_to(package): path for path in package.rglob("*.py")}
    return {
        f"{package.name}/{name.as_posix()}": path
        for name, path in files.items()
        if name.parts[0] not in _CONTROLLER_ONLY
    }


def _installed() -> dict[str, Path]:
    return {
        str(file): Path(str(file.locate()))
        for name in _DISTRIBUTIONS
        for file in metadata.files(name) or ()
        if file.suffix == ".py" and ".." not in file.parts
    }


GONOGO = Package("gonogo")
PSYCOPG = Package("psycopg")
