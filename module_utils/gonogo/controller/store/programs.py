"""The programs that reach a store, and what they may take of this machine.

A store may belong to anybody, and a host that is broken sends as one that is hostile does: without
an end. So the kernel counts what a program writes, to a file or as its answer, and how much memory
it has; what takes too long is ended, with the programs that it has begun.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

from .places import KEY, StoreError

__all__ = ["LISTED", "ran"]

# Bytes of the names in a folder.
LISTED = 4 * 2**20
_MEMORY = 2 * 2**30
_SECONDS = 120
_SHOWN_LINES = 5
_SHOWN_BYTES = 10_000
# What the C library says of a write beyond the limit.
_TOO_LARGE = "File too large"

# The program takes the place of this one, which ignores the signal that would end it without a
# word: it is told with the write that was one too many.
_LIMITED = """
import os, resource, sys
limits = ((resource.RLIMIT_FSIZE, int(sys.argv[1])), (resource.RLIMIT_DATA, int(sys.argv[2])))
for kind, most in limits:
    hard = resource.getrlimit(kind)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))
os.execv(sys.argv[3], sys.argv[3:])
"""


def ran(
    words: Sequence[str],
    *,
    shown: str,
    largest: int,
    given: bytes = b"",
    environment: Mapping[str, str | None] | None = None,
) -> bytes:
    """What a program has written, in this environment and with what `environment` says; None of a
    variable takes it away. No file that it writes, nor its answer, has more than `largest` bytes.

    Raises StoreError where the program has failed, or there is none.
    """
    program = shutil.which(words[0])
    if program is None:
        raise _unreachable(shown, f"There is no {words[0]} on the controller.")
    whole = {**os.environ, "LC_ALL": "C", **(environment or {})}
    limited = [sys.executable, "-I", "-S", "-c", _LIMITED, str(largest), str(_MEMORY), program]
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as complaint:
        with (
            subprocess.Popen(  # noqa: S603 - words are those of this package
                [*limited, *words[1:]],
                stdin=subprocess.PIPE,
                stdout=answer,
                stderr=complaint,
                env={name: value for name, value in whole.items() if value is not None},
                # A group of its own: what it begins is ended with it.
                start_new_session=True,
            ) as process
        ):
            try:
                process.communicate(given, timeout=_SECONDS)
            except subprocess.TimeoutExpired:
                why = f"{words[0]} has not ended within {_SECONDS} s."
                raise _unreachable(shown, why) from None
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
        answer.seek(0)
        if process.returncode == 0:
            return answer.read()
        complaint.seek(max(0, complaint.seek(0, os.SEEK_END) - _SHOWN_BYTES))
        said = complaint.read().decode("utf-8", "replace").strip()
    if _TOO_LARGE in said:
        raise StoreError(
            "the store of evidence sends more than is taken",
            detail=f"{KEY} is {shown}.\n{words[0]} was stopped after {largest} bytes.",
            hint="Find out what has been put there; or begin a new store.",
        )
    raise _unreachable(shown, "\n".join(said.splitlines()[-_SHOWN_LINES:]))


def _unreachable(shown: str, why: str) -> StoreError:
    return StoreError(
        "the store of evidence does not answer as it should",
        detail="\n".join(part for part in (f"{KEY} is {shown}.", why) if part),
        hint="Try it by hand as the user that runs ansible-playbook, without a terminal.",
    )
