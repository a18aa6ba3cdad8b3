"""DSSE 1.0: a payload, its type, and signatures over both.

What is signed are bytes, so nothing is believed that another spelling of the same JSON could say.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...contract import canonical
from .keys import PrivateKey, PublicKey

__all__ = ["PAYLOAD_TYPE", "ForgedError", "opened", "pae", "sealed", "strict_json"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
# Signatures of an envelope that are looked at.
_MOST = 16


class ForgedError(Exception):
    """An envelope that proves nothing; the text says why."""


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding: what a signature is about."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sealed(statement: Mapping[str, object], key: PrivateKey) -> str:
    """A statement in its envelope, one line of JSON."""
    payload = canonical.line(statement).encode()
    signature = key.sign(pae(PAYLOAD_TYPE, payload))
    return canonical.line(
        {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": key.public.id, "sig": base64.b64encode(signature).decode()}],
        }
    )


def opened(line: bytes, trusted: Mapping[str, PublicKey]) -> tuple[bytes, str]:
    """The payload of an envelope that a trusted key has signed, and the id of that key.

    Raises ForgedError.

    A signature of a key that is not trusted says nothing; one that is said to be of a trusted key
    and is not, or one that is there twice, makes the envelope a forged one.
    """
    envelope = strict_json(line)
    if not isinstance(envelope, dict):
        raise ForgedError("it is no envelope")
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        raise ForgedError("its payload is of another type")
    payload, signatures = _bytes(envelope.get("payload")), envelope.get("signatures")
    if not isinstance(signatures, list) or not 0 < len(signatures) <= _MOST:
        raise ForgedError("it has no signatures")
    pairs = [_signature(one) for one in signatures]
    for parts in zip(*pairs, strict=True):
        if len({*parts}) < len(parts):
            raise ForgedError("it has the same signature twice")
    signed = [(trusted[name], signature) for name, signature in pairs if name in trusted]
    if not signed:
        raise ForgedError("none of the trusted keys has signed it")
    text = pae(PAYLOAD_TYPE, payload)
    if not all(key.verifies(signature, text) for key, signature in signed):
        raise ForgedError("its signature is not that of its key")
    return payload, signed[0][0].id


def _signature(one: object) -> tuple[str, bytes]:
    if not isinstance(one, dict) or not isinstance(one.get("keyid"), str):
        raise ForgedError("a signature does not say whose it is")
    return one["keyid"], _bytes(one.get("sig"))


def _bytes(text: object) -> bytes:
    """What base64 says, of either alphabet."""
    try:
        if not isinstance(text, str):
            raise ForgedError("it is not in base64")
        plain = text.translate(str.maketrans("-_", "+/"))
        return base64.b64decode(plain.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        raise ForgedError("it is not in base64") from None


def strict_json(raw: bytes) -> Any:
    """A value of JSON in which no key stands twice: of two, readers differ in which counts."""
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise ForgedError("it is not JSON") from None


def _unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ForgedError("it says the same twice")
    return found
