"""A store that is a branch of a git repository.

Nothing is ever checked out: files are written and read as objects, so no name and no attribute of
the repository does anything here. A commit is there as a whole or not at all; one that others have
been before at is made again upon theirs.
"""

from __future__ import annotations

import os
import shlex
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from .places import Place, StoreError, few
from .programs import LISTED, ran

__all__ = ["BRANCH", "Git"]

BRANCH = "evidence"
_REF = f"refs/heads/{BRANCH}"
_SETTINGS = (
    *("-c", "user.name=pg-gonogo", "-c", "user.email=pg-gonogo@localhost"),
    *("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "commit.gpgSign=false"),
    # What comes is one file, however many objects it has; a large one is never whole in memory.
    *("-c", "fetch.unpackLimit=1", "-c", "core.bigFileThreshold=1m", "-c", "pack.threads=1"),
)
_FETCH = ("--quiet", "--no-tags", "--depth=1", "--no-recurse-submodules")
# For as long others may be before us.
_SECONDS = 300
# Bytes of all that the branch holds.
_LARGEST = 2**30
# Of the environment what says how a repository is reached; the rest may be of another repository.
_KEPT = ("GIT_SSH", "GIT_ASKPASS", "GIT_CONFIG", "GIT_SSL", "GIT_PROXY", "GIT_EXEC_PATH")


class Git:
    def __init__(self, place: Place) -> None:
        self._place = place

    def put(self, folder: str, name: str, content: bytes) -> None:
        with self._scratch() as here:
            blob = self._git(here, "hash-object", "-w", "--stdin", given=content).strip()
            until = time.monotonic() + _SECONDS
            while True:
                head = self._fetched(here)
                if head and name in self._listed(here, head, folder):
                    raise StoreError("the store has a file of that name", detail=f"{folder}/{name}")
                commit = self._committed(here, head, f"{folder}/{name}", blob.decode())
                try:
                    self._git(here, "push", "--quiet", self._place.path, f"{commit}:{_REF}")
                except StoreError:
                    # Where nobody has been before us, it is no matter of trying again.
                    if self._fetched(here) == head or time.monotonic() > until:
                        raise
                else:
                    return

    def names(self, folder: str) -> Sequence[str]:
        with self._scratch() as here:
            head = self._fetched(here)
            return self._listed(here, head, folder) if head else []

    def get(self, folder: str, name: str, *, largest: int) -> bytes:
        with self._scratch() as here:
            head = self._fetched(here)
            what = f"{head}:{folder}/{name}"
            if int(self._git(here, "cat-file", "-s", what)) > largest:
                raise StoreError("what the store has is no file of evidence", detail=name)
            return self._git(here, "cat-file", "blob", what, largest=largest)

    def _fetched(self, here: str) -> str | None:
        """The commit that the branch is at, with all it needs; None where there is no branch."""
        listed = self._git(here, "ls-remote", "--quiet", self._place.path, _REF).decode()
        if not listed.strip():
            return None
        taken = (self._place.path, f"+{_REF}:refs/store")
        self._git(here, "fetch", *_FETCH, *taken)
        return self._git(here, "rev-parse", "refs/store").decode().strip()

    def _listed(self, here: str, head: str, folder: str) -> Sequence[str]:
        words = ("ls-tree", "-z", "--name-only", head, f"{folder}/")
        listed = self._git(here, *words, largest=LISTED).decode("utf-8", "replace")
        paths = (path for path in listed.split("\0") if path)
        return few((path.rpartition("/")[2] for path in paths), self._place, folder)

    def _committed(self, here: str, head: str | None, path: str, blob: str) -> str:
        self._git(here, "read-tree", head or "--empty")
        self._git(here, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        tree = self._git(here, "write-tree").decode().strip()
        parents = ["-p", head] if head else []
        return self._git(here, "commit-tree", tree, *parents, "-m", path).decode().strip()

    @contextmanager
    def _scratch(self) -> Iterator[str]:
        with tempfile.TemporaryDirectory() as scratch:
            self._git(scratch, "init", "--quiet", "--bare")
            yield scratch

    def _git(self, here: str, *words: str, given: bytes = b"", largest: int | None = None) -> bytes:
        return ran(
            ["git", *_SETTINGS, "--git-dir", here, *words],
            shown=self._place.shown,
            largest=_LARGEST if largest is None else largest,
            given=given,
            environment=self._environment(here),
        )

    def _environment(self, here: str) -> Mapping[str, str | None]:
        args = self._place.ssh_args
        ssh = shlex.join(["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", *args])
        foreign = (
            name for name in os.environ if name.startswith("GIT_") and not name.startswith(_KEPT)
        )
        return {
            **dict.fromkeys(foreign),
            **({"GIT_SSH_COMMAND": ssh} if args or "GIT_SSH_COMMAND" not in os.environ else {}),
            "GIT_ALLOW_PROTOCOL": "ssh:https:file",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_DIR": here,
            "GIT_INDEX_FILE": f"{here}/index",
            "LC_ALL": "C",
        }
