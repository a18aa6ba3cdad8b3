"""OpenSSH's ssh-keygen: whether a signature is somebody's, of a text, at a time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ...contract.errors import GonogoError
from .signers import Signer, Signers, fingerprint

__all__ = ["Question", "require", "verified"]

# Not the PATH that somebody has set for this one command.
PLACES = os.pathsep.join(
    ("/usr/bin", "/bin", "/usr/local/bin", "/opt/homebrew/bin", "/run/current-system/sw/bin")
)
_PROGRAM = "ssh-keygen"
_SECONDS = 30
_NEEDED = "Signatures are verified by ssh-keygen of OpenSSH 8.7 or later."
# Times in the file of signers that say no zone are of this one, wherever it is verified.
_ENVIRONMENT = {"PATH": PLACES, "LC_ALL": "C", "TZ": "UTC0"}


@dataclass(frozen=True)
class Question:
    """Whether `signature` is the signer's, of `text` in `namespace`, by a key not in `revoked`."""

    text: bytes
    signature: bytes
    namespace: str
    signer: Signer
    signers: Signers
    revoked: bytes | None = None


def require() -> None:
    """Raise GonogoError where ssh-keygen is missing, or does not know what is asked of it."""
    # Which version it is, it does not say; the option was added with that of the signers' times.
    words = ("-f", "x", "-I", "x", "-n", "x", "-s", "x", "-O", "verify-time=x")
    said = _run(["-Y", "verify", *words], b"", Path("/")).stderr
    if "verify-time" not in said:
        raise GonogoError(
            "ssh-keygen of the controller is too old to verify a signature at a time",
            detail=_NEEDED,
            hint="Install a newer OpenSSH client.",
        )


def verified(question: Question, *, at: datetime) -> str | None:
    """None where it is; else why it is not, in ssh-keygen's words."""
    with tempfile.TemporaryDirectory(prefix="gonogo-") as name:
        directory = Path(name)
        files = {
            "allowed_signers": question.signers.content,
            "signature": question.signature,
            "revoked": question.revoked,
        }
        for file, content in files.items():
            if content is not None:
                (directory / file).write_bytes(content)
        words = ["-Y", "verify", "-f", "allowed_signers", "-s", "signature"]
        words += ["-I", question.signer.principal, "-n", question.namespace]
        words += ["-O", f"verify-time={at.astimezone(UTC):%Y%m%d%H%M%S}"]
        words += ["-r", "revoked"] if question.revoked is not None else []
        done = _run(words, question.text, directory)
    # Not the exit status alone: it has to speak of the key that was looked up.
    good = re.fullmatch(r'Good "(\S+)" signature for (\S+) with \S+ key (\S+)\n', done.stdout)
    named = (question.namespace, question.signer.principal, fingerprint(question.signer.blob))
    if done.returncode == 0 and good and good.groups() == named:
        return None
    return done.stderr.strip() or "Could not verify signature."


def _run(words: list[str], text: bytes, directory: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which(_PROGRAM, path=PLACES)
    if program is None:
        raise GonogoError(
            "there is no ssh-keygen on the controller",
            detail=f"It was looked for in {PLACES}.",
            hint=f"Install the OpenSSH client. {_NEEDED}",
        )
    try:
        done = subprocess.run(  # noqa: S603 - no shell reads it, and every word was checked
            [program, *words],
            input=text,
            capture_output=True,
            cwd=directory,
            env=_ENVIRONMENT,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GonogoError(
            "ssh-keygen of the controller does not run",
            detail=f"{program}: {type(error).__name__}",
            hint=_NEEDED,
        ) from error
    said = [one.decode("utf-8", "backslashreplace") for one in (done.stdout, done.stderr)]
    return subprocess.CompletedProcess(done.args, done.returncode, *said)
