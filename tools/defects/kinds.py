"""The defects, which `kinds.yml` has. Each is SQL behind the migrations, as somebody might have
left it in one of them.

Names in braces are of the application, see `shape`; a defect about what it does not have is left
out for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

__all__ = ["BEFORE", "KINDS", "UNTOLD", "Kind", "made"]


@dataclass(frozen=True)
class Kind:
    """`checks`: whose subject it is, any of them; `admin`: what a superuser does besides."""

    id: str
    checks: tuple[str, ...]
    sql: str = ""
    admin: str = ""


_READ = yaml.safe_load(Path(__file__).with_name("kinds.yml").read_text(encoding="utf-8"))
# What an application may have besides, there before its migrations.
BEFORE = str(_READ["before"])
KINDS = tuple(Kind(**{**one, "checks": tuple(one["checks"])}) for one in _READ["kinds"])
# What no derived check of the database can tell: a reference schema or a query of the application
# may.
UNTOLD = tuple(map(str, _READ["untold"]))


def made(text: str, names: Mapping[str, str]) -> str | None:
    """SQL with the names of an application; None where it has none of that kind."""
    try:
        plain = text
        while "{hidden:" in plain:
            head, _, rest = plain.partition("{hidden:")
            command, tail = _cut(rest)
            encoded = command.format_map(names).encode().hex()
            plain = f"{head}EXECUTE convert_from(decode('{encoded}', 'hex'), 'UTF8'){tail}"
        return plain.format_map(names)
    except KeyError:
        return None


def _cut(rest: str) -> tuple[str, str]:
    """Up to the brace that closes the one before, and what is behind it."""
    depth = 1
    for place, sign in enumerate(rest):
        depth += (sign == "{") - (sign == "}")
        if not depth:
            return rest[:place], rest[place + 1 :]
    raise ValueError(rest)
