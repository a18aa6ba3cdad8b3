"""Taking the evidence of a run to a store."""

from __future__ import annotations

from pathlib import Path

from .directory import Directory
from .git import Git
from .packing import LARGEST, packed
from .places import Place, Store, StoreError
from .sftp import Sftp
from .subject import Subject, file_of

__all__ = ["keep", "opened"]


def opened(place: Place) -> Store:
    if place.kind == "directory":
        return Directory(place)
    return Sftp(place) if place.kind == "sftp" else Git(place)


def keep(place: Place, subject: Subject, path: Path) -> str:
    """Keep the evidence of a run; returns its path below the store. Raises GonogoError.

    What the store has under its name is not replaced: the same evidence may be there already.
    """
    store, name, content = opened(place), file_of(path.name), packed(path)
    known = f"{subject.folder}/{name}"
    if name not in store.names(subject.folder):
        store.put(subject.folder, name, content)
    if store.get(subject.folder, name, largest=LARGEST) != content:
        raise StoreError(
            "the store has other evidence under the name of this run; nothing was replaced",
            detail=f"It has {known} in {place.shown}.",
            hint="Find out who has put it there. The evidence of this run is where it was written.",
        )
    return known
