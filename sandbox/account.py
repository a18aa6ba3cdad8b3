"""The operating system account the server runs under: chosen as on a target host."""

from __future__ import annotations

from gonogo.host.restore.errors import UnprovenError
from gonogo.host.twin.account import Account, choose
from sandbox.errors import SandboxError

__all__ = ["Account", "server_account"]


def server_account() -> Account:
    """The caller's own account, or the one that root lends.

    Raises: SandboxError when root has none to lend, or the caller's has no name.
    """
    try:
        return choose()
    except UnprovenError as error:
        raise SandboxError(
            error.primary,
            detail=error.detail,
            hint="Run the sandbox as an ordinary user who has an entry in passwd.",
        ) from error
