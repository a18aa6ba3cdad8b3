"""Databases of everything PostgreSQL can hold.

`objects.sql` makes an object of every kind, `values.sql` values of every type at their edges. Here
is what is known of them without a server; no module of the project is needed for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["HERE", "Object"]

HERE = Path(__file__).parent


@dataclass(frozen=True, order=True)
class Object:
    """As pg_identify_object says: its kind and its name; `oid` is that of its catalog's row."""

    kind: str
    identity: str
    catalog: str = ""
    oid: int = 0

    @property
    def name(self) -> tuple[str, str]:
        return self.kind, self.identity
