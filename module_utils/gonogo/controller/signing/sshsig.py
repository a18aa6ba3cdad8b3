"""What a signature says of itself, before anybody has verified it: its key and its namespace.

The form is that of OpenSSH's PROTOCOL.sshsig.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

__all__ = ["Claim", "claim"]

_ARMOR = re.compile(
    rb"-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END SSH SIGNATURE-----\s*"
)
_MAGIC = b"SSHSIG\x00\x00\x00\x01"


@dataclass(frozen=True)
class Claim:
    """The key that it says it was made with, and what for."""

    blob: bytes
    namespace: str


def claim(content: bytes) -> Claim | None:
    """What a file of a signature says, None where it is none."""
    armor = _ARMOR.fullmatch(content)
    try:
        raw = base64.b64decode(b"".join(armor[1].split()), validate=True) if armor else b""
    except binascii.Error:
        return None
    if not raw.startswith(_MAGIC):
        return None
    blob, rest = _field(raw[len(_MAGIC) :])
    namespace, _ = _field(rest)
    try:
        return Claim(blob, namespace.decode("ascii")) if blob and namespace else None
    except UnicodeDecodeError:
        return None


def _field(raw: bytes) -> tuple[bytes, bytes]:
    """The first field, and what is behind it; nothing where it is cut off."""
    end = 4 + int.from_bytes(raw[:4], "big")
    return (raw[4:end], raw[end:]) if len(raw) >= end else (b"", b"")
