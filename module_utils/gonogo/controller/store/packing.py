"""A directory of evidence as one file, and back again.

What is unpacked may be anybody's: names, kinds and sizes are looked at before anything is written.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from pathlib import Path

from ...contract.errors import GonogoError, shown
from .. import evidence
from ..evidence import disk
from ..evidence.names import CHAIN, DERIVED, FILE

__all__ = ["LARGEST", "packed", "unpacked"]

# Bytes of a file in a store, of what is in it, and how many files that may be.
LARGEST = 64 * 2**20
_LARGEST_UNPACKED = 512 * 2**20
_MOST_FILES = 10_000
_MODE = 0o600
# zlib: with the head of gzip.
_GZIP = 31
_NOT_WHOLE = "is no whole file of evidence"


def packed(path: Path) -> bytes:
    """The evidence of a run: the chain, what it names, and what follows from it. The same evidence
    gives the same bytes. Raises GonogoError."""
    wrote = {str(event.data.get("file")) for event in evidence.load(path).events}
    names = [name for name in (CHAIN, *DERIVED, *sorted(wrote)) if _is_there(path, name)]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in names:
            with disk.explained("read the evidence"):
                content = disk.read(path / name)
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), _MODE
            archive.addfile(member, io.BytesIO(content))
    content = gzip.compress(buffer.getvalue(), mtime=0)
    if len(content) > LARGEST or buffer.tell() > _LARGEST_UNPACKED:
        raise GonogoError(
            "the evidence is too large for a store",
            detail=f"It has {len(content)} bytes, compressed; {LARGEST} is the most.",
            hint="Copy the directory of the run by other means.",
        )
    return content


def _is_there(path: Path, name: str) -> bool:
    return bool(FILE.fullmatch(name)) and (path / name).is_file()


def unpacked(content: bytes, into: Path) -> None:
    """Write the evidence into a new directory. Raises GonogoError for what is not as `packed` makes
    it; what has been written by then is no evidence, and is removed with the directory."""
    text = _decompressed(content)
    into.mkdir(mode=0o700)
    seen: set[str] = set()
    try:
        with tarfile.open(fileobj=io.BytesIO(text), mode="r:") as archive:
            for member in archive:
                _refuse_strange(member, seen)
                seen.add(member.name)
                file = archive.extractfile(member)
                assert file is not None  # as it is a plain file
                _write(into / member.name, file.read())
    except (tarfile.TarError, OSError, ValueError, OverflowError, RecursionError) as error:
        # The last two: of sizes that no file has, and of heads upon heads.
        raise GonogoError(f"what the store has {_NOT_WHOLE}", detail=shown(str(error))) from error


def _decompressed(content: bytes) -> bytes:
    unpacking = zlib.decompressobj(_GZIP)
    try:
        text = unpacking.decompress(content, _LARGEST_UNPACKED)
    except zlib.error as error:
        raise GonogoError(f"what the store has {_NOT_WHOLE}", detail=shown(str(error))) from error
    if not unpacking.eof or unpacking.unused_data:
        raise GonogoError(
            f"what the store has {_NOT_WHOLE}",
            detail="It was cut, is too large, or has something behind its end.",
        )
    return text


def _refuse_strange(member: tarfile.TarInfo, seen: set[str]) -> None:
    plain = member.isreg() and not member.issparse()
    if plain and FILE.fullmatch(member.name) and member.name not in seen:
        if len(seen) < _MOST_FILES:
            return
        raise ValueError(f"more than {_MOST_FILES} files")
    raise ValueError(f"{member.name} is no file of evidence, or is there twice")


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    with file.open("xb") as opened:
        opened.write(content)
    file.chmod(_MODE)
