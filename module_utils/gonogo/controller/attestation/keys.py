"""Keys in PEM, Ed25519 or ECDSA P-256. What is in a file of a private key is in no message.

A signature has one form here: of the two that ECDSA takes, the one with the smaller s, in DER
without a byte too many. So nobody makes another one of a signature without the key.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from ...contract.errors import InputError
from ..invocation.paths import path_of

__all__ = ["KEY", "KEYS", "PrivateKey", "PublicKey", "private_key", "public_key_of"]
__all__ += ["public_keys"]

KEY = "gonogo_attestation_key"
KEYS = "gonogo_promotion_keys"

# No key in PEM is near it.
_LARGEST = 16 * 1024
_MAKE = "(umask 077; openssl genpkey -algorithm ed25519 -out gate.pem) makes one."
_SHOW = "openssl pkey -in gate.pem -pubout prints the public key of a gate."
_KINDS = "Ed25519 and ECDSA P-256 are known."
# Order of the group of P-256.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ECDSA = ec.ECDSA(hashes.SHA256())

_Private = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
_Public = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True)
class PublicKey:
    """`id` is the SHA-256 of the key itself, in DER: a hint which key it was, and no more."""

    id: str
    key: _Public = field(repr=False)

    def verifies(self, signature: bytes, text: bytes) -> bool:
        """Whether the signature is this key's, of this text, in its one form."""
        try:
            if isinstance(self.key, ed25519.Ed25519PublicKey):
                self.key.verify(signature, text)
                return True
            if _strict(signature) != signature:
                return False
            self.key.verify(signature, text, _ECDSA)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class PrivateKey:
    public: PublicKey
    key: _Private = field(repr=False)

    def sign(self, text: bytes) -> bytes:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(text)
        return _strict(self.key.sign(text, _ECDSA))


def private_key(given: object) -> PrivateKey:
    """The gate's own key, in a file of the controller. Raises InputError."""
    if not isinstance(given, str) or not given:
        raise InputError("must be a path", key=KEY, hint=_MAKE)
    content = _content(path_of(given, key=KEY))
    if b"-----BEGIN OPENSSH PRIVATE KEY-----" in content:
        raise InputError("the private key is not in PEM but in OpenSSH's form", key=KEY, hint=_MAKE)
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except TypeError:
        # What the library says where a key is encrypted.
        raise InputError(
            "the private key has a passphrase, and nobody is asked for it",
            key=KEY,
            hint="(umask 077; openssl pkey -in FILE -out gate.pem) writes it without one.",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(
            "there is no private key in PEM in this file", key=KEY, hint=_MAKE
        ) from None
    if isinstance(key, ed25519.Ed25519PrivateKey) or (
        isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    ):
        return PrivateKey(_public(key.public_key()), key)
    raise InputError("a private key of another kind", key=KEY, detail=_KINDS, hint=_MAKE)


def _content(path: Path) -> bytes:
    """What is in the file of a private key, which nobody but its owner may read."""
    try:
        # A pipe would wait for whoever writes into it.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(
            f"the private key cannot be read: {error.strerror}", key=KEY, hint=_MAKE
        ) from None
    try:
        _require_own(os.fstat(file))
        return os.read(file, _LARGEST)
    finally:
        os.close(file)


def _require_own(found: os.stat_result) -> None:
    """Raises InputError for a file that others may read, or put another in the place of."""
    if not stat.S_ISREG(found.st_mode):
        raise InputError("the private key is no plain file", key=KEY, hint=_MAKE)
    if found.st_uid != os.geteuid():
        raise InputError(
            "the file of the private key belongs to somebody else",
            key=KEY,
            hint="It has to belong to the account that runs ansible-playbook.",
        )
    if found.st_mode & 0o077:
        raise InputError(
            "others than its owner may read or write the private key",
            key=KEY,
            detail=f"Its mode is {stat.S_IMODE(found.st_mode):04o}.",
            hint=f"This one may be known; {_MAKE}",
        )


def public_keys(given: object) -> Mapping[str, PublicKey]:
    """The keys that an inventory trusts, by their ids; none where it says nothing.

    They stand in the inventory itself: a path would lead to what others may write, and a relative
    one to another file from another directory. Raises InputError.
    """
    if given is None:
        return {}
    if not isinstance(given, list) or not given:
        raise InputError(
            "must be a list of public keys, and one at least",
            key=KEYS,
            hint=f"Leave it out where no key is asked for. {_SHOW}",
        )
    found = [_trusted(text, f"{KEYS}[{number}]") for number, text in enumerate(given)]
    return {one.id: one for one in found}


def public_key_of(file: Path, *, key: str) -> Mapping[str, PublicKey]:
    """The public key in a file, by its id. Raises InputError, which names the variable `key`."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_LARGEST).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(
            f"the public key cannot be read: {error.strerror}", key=key, hint=_SHOW
        ) from None
    found = _trusted(text, key)
    return {found.id: found}


def _trusted(text: object, place: str) -> PublicKey:
    if not isinstance(text, str) or text.count("-----BEGIN ") != 1:
        raise InputError("must be the text of one public key in PEM", key=place, hint=_SHOW)
    try:
        key = serialization.load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise InputError("not a public key in PEM", key=place, hint=_SHOW) from None
    if isinstance(key, ed25519.Ed25519PublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    ):
        return _public(key)
    raise InputError("a public key of another kind", key=place, detail=_KINDS, hint=_SHOW)


def _public(key: _Public) -> PublicKey:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return PublicKey(sha256(key.public_bytes(serialization.Encoding.DER, form)).hexdigest(), key)


def _strict(signature: bytes) -> bytes:
    """An ECDSA signature in its one form. Raises ValueError for what is none."""
    r, s = decode_dss_signature(signature)
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        raise ValueError("no signature of this curve")
    return encode_dss_signature(r, min(s, _ORDER - s))
