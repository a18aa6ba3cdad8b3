"""Paths on the controller that a person has written."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ...contract.errors import GonogoError, InputError
from ...contract.home import expanded

__all__ = ["path_of"]


def path_of(text: str, *, key: str) -> Path:
    """The whole path, `~` and links followed. Raises InputError for what can be none."""
    try:
        path = expanded(text).resolve()
        # A name that no file system takes is found out by asking one.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            path.lstat()
    except GonogoError as error:
        raise InputError(
            error.primary, key=key, value=text, detail=error.detail, hint=error.hint
        ) from None
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"cannot be a path: {getattr(error, 'strerror', None) or type(error).__name__}",
            key=key,
            value=text,
            hint="Paths of the controller are absolute, begin with ~/, or with the directory "
            "that the playbook is started in.",
        ) from None
    return path
