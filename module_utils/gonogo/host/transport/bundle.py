"""Python packages that are imported from memory, from text that was verified.

A bundle is one file: a JSON object that says the text of each Python file by its name. The
controller says the file's SHA-256 with every call, so its name and its folder prove nothing. It is
read once, verified, and compiled from what was read: nothing can be exchanged between the two. No
folder enters the search path, so nothing that lies beside the bundle is ever imported, compiled
files among it.

Runs on the target host: Python 3.9, standard library only. `library/gonogo_remote.py` runs this
text before there is a package that it could belong to, so it imports nothing of this project.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.machinery
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple, Optional

__all__ = ["Bundle", "Finder", "install", "keep", "text_of"]


class Bundle(NamedTuple):
    """Where it is kept on the target host, the digest of that file, and its content where it was
    sent: compressed (zlib), in base64."""

    file: str
    sha256: str
    content: Optional[str] = None  # noqa: UP045 - Python 3.9 reads it


def text_of(bundle: Bundle) -> bytes | None:
    """The verified text of a bundle, None where it is neither sent nor on this host.

    Raises ValueError where it is not what was promised, OSError where it cannot be read.
    """
    if bundle.content:
        text = zlib.decompress(base64.b64decode(bundle.content))
    else:
        try:
            text = Path(bundle.file).read_bytes()
        except FileNotFoundError:
            return None
    if hashlib.sha256(text).hexdigest() != bundle.sha256:
        raise ValueError(f"{bundle.file} is not the file that this project has put there")
    return text


def keep(bundle: Bundle) -> None:
    """Write a bundle that was sent to its file. It appears at once and whole, private.

    Raises OSError.
    """
    if not bundle.content:
        return
    file = Path(bundle.file)
    for folder in (*reversed(file.parent.parents), file.parent):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(prefix=".partial-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(text_of(bundle) or b"")
            target.flush()
            os.fsync(target.fileno())
        Path(partial).replace(file)
    except BaseException:
        Path(partial).unlink()
        raise


def install(text: bytes, origin: str) -> Finder:
    """Have `import` find the packages of a bundle, before any other of the same names."""
    finder = Finder(json.loads(text), origin)
    for name in [name for name in sys.modules if name.partition(".")[0] in finder.packages]:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    return finder


class Finder:
    """Finds and loads the modules of a bundle (see `importlib.abc.MetaPathFinder`, `Loader`)."""

    def __init__(self, files: Mapping[str, str], origin: str) -> None:
        self._files = files
        self._origin = origin
        self.packages = {name.partition("/")[0].partition(".")[0] for name in files}

    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        found = self._file(fullname)
        if found is None:
            return None
        spec = importlib.machinery.ModuleSpec(
            fullname,
            self,  # type: ignore[arg-type]  # it is a loader by what it can do
            origin=f"{self._origin}/{found}",
            is_package=found.endswith("/__init__.py"),
        )
        spec.has_location = True
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        del spec

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        exec(self.get_code(name), module.__dict__)  # noqa: S102 - it was verified

    def get_code(self, fullname: str) -> CodeType:
        file = self._file(fullname)
        if file is None:
            raise ImportError(f"no module named {fullname}", name=fullname)
        return compile(self._files[file], f"{self._origin}/{file}", "exec", dont_inherit=True)

    def get_source(self, fullname: str) -> str | None:
        """For tracebacks, which look for a line's text here."""
        file = self._file(fullname)
        return None if file is None else self._files[file]

    def is_package(self, fullname: str) -> bool:
        return (self._file(fullname) or "").endswith("/__init__.py")

    def _file(self, fullname: str) -> str | None:
        stem = fullname.replace(".", "/")
        candidates = (f"{stem}/__init__.py", f"{stem}.py")
        return next((name for name in candidates if name in self._files), None)
