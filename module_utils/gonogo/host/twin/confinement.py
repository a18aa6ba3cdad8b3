"""A server that can reach nothing of value: an ordinary process confines itself with Landlock.

Where the operator is not root, the server runs under his own account, which can read his password
files and log in to his databases. Code that runs in the server must not, not even a superuser's.
So the kernel takes from the server, for good and for all of its processes, what it does not need:
reading any file but its programs and its data, executing anything but `postgres`, connecting over
the network, signalling other processes.

Landlock is there since Linux 5.13, where the kernel has it switched on; the network since 6.7,
signals since 6.12.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import stat
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from ...contract.records.twin import Confined

__all__ = ["Confinement", "allow", "prepared"]

# The same numbers on every architecture but Alpha.
_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION
_PATH_BENEATH = 1
_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
# The number of rights to files that each version knows, beginning with the first version.
_RIGHTS = (13, 14, 15, 15, 16)
_NETWORK = 4
_BIND_AND_CONNECT = 0b11
_SCOPES = 6
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_READ = _READ_FILE | _READ_DIR
# What libraries and the server read of a system: programs and data, and no one's secrets. Of /etc
# by name, as much else lies there.
_SYSTEM = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/share",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/usr/local/share",
    "/nix/store",
    "/gnu/store",
    "/sys/devices/system",
    "/var/cache/postgresql",
    "/etc/alternatives",
    "/etc/crypto-policies",
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/openssl.cnf",
    "/etc/timezone",
    "/dev/urandom",
    "/dev/random",
)
_DEVICES = ("/dev/null", "/dev/zero")
# Beside the programs of a server that is installed in a directory of its own.
_BESIDE = ("bin", "lib", "lib64", "share")
_LOADERS = ("lib*/ld-*.so*", "lib/*/ld-*.so*", "usr/lib*/ld-*.so*")


@dataclass(frozen=True)
class Confinement:
    """What is taken from the server. `enter` is called by its process before it becomes one;
    None where nothing can be taken, and `reason` says why.
    """

    files: bool = False
    network: bool = False
    signals: bool = False
    reason: str | None = None
    enter: Callable[[], None] | None = None

    def told(self) -> Confined:
        """For the evidence."""
        return Confined(
            files=self.files, network=self.network, signals=self.signals, reason=self.reason
        )


@contextlib.contextmanager
def prepared(programs: Path, writable: Sequence[Path]) -> Iterator[Confinement]:
    """The confinement of a server whose `postgres` is in `programs`, and which may write below
    `writable`. It can be entered as long as this lasts.
    """
    if not sys.platform.startswith("linux") or platform.machine() == "alpha":
        yield Confinement(reason=f"{platform.system()} has no Landlock")
        return
    kernel = ctypes.CDLL(None, use_errno=True)
    version = kernel.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    if version < 1:
        why = os.strerror(ctypes.get_errno())
        yield Confinement(reason=f"this kernel offers no Landlock: {why}")
        return
    descriptor = -1
    try:
        try:
            descriptor = _rules(kernel, version, programs, writable)
        except OSError as error:
            yield Confinement(reason=f"Landlock cannot be set up: {error}")
            return

        def enter() -> None:
            # Without it a program with the set-user-ID bit would get round all this.
            if kernel.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) or kernel.syscall(
                _RESTRICT, ctypes.c_int(descriptor), ctypes.c_uint32(0)
            ):
                os._exit(126)

        yield Confinement(
            files=True,
            network=version >= _NETWORK,
            signals=version >= _SCOPES,
            reason=None if version >= _SCOPES else f"this kernel's Landlock is version {version}",
            enter=enter,
        )
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _rules(kernel: ctypes.CDLL, version: int, programs: Path, writable: Sequence[Path]) -> int:
    """Descriptor of a set of rules that denies everything but what is named here."""
    every = (1 << _RIGHTS[min(version, len(_RIGHTS)) - 1]) - 1
    attributes = struct.pack(
        "=QQQ",
        every,
        _BIND_AND_CONNECT if version >= _NETWORK else 0,
        _ABSTRACT_SOCKETS_AND_SIGNALS if version >= _SCOPES else 0,
    )
    size = 24 if version >= _SCOPES else 16 if version >= _NETWORK else 8
    descriptor = int(
        kernel.syscall(_CREATE, attributes[:size], ctypes.c_size_t(size), ctypes.c_uint32(0))
    )
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    try:
        for path, rights in _allowed(programs, writable):
            allow(kernel, descriptor, path, rights & every)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _allowed(programs: Path, writable: Sequence[Path]) -> Iterator[tuple[Path, int]]:
    every = (1 << _RIGHTS[-1]) - 1
    for name in _SYSTEM:
        yield Path(name), _READ
    for name in _DEVICES:
        yield Path(name), _READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL
    real = (programs / "postgres").resolve()
    for directory in dict.fromkeys((programs.resolve(), real.parent)):
        for name in _BESIDE:
            yield directory.parent / name, _READ
        yield directory, _READ
    for name in filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)):
        yield Path(name), _READ
    # The loader is executed with every program.
    loaders = [found for pattern in _LOADERS for found in Path("/").glob(pattern)]
    for executable in (real, *loaders):
        yield executable, _READ_FILE | _EXECUTE
    for directory in writable:
        yield directory, every & ~_EXECUTE


def allow(kernel: ctypes.CDLL, descriptor: int, path: Path, rights: int) -> None:
    """Add a rule to a set of rules. Raises OSError where the kernel refuses it."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        # What is not there needs no permission.
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, opened)
        if rights and kernel.syscall(
            _ADD_RULE,
            ctypes.c_int(descriptor),
            ctypes.c_int(_PATH_BENEATH),
            rule,
            ctypes.c_uint32(0),
        ):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
    finally:
        os.close(opened)
