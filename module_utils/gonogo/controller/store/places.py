"""What a person has written as a store."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from ...contract.errors import GonogoError, InputError
from ..invocation.paths import path_of

__all__ = ["KEY", "Place", "Store", "StoreError", "few", "place_of"]

KEY = "gonogo_evidence_store"
_SSH_KEY = "gonogo_evidence_ssh_args"
_GIT = "git:"
_HOST = r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9\[][A-Za-z0-9._:\[\]-]*?"
# What neither a shell nor sftp takes for anything but a part of a path.
_PATH = r"[A-Za-z0-9._/~+@-]+"
_ON_HOST = re.compile(rf"(?P<host>{_HOST}):(?!//)(?P<path>{_PATH})")
_SSH_URL = re.compile(rf"ssh://(?P<host>{_HOST})(?::(?P<port>\d{{1,5}}))?(?P<path>/{_PATH})")
# With no user in a URL: where there is one, a password may be, too.
_URL = r"(?:https|ssh|file)://[A-Za-z0-9\[/][A-Za-z0-9._/~+:\[\]-]*"
_REPOSITORY = re.compile(rf"{_URL}|{_HOST}:(?!//){_PATH}|/{_PATH}")
# A program of git's that is called so takes what is behind it, as ext:: does a command.
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_MOST_NAMES = 10_000
_HOW = (
    "Write a directory (/srv/evidence), a place on a host (user@host:/srv/evidence), or a git "
    "repository (git:git@host:group/evidence.git, git:/srv/evidence.git)."
)


class StoreError(GonogoError):
    """A store that cannot be reached, or does not do what it is asked."""


class Store(Protocol):
    """Files in folders. Every method raises StoreError."""

    def put(self, folder: str, name: str, content: bytes) -> None:
        """Keep a whole file under a name that is free."""

    def names(self, folder: str) -> Sequence[str]:
        """The names of what a folder has; none where it is not there."""

    def get(self, folder: str, name: str, *, largest: int) -> bytes:
        """The content of a file that has at most `largest` bytes."""


@dataclass(frozen=True)
class Place:
    """A store as it was written: `kind` is directory, sftp or git; `shown` is what a person is
    told."""

    kind: str
    shown: str
    path: str
    host: str = ""
    port: str = ""
    ssh_args: Sequence[str] = ()


def few(names: Iterable[str], place: Place, folder: str) -> Sequence[str]:
    """The names of a folder. Raises StoreError where it has more than there ever are runs."""
    found = [*islice(names, _MOST_NAMES + 1)]
    if len(found) > _MOST_NAMES:
        raise StoreError(
            f"a folder of the store has more than {_MOST_NAMES} files",
            detail=f"{KEY} is {place.shown}, and the folder is {folder}.",
            hint="Find out who has put them there, and take away what is no run.",
        )
    return found


def place_of(text: object, ssh_args: object = None) -> Place:
    """Where a store is. Raises InputError for what is none, without a word of a password in it."""
    if not isinstance(text, str) or not text:
        raise InputError("must be text", key=KEY, value=text, hint=_HOW)
    arguments = _words(ssh_args)
    if text.startswith(_GIT):
        return _repository(text.removeprefix(_GIT), arguments)
    if text.startswith(("/", "~", "./", "../")):
        directory = str(path_of(text, key=KEY))
        return Place("directory", directory, directory)
    on_host = _SSH_URL.fullmatch(text) or _ON_HOST.fullmatch(text)
    if on_host is None:
        raise InputError("is no place that evidence can be kept in", key=KEY, value=text, hint=_HOW)
    parts = on_host.groupdict()
    path = parts["path"].removeprefix("/") if parts["path"].startswith("/~") else parts["path"]
    return Place(
        "sftp", text, path.removeprefix("~/"), parts["host"], parts.get("port") or "", arguments
    )


def _repository(url: str, ssh_args: Sequence[str]) -> Place:
    if not _REPOSITORY.fullmatch(url) or _HELPER.match(url):
        raise InputError("is no git repository", key=KEY, value=url, hint=_HOW)
    return Place("git", f"{_GIT}{url}", url, ssh_args=ssh_args)


def _words(text: object) -> Sequence[str]:
    """Arguments of ssh. Raises InputError."""
    try:
        return shlex.split(text) if isinstance(text, str) else []
    except ValueError as error:
        raise InputError(f"cannot be arguments of ssh: {error}", key=_SSH_KEY) from None
