"""Says which SSH server the tests have: ``openssh``, or the sandbox's own, ``builtin``.

    python -m tests.sshd

Where the machine has no sshd, root installs the distribution's; nobody else can. What cannot be
installed is said on stderr, and is no error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from sandbox.ssh.openssh import OpenSsh

_APT = ("apt-get", "--quiet", "--yes", "-o", "DPkg::Lock::Timeout=300")
_PACKAGE = "openssh-server"


def main() -> int:
    obstacle = provide()
    if obstacle:
        sys.stderr.write(f"{obstacle}\n")
    sys.stdout.write("builtin\n" if obstacle else "openssh\n")
    return 0


def provide() -> str | None:
    """Install sshd where there is none; returns why that was not possible, or None."""
    if OpenSsh.find():
        return None
    if os.geteuid() != 0:
        return "there is no sshd, and only root could install it"
    if shutil.which(_APT[0]) is None:
        return "there is no sshd, and no apt-get to install it"
    install = ("install", "--no-install-recommends", _PACKAGE)
    if _apt(*install) != 0:
        # The lists of packages may be missing or old.
        _apt("update")
        _apt(*install)
    return None if OpenSsh.find() else f"there is no sshd, and apt-get gives no {_PACKAGE}"


def _apt(*words: str) -> int:
    return subprocess.run(
        [*_APT, *words],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
