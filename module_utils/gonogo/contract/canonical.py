"""One spelling of a JSON value, so that equal values have equal bytes and equal digests."""

from __future__ import annotations

import hashlib
import json
import re

__all__ = ["dumps", "line", "sha256"]

# Only surrogates that stand alone: Python joins pairs when it reads them.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(obj: object) -> str:
    """Return the value as a JSON document for people: sorted keys, indent 2, newline at end.

    Raises `TypeError` for what JSON does not know and `ValueError` for NaN and infinity.
    """
    return (
        _encodable(json.dumps(obj, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False))
        + "\n"
    )


def line(obj: object) -> str:
    """Return the value as JSON on one line, without a line break and without spare spaces.

    Raises as `dumps` does.
    """
    return _encodable(
        json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    )


def sha256(data: bytes | str) -> str:
    """Return the SHA-256 of the bytes, or of the text in UTF-8, as 64 lower-case hex digits."""
    raw = data.encode("utf-8") if isinstance(data, str) else data
    return hashlib.sha256(raw).hexdigest()


def _encodable(text: str) -> str:
    """Spell lone surrogates as JSON escapes: UTF-8 has no bytes for them."""
    return _LONE_SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
