"""The file transfer subsystem: the whole file system, with the rights of the server's account."""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from paramiko import SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface
from paramiko.sftp import SFTP_FAILURE, SFTP_OK

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from paramiko import Channel, ServerInterface, Transport

    from sandbox.ssh.link import Link

_P = ParamSpec("_P")
_R = TypeVar("_R")
_S = TypeVar("_S")

_NEW_FILE, _NEW_DIRECTORY = 0o666, 0o777
_PERMISSIONS = 0o7777


def _answers(
    method: Callable[Concatenate[_S, _P], _R],
) -> Callable[Concatenate[_S, _P], _R | int]:
    """Turn what the system refuses into the answer that says so."""

    @functools.wraps(method)
    def answer(self: _S, /, *args: _P.args, **kwargs: _P.kwargs) -> _R | int:
        try:
            return method(self, *args, **kwargs)
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or errno.EIO)

    return answer


class Transfer(SFTPServer):
    """Serves one channel, through its link, from a thread of its own.

    ``ended`` is called once, when nothing of it is left.
    """

    def __init__(
        self,
        link: Link,
        channel: Channel,
        server: ServerInterface,
        home: str,
        ended: Callable[[], None],
    ):
        super().__init__(channel, "sftp", server, _Files, home)
        self.daemon = True
        self._link = link
        self._ended = ended

    def start_subsystem(self, name: str, transport: Transport, channel: Channel) -> None:
        del channel
        super().start_subsystem(name, transport, self._link)  # type: ignore[arg-type]

    def finish_subsystem(self) -> None:
        self._link.finish(0)
        super().finish_subsystem()
        self._ended()


class _Files(SFTPServerInterface):
    """Relative names count from ``home``."""

    def __init__(self, server: ServerInterface, home: str):
        super().__init__(server)
        self._home = Path(home)

    @_answers
    def open(self, path: str, flags: int, attr: SFTPAttributes) -> SFTPHandle:
        mode = _NEW_FILE if attr.st_mode is None else attr.st_mode & _PERMISSIONS
        return _File(os.open(self._real(path), flags | os.O_CLOEXEC, mode), flags)

    @_answers
    def list_folder(self, path: str) -> list[SFTPAttributes]:
        with os.scandir(self._real(path)) as entries:
            return [
                SFTPAttributes.from_stat(entry.stat(follow_symlinks=False), entry.name)
                for entry in entries
            ]

    @_answers
    def stat(self, path: str) -> SFTPAttributes:
        return SFTPAttributes.from_stat(self._real(path).stat())

    @_answers
    def lstat(self, path: str) -> SFTPAttributes:
        return SFTPAttributes.from_stat(self._real(path).lstat())

    @_answers
    def remove(self, path: str) -> int:
        self._real(path).unlink()
        return SFTP_OK

    @_answers
    def rename(self, oldpath: str, newpath: str) -> int:
        # It replaces nothing; posix_rename does.
        if os.path.lexists(self._real(newpath)):
            return SFTP_FAILURE
        self._real(oldpath).rename(self._real(newpath))
        return SFTP_OK

    @_answers
    def posix_rename(self, oldpath: str, newpath: str) -> int:
        self._real(oldpath).rename(self._real(newpath))
        return SFTP_OK

    @_answers
    def mkdir(self, path: str, attr: SFTPAttributes) -> int:
        mode = _NEW_DIRECTORY if attr.st_mode is None else attr.st_mode & _PERMISSIONS
        self._real(path).mkdir(mode)
        return SFTP_OK

    @_answers
    def rmdir(self, path: str) -> int:
        self._real(path).rmdir()
        return SFTP_OK

    @_answers
    def chattr(self, path: str, attr: SFTPAttributes) -> int:
        _change(self._real(path), attr)
        return SFTP_OK

    @_answers
    def readlink(self, path: str) -> str:
        return str(self._real(path).readlink())

    @_answers
    def symlink(self, target_path: str, path: str) -> int:
        self._real(path).symlink_to(target_path)
        return SFTP_OK

    def canonicalize(self, path: str) -> str:
        return str(self._real(path).resolve())

    def _real(self, path: str) -> Path:
        return self._home / path


class _File(SFTPHandle):
    """An open file."""

    def __init__(self, descriptor: int, flags: int):
        super().__init__(flags)
        self._descriptor = descriptor
        self._appends = bool(flags & os.O_APPEND)

    def close(self) -> None:
        os.close(self._descriptor)

    @_answers
    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, offset)

    @_answers
    def write(self, offset: int, data: ReadableBuffer) -> int:
        data = bytes(data)
        while data:
            if self._appends:
                written = os.write(self._descriptor, data)
            else:
                written = os.pwrite(self._descriptor, data, offset)
            data, offset = data[written:], offset + written
        return SFTP_OK

    @_answers
    def stat(self) -> SFTPAttributes:
        return SFTPAttributes.from_stat(os.fstat(self._descriptor))

    @_answers
    def chattr(self, attr: SFTPAttributes) -> int:
        _change(self._descriptor, attr)
        return SFTP_OK


def _change(file: Path | int, attr: SFTPAttributes) -> None:
    """Set what the client named and nothing else."""
    if attr.st_size is not None:
        os.truncate(file, attr.st_size)
    if attr.st_uid is not None and attr.st_gid is not None:
        os.chown(file, attr.st_uid, attr.st_gid)
    if attr.st_mode is not None:
        os.chmod(file, attr.st_mode & _PERMISSIONS)  # noqa: PTH101 - a path or an open file
    if attr.st_atime is not None and attr.st_mtime is not None:
        os.utime(file, (attr.st_atime, attr.st_mtime))
