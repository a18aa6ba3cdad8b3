"""Paths that begin with ~ or hold variables, as Ansible's modules understand them.

An account may have no home that is known: containers run under a number that no passwd knows.
Python then leaves the ~ in its place, and a directory of that name would be made wherever a
process happens to be.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from .errors import GonogoError

__all__ = ["account_name", "expanded"]


def expanded(path: str, *, name: str = "a path") -> Path:
    """The path with ~ and variables replaced. Raises GonogoError where nobody knows that home.

    `name` says in the message which path it is: the path itself is not shown, as somebody may have
    written a password in its place.
    """
    found = os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111 - pathlib raises KeyError
    if found.startswith("~"):
        ours = found[1:2] in {"", "/"}
        raise GonogoError(
            f"the home directory that {name} begins with is not known",
            detail=f"HOME is not set, and user {os.geteuid()} has no entry in passwd."
            if ours
            else "No account of this host has that name.",
            hint="Write the whole path" + (", or set HOME." if ours else "."),
        )
    return Path(found)


def account_name(uid: int) -> str | None:
    """The name of an account, None where passwd has no entry of it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None
