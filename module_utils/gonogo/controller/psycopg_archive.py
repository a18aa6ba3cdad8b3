"""The controller's own psycopg, packed for a target host that has none."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from importlib import metadata
from pathlib import Path

from ..errors import GonogoError

__all__ = ["folder_name", "pack"]

# psycopg itself needs typing_extensions only below Python 3.13; nobody asks which it is.
_DISTRIBUTIONS = ("psycopg", "typing_extensions")


def folder_name() -> str:
    """Name of the folder it is unpacked into: version, and digest of the files."""
    digest = hashlib.sha256()
    for name, file in _files():
        content = file.read_bytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return f"psycopg-{metadata.version('psycopg')}-{digest.hexdigest()[:12]}"


def pack() -> dict[str, str]:
    """The Python files of what is installed here: `archive`, a zip file in base64, and `sha256`."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, file in _files():
            packed.write(file, name)
    content = target.getvalue()
    return {
        "archive": base64.b64encode(content).decode(),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _files() -> list[tuple[str, Path]]:
    """Name in the archive and place of every file, sorted.

    Raises GonogoError when they are not installed as files.
    """
    found = sorted(
        (str(file), Path(str(file.locate())))
        for name in _DISTRIBUTIONS
        for file in metadata.files(name) or ()
        if file.suffix == ".py" and ".." not in file.parts
    )
    if not any(name == "psycopg/__init__.py" for name, _ in found):
        raise GonogoError(
            "the controller's psycopg cannot be sent to the target host",
            detail="It is not installed as plain files.",
            hint="Install it with make setup, or install psycopg 3 on the target host.",
        )
    return found
