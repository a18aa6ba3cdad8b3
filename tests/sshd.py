"""Says which SSH server the tests have: ``openssh``, or the sandbox's own, ``builtin``.

    python -m tests.sshd

Where the machine has no sshd, root installs the distribution's; nobody else can. What cannot be
installed is said on stderr, and is no error.
"""

from __future__ import annotations

import sys

from sandbox.ssh.openssh import OpenSsh
from tests import apt


def main() -> int:
    obstacle = provide()
    if obstacle:
        sys.stderr.write(f"{obstacle}\n")
    sys.stdout.write("builtin\n" if obstacle else "openssh\n")
    return 0


def provide() -> str | None:
    """Install sshd where there is none; returns why that was not possible, or None."""
    return apt.provide("sshd", ("openssh-server",), OpenSsh.find)


if __name__ == "__main__":
    sys.exit(main())
