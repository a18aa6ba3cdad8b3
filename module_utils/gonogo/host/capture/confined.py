"""What the kernel takes from a command: the network, and signals to processes of others.

A copy is reached through a socket of the file system. What else is reached over the network is
another database, or none.

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
from collections.abc import Iterator
from typing import Callable, NamedTuple

__all__ = ["Prepared", "prepared"]

# Landlock's; the same numbers on every architecture but Alpha.
_CREATE, _RESTRICT = 444, 446
_VERSION = 1
_NETWORK, _SCOPES = 4, 6
_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
_NO_NEW_PRIVS, _DEATH_SIGNAL = 38, 1


class Prepared(NamedTuple):
    """`enter` is called by the process before it becomes the command. `reason` says why the network
    is not taken from it, where it is not."""

    enter: Callable[[], None]
    network: bool
    reason: str | None


@contextlib.contextmanager
def prepared() -> Iterator[Prepared]:
    """It can be entered as long as this lasts."""
    if not sys.platform.startswith("linux") or platform.machine() == "alpha":
        yield Prepared(lambda: None, network=False, reason=f"{platform.system()} has no Landlock")
        return
    kernel, parent = ctypes.CDLL(None, use_errno=True), os.getpid()
    version = kernel.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    descriptor = _rules(kernel, version) if version >= _NETWORK else -1

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
        yield Prepared(enter, network=descriptor >= 0, reason=reason)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _rules(kernel: ctypes.CDLL, version: int) -> int:
    """Descriptor of a set of rules that allows no connection; -1 where it cannot be made."""
    scopes = _ABSTRACT_SOCKETS_AND_SIGNALS if version >= _SCOPES else 0
    attributes = struct.pack("=QQQ", 0, _BIND_AND_CONNECT, scopes)
    size = 24 if version >= _SCOPES else 16
    return int(
        kernel.syscall(_CREATE, attributes[:size], ctypes.c_size_t(size), ctypes.c_uint32(0))
    )
