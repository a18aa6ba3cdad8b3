"""Which directories nobody else can change: those that belong to root or to this login, all the
way up.

Whoever can write to a directory can exchange what lies in it, and whoever owns one can give
themselves that right. So the rule is asked of every directory of a path, as sshd asks it of a
person's keys; what a symbolic link leads over counts as well as where it leads to. In a directory
with the sticky bit, such as /tmp, others can add entries and exchange none of ours.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import GonogoError
from .home import account_name

__all__ = ["obstacle", "obstacle_of", "require_own", "trustworthy"]

_ROOT = 0
_MAX_LINKS = 40


def require_own(directory: Path, *, variable: str) -> None:
    """Refuse a directory whose content another user of this host could exchange.

    What does not exist yet is not asked. `variable` is the one of the inventory that names it.
    Raises GonogoError.
    """
    found = obstacle(directory)
    if found:
        raise GonogoError(
            f"other users of the target host could exchange what is in {directory}",
            detail=f"{found} Every directory of the path must belong to root or to "
            f"{_user_name(os.geteuid())}, and nobody else may write to it.",
            hint=f"Let {variable} name a directory of your own; if this is one, find out what "
            "was put there before you change its owner or mode.",
        )


def trustworthy(entries: Iterable[str]) -> list[str]:
    """Those entries of a search path for modules that nobody else can change."""
    return [entry for entry in entries if entry and not obstacle(Path(entry))]


def obstacle(path: Path) -> str | None:
    """What lets somebody else exchange the content of `path`, as a sentence, or None."""
    try:
        for place, status, is_last in _steps(path):
            why = _obstacle(place, status, is_last=is_last)
            if why:
                return why
    except OSError as error:
        return f"{error.filename or path} cannot be looked at: {error.strerror}."
    return None


def _steps(path: Path) -> Iterator[tuple[Path, os.stat_result, bool]]:
    """Every directory and link on the way to `path`, from the root on: its own path, what it is,
    and whether it is where `path` leads to. Ends at what does not exist.
    """
    root, *names = path.absolute().parts
    here, ahead = Path(root), names[::-1]
    links = 0
    yield here, here.lstat(), not ahead
    while ahead:
        name = ahead.pop()
        if name == os.pardir:
            # Of the directory itself: `here` holds no link.
            here = here.parent
            continue
        step = here / name
        try:
            status = step.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return
        is_link = stat.S_ISLNK(status.st_mode)
        yield step, status, not (ahead or is_link)
        if not is_link:
            here = step
            continue
        links += 1
        if links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(step))
        target = step.readlink()
        if target.is_absolute():
            here = Path(root)
        ahead += [name for name in reversed(target.parts) if name != root]


def obstacle_of(place: Path, status: os.stat_result) -> str | None:
    """As `obstacle`, of a file alone that was opened as `place`, whatever is there by now."""
    return _obstacle(place, status, is_last=True)


def _obstacle(place: Path, status: os.stat_result, *, is_last: bool) -> str | None:
    if status.st_uid not in (_ROOT, os.geteuid()):
        return f"{place} belongs to {_user_name(status.st_uid)}."
    # The mode of a link says nothing, and in a sticky directory only owners exchange entries.
    if stat.S_ISLNK(status.st_mode) or (status.st_mode & stat.S_ISVTX and not is_last):
        return None
    mode = f"{stat.S_IMODE(status.st_mode):04o}"
    if status.st_mode & stat.S_IWOTH:
        return f"{place} can be written to by everybody (mode {mode})."
    if status.st_mode & stat.S_IWGRP and not _is_nobody_elses(status.st_gid):
        group = _group_name(status.st_gid)
        return f"{place} can be written to by the group {group} (mode {mode})."
    return None


def _is_nobody_elses(gid: int) -> bool:
    """Whether a group is root's, or the login's own, which has its name and no other member."""
    if gid == _ROOT:
        return True
    try:
        group, user = grp.getgrgid(gid), pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return (
        group.gr_name == user.pw_name
        and user.pw_gid == gid
        and set(group.gr_mem) <= {user.pw_name, "root"}
    )


def _user_name(uid: int) -> str:
    return account_name(uid) or f"user {uid}"


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
