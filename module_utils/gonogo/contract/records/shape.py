"""shape.json: the shape of a database when its backup was made: its schema, and the settings that a
migration would see.

Databases of one shape differ in rows alone. The digest is never written down but computed from what
is: two records with equal digests say the same.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..canonical import line, sha256
from .reading import FileRecord

__all__ = ["SETTING", "Shape"]

# What a setting is called where it stands among the objects.
SETTING = "setting "


@dataclass(frozen=True)
class Shape(FileRecord):
    """`schema` is object → definition, `settings` what else counts; `size` is that of the database
    in bytes and no part of its shape. The names of the login are left out, as `(login)`."""

    FILE: ClassVar[str] = "shape.json"

    run_id: str
    size: int
    settings: Mapping[str, str]
    schema: Mapping[str, str]

    @property
    def parts(self) -> Mapping[str, str]:
        """Objects and settings, each by its name."""
        return {**self.schema, **{f"{SETTING}{key}": text for key, text in self.settings.items()}}

    @property
    def sha256(self) -> str:
        return sha256(line([dict(self.schema), dict(self.settings)]))
