"""What of the controller's Python is sent to a target host: this project's half, and psycopg.

A package is unpacked there once, into a folder named by its content; every later call finds it,
compiled. (Ansible's own way sends a module and all that it imports each time, and the host
compiles them each time: on a small database a fifth of the run.)
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

from ..errors import GonogoError

__all__ = ["GONOGO", "PSYCOPG", "Package"]

_CONTROLLER_ONLY = {"controller", "verdict"}
# psycopg itself needs typing_extensions only below Python 3.13; nobody asks which it is.
_DISTRIBUTIONS = ("psycopg", "typing_extensions")


@dataclass(frozen=True)
class Package:
    """Python files, read when they are asked for; `name` is that of the package to import."""

    name: str

    @cached_property
    def folder_name(self) -> str:
        """Name of the folder it is unpacked into: the package's, and digest of the files."""
        digest = hashlib.sha256()
        for name, content in self._contents:
            digest.update(f"{name} {len(content)}\n".encode() + content)
        return f"{self.name}-{digest.hexdigest()[:16]}"

    def pack(self) -> dict[str, str]:
        """`archive`, a zip file in base64, and `sha256`, the digest of that file."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in self._contents:
                packed.writestr(name, content)
        file = target.getvalue()
        return {
            "archive": base64.b64encode(file).decode(),
            "sha256": hashlib.sha256(file).hexdigest(),
        }

    @cached_property
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
    package = Path(__file__).parents[1]
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
