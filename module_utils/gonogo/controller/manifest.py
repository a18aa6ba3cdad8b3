"""The shape of a manifest: the objects a migration must leave behind."""

from __future__ import annotations

from .schema import Any_, Items, Keys

__all__ = ["MANIFEST"]

MANIFEST = Any_()
