"""Files as evidence needs them: private, replaced as a whole, still there after a crash."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from ...contract.errors import GonogoError, shown

# Characters of a path in a message.
PATH_LIMIT = 300
_NO_ROOM = "Make room for the runs directory on the controller (gonogo_runs_dir)."
_NOT_OURS = (
    "The runs directory on the controller (gonogo_runs_dir) must be one that whoever runs "
    "ansible-playbook can write to."
)
_NOT_THERE = (
    "No stage has written it, or somebody has removed it. Run the whole playbook again; if it is "
    "missing again, the runbook lacks the phase that makes it."
)
_A_LINK = "A link stands in its place: find out who put it there, then start a new run."
# What the file system says → what helps.
_HINTS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _NO_ROOM),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _NOT_OURS),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR), _NOT_THERE),
    errno.ELOOP: _A_LINK,
}
_OTHERWISE = "Look at the file system of the runs directory on the controller (gonogo_runs_dir)."
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def explained(action: str) -> Iterator[None]:
    """Turn what the file system says into an error for people."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise GonogoError(
            f"cannot {action}",
            detail=f"{reason}: {shown(str(error.filename or ''), limit=PATH_LIMIT)}",
            hint=_HINTS.get(error.errno or 0, _OTHERWISE),
        ) from error


def read(path: Path) -> bytes:
    """Read a plain file; never follow a link, never wait for a pipe."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "not a plain file", str(path))
        return file.read()


def names_in(folder: Path) -> list[str]:
    """Return what a folder holds, sorted, hidden files left out; nothing if it cannot be read."""
    try:
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def make_dir(path: Path) -> None:
    """Make a directory of mode 0700, whatever the umask; leave an existing one as it is."""
    if path.is_dir():
        return
    try:
        path.mkdir(0o700)
    except FileExistsError:
        if not path.is_dir():
            raise
    else:
        path.chmod(0o700)
        sync_dir(path.parent)


def make_dirs(path: Path) -> None:
    """Make a directory and all above it that are missing, as `make_dir` does."""
    for folder in (*reversed(path.parents), path):
        make_dir(folder)


def new_file(path: Path) -> int:
    """Create a file of mode 0600, whatever the umask; return its descriptor for writing."""
    descriptor = os.open(path, _NEW_FILE, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def replace(path: Path, content: bytes) -> None:
    """Put content in place in one step that survives a crash."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = new_file(temporary)
    try:
        try:
            write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.rename(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_dir(path.parent)


def write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_dir(path: Path) -> None:
    """Make the names in a directory survive a crash."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
