"""The runs that a store has of a subject."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...contract.errors import GonogoError
from .keeping import opened
from .packing import LARGEST, unpacked
from .places import KEY, Place, StoreError
from .subject import Subject, run_of

__all__ = ["Found", "found"]

# Of each, all has to be read; who has made so many runs since knows which one is meant.
_MOST = 20
# For all of them; each command has a limit of its own.
_SECONDS = 600


@dataclass(frozen=True)
class Found:
    """A run that a store has: where its evidence was unpacked, or what is wrong with the file."""

    run_id: str
    directory: Path | None
    problem: GonogoError | None = None


def found(place: Place, subject: Subject) -> Iterator[Found]:
    """Those of a subject, the newest first. A directory is there until the next one is asked for.

    Nothing of them is verified yet. Raises StoreError where the store cannot be asked.
    """
    store = opened(place)
    names = {run_id: name for name in store.names(subject.folder) if (run_id := run_of(name))}
    newest_first = sorted(names, reverse=True)
    until = time.monotonic() + _SECONDS
    for run_id in newest_first[:_MOST]:
        if time.monotonic() > until:
            raise StoreError(
                "the store of evidence is too slow",
                detail=f"{KEY} is {place.shown}; {run_id} was not looked at after {_SECONDS} s.",
                hint="Find out what keeps it, or whether newer runs were put there that are none.",
            )
        with tempfile.TemporaryDirectory() as scratch:
            # As a run's own directory lies.
            directory = Path(scratch, subject.environment, run_id)
            directory.parent.mkdir()
            try:
                content = store.get(subject.folder, names[run_id], largest=LARGEST)
                unpacked(content, directory)
            except GonogoError as error:
                yield Found(run_id, None, error)
            else:
                yield Found(run_id, directory)
    for run_id in newest_first[_MOST : _MOST + 1]:
        what = "neither it nor what is older was looked at"
        yield Found(run_id, None, StoreError(f"{what}: there are {_MOST} newer ones"))
