"""The files of signatures, keys and signers: each is read once, and what was read is what counts.

Whoever can write to a directory can exchange what lies in it, at any moment. So nothing is looked
at and then opened again.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from ...contract.errors import GonogoError, InputError
from ...contract.home import expanded
from ...contract.ownership import obstacle, obstacle_of

__all__ = ["given", "trusted"]

# Bytes. A signature of the largest RSA key that OpenSSH takes has less than ten thousand.
_LARGEST = 1 << 20
LARGEST_SIGNATURE = 1 << 14
_NAME_ONE = "Name a file on the controller."
_OPENED = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def given(text: str, *, key: str) -> bytes:
    """The content of a signature's file, whoever can write to it. Raises InputError."""
    try:
        path = expanded(text).absolute()
    except GonogoError as error:
        raise InputError(error.primary, key=key, detail=error.detail, hint=error.hint) from None
    except ValueError:
        raise InputError(
            "the file cannot be read: no path", key=key, value=text, hint=_NAME_ONE
        ) from None
    content, _ = _read(path, text, key=key, largest=LARGEST_SIGNATURE)
    return content


def trusted(text: str, *, key: str) -> bytes:
    """The content of a file that nobody but root and this account can exchange.

    Raises InputError.
    """
    path = Path(text)
    if not path.is_absolute():
        raise InputError(
            "must be a whole path",
            key=key,
            value=text,
            hint="It begins with /: where ~, a variable of the environment and the working "
            "directory lead is for whoever starts the playbook to say.",
        )
    content, known = _read(path, text, key=key, largest=_LARGEST)
    # What was read, too: by now another file may be there, or none.
    found = obstacle_of(path, known) or obstacle(path)
    if found:
        raise InputError(
            "others could exchange the file",
            key=key,
            detail=found,
            hint="The file and every directory of its path must belong to root or to whoever runs "
            "ansible-playbook, and nobody else may write to them.",
        )
    return content


def _read(path: Path, text: str, *, key: str, largest: int) -> tuple[bytes, os.stat_result]:
    try:
        with os.fdopen(os.open(path, _OPENED), "rb") as file:
            known = os.fstat(file.fileno())
            if not stat.S_ISREG(known.st_mode):
                raise InputError("is no plain file", key=key, value=text)
            content = file.read(largest + 1)
    except (OSError, ValueError) as error:
        linked = getattr(error, "errno", None) == errno.ELOOP
        reason = "it is a symbolic link" if linked else getattr(error, "strerror", "no path")
        raise InputError(
            f"the file cannot be read: {reason}",
            key=key,
            value=text,
            hint="Name the file itself." if linked else _NAME_ONE,
        ) from None
    if len(content) > largest:
        raise InputError(f"the file is larger than {largest} bytes", key=key, value=text)
    return content, known
