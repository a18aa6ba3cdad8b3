"""Who may sign: a file of ssh-keygen's form `allowed_signers`, in the part of it where each line is
one key of one person.

Patterns, lists of principals and authorities of certificates are refused: with them nobody could
say from the file how many persons there are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...contract.errors import InputError

__all__ = ["KEY", "PRINCIPAL", "Signer", "Signers", "fingerprint", "read"]

KINDS = (
    *("ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ssh-rsa", "sk-ecdsa-sha2-nistp256@openssh.com"),
    *("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
)
PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]{0,99}")
_KIND = "|".join(map(re.escape, KINDS))
_TIME = r"[0-9]{8}(?:[0-9]{4}(?:[0-9]{2})?)?Z?"
_OPTION = rf'(?:namespaces="[\w.@*?!,-]+"|valid-(?:after|before)="{_TIME}")'
KEY = re.compile(rf"({_KIND}) +([A-Za-z0-9+/]+={{0,2}})(?: .*)?", re.ASCII)
_LINE = re.compile(rf"(\S+) +(?:{_OPTION}(?:,{_OPTION})* +)?({KEY.pattern})", re.ASCII)
_FORM = "A line is PRINCIPAL, options (valid-after, valid-before, namespaces) and a public key."


@dataclass(frozen=True)
class Signer:
    """A line: `key` is the public key as it is written there, `blob` what it is."""

    line: int
    principal: str
    key: str
    blob: bytes


@dataclass(frozen=True)
class Signers:
    """The file: `content` is what ssh-keygen is given."""

    content: bytes
    lines: Sequence[Signer]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def principals(self) -> set[str]:
        return {one.principal for one in self.lines}

    def of(self, blob: bytes) -> Signer | None:
        """Whose key it is, None where it is nobody's."""
        return next((one for one in self.lines if one.blob == blob), None)


def fingerprint(blob: bytes) -> str:
    """As OpenSSH writes it."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def read(content: bytes, *, key: str) -> Signers:
    """The signers of a file. Raises InputError for the first line that is none; `key` is the
    variable that names it."""
    found: dict[bytes, Signer] = {}
    for number, raw in enumerate(content.split(b"\n"), start=1):
        text = raw.decode("utf-8", "backslashreplace")
        if not text.strip(" ") or text.lstrip(" ").startswith("#"):
            continue
        signer = _signer(text, number, key)
        before = found.setdefault(signer.blob, signer)
        if before is not signer:
            raise InputError(
                f"line {number} has the key of line {before.line}",
                key=key,
                hint="A key is one person's, and has one line.",
            )
    if not found:
        raise InputError("the file names nobody", key=key, hint=_FORM)
    return Signers(content, tuple(found.values()))


def _signer(text: str, number: int, key: str) -> Signer:
    line = _LINE.fullmatch(text)
    principal = text.split(" ", maxsplit=1)[0]
    if "cert-authority" in text.lower():
        raise InputError(
            f"line {number} is of an authority of certificates",
            key=key,
            hint="Who may sign is said by their own keys, one a line.",
        )
    if not PRINCIPAL.fullmatch(principal):
        raise InputError(
            f"line {number} has no principal that can be one person's",
            key=key,
            hint="It is letters, digits and . _ + @ -, without commas, quotes and patterns.",
        )
    if not line or not text.isascii() or not text.isprintable():
        raise InputError(f"line {number} cannot be read", key=key, hint=_FORM)
    kind, encoded = line[3], line[4]
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        blob = b""
    named = len(kind).to_bytes(4, "big") + kind.encode()
    if not blob.startswith(named):
        raise InputError(f"line {number} has a public key that is damaged", key=key, hint=_FORM)
    return Signer(number, principal, f"{kind} {encoded}", blob)
