"""What the kernel takes from a command: the network, writing to files, and other processes.

A copy is reached through a socket of the file system. What else is reached over the network is
another database, or none. It writes below directories of its own; what is left to it of all other
files is reading them, and changing their modes.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Callable, NamedTuple

from ..twin.confinement import allow

__all__ = ["Prepared", "prepared"]

# Landlock's; the same numbers on every architecture but Alpha.
_CREATE, _RESTRICT = 444, 446
_VERSION = 1
_NETWORK, _SCOPES = 4, 6
_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
_NO_NEW_PRIVS, _DEATH_SIGNAL = 38, 1
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
# To remove, to make, to move between directories: all that is neither reading nor executing.
_WRITE = 0b111111111110000 | _WRITE_FILE
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full")


class Prepared(NamedTuple):
    """`enter` is called by the process before it becomes the command. `reason` says why it is not
    confined, where it is not."""

    enter: Callable[[], None]
    confined: bool
    reason: str | None


@contextlib.contextmanager
def prepared(writable: Sequence[Path]) -> Iterator[Prepared]:
    """Of a command that writes below `writable`; it can be entered as long as this lasts."""
    if not sys.platform.startswith("linux") or platform.machine() == "alpha":
        yield Prepared(lambda: None, confined=False, reason=f"{platform.system()} has no Landlock")
        return
    kernel, parent = ctypes.CDLL(None, use_errno=True), os.getpid()
    version = kernel.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    descriptor = _rules(kernel, version, writable) if version >= _NETWORK else -1

    def enter() -> None:
        kernel.prctl(_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(126)
        if descriptor >= 0 and (
            kernel.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
            or kernel.syscall(_RESTRICT, ctypes.c_int(descriptor), ctypes.c_uint32(0))
        ):
            os._exit(126)

    try:
        reason = None if descriptor >= 0 else "this kernel's Landlock has no rules for the network"
        yield Prepared(enter, confined=descriptor >= 0, reason=reason)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _rules(kernel: ctypes.CDLL, version: int, writable: Sequence[Path]) -> int:
    """Descriptor of a set of rules that allows no connection, and writing there; -1 where it cannot
    be made."""
    scopes = _ABSTRACT_SOCKETS_AND_SIGNALS if version >= _SCOPES else 0
    attributes = struct.pack("=QQQ", _WRITE, _BIND_AND_CONNECT, scopes)
    size = 24 if version >= _SCOPES else 16
    descriptor = int(
        kernel.syscall(_CREATE, attributes[:size], ctypes.c_size_t(size), ctypes.c_uint32(0))
    )
    if descriptor < 0:
        return -1
    try:
        for path in writable:
            allow(kernel, descriptor, path, _WRITE)
        for name in _DEVICES:
            allow(kernel, descriptor, Path(name), _WRITE_FILE | _TRUNCATE)
    except OSError:
        os.close(descriptor)
        return -1
    return descriptor
