"""What has to exist when a run ends, and what of it does not.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .migration import SchemaObject

__all__ = ["JudgedObjects", "Required", "Standing"]


@dataclass(frozen=True)
class Required:
    """An object that has to exist, or must not.

    `migration` is whether the migration makes or drops it, `covered` whether the manifest tells
    about it, `plain` whether it is an index that refuses no row.
    """

    object: SchemaObject
    migration: bool
    covered: bool
    plain: bool


@dataclass(frozen=True)
class Standing:
    """`missing` is a sentence for each object that is not as it has to be, `plain` the same for
    indexes that refuse no row; `none` is whether nothing exists of what the migration makes."""

    missing: Sequence[str]
    plain: Sequence[str]
    none: bool


@dataclass(frozen=True)
class JudgedObjects:
    """What the checks judge: the tables and functions of a schema, and the application's role."""

    schema: str
    tables: Sequence[str]
    functions: Sequence[str]
    role: str | None
