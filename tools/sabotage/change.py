"""What is done to a copy of the database, and what the gate has to say to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["OLDEST", "Change", "Mutation", "Undeclared", "Variant", "past_triggers"]

# The first major version of PostgreSQL that the product knows.
OLDEST = 13


@dataclass(frozen=True, kw_only=True)
class Change:
    """`sql` runs as the owner of the tables, `admin` before it as a superuser, and before both the
    commands `alone`, each in no transaction with any other.

    `since`: the first major version of PostgreSQL that can do it. `whole_server`: it changes
    what belongs to all databases, so the server is thrown away afterwards. `between`: it happens
    after preflight, which has seen the database as it should be. `parameters` are the runbook's,
    `declares` what its manifest says of a function besides: name → key → texts.
    `options`: those of CREATE DATABASE, of a database that is no copy but one of another kind.
    """

    id: str
    words: str
    sql: str = ""
    admin: str = ""
    alone: tuple[str, ...] = ()
    since: int = OLDEST
    whole_server: bool = False
    between: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    declares: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    options: str = ""

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, kw_only=True)
class Mutation(Change):
    """Something is broken.

    `right` are the checks, or stages, whose subject it is: one of them has to fail. Of those in
    `unknown` it is enough that they cannot tell, because the mutation takes away what they look
    at. What is only `reported` (its checks never count) does not prevent a GO.
    """

    kind: str
    right: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    reported: bool = False


@dataclass(frozen=True, kw_only=True)
class Variant(Change):
    """A difference that is nobody's fault: the verdict stays GO."""


@dataclass(frozen=True, kw_only=True)
class Undeclared(Change):
    """It does what it should, in a way that the runbook does not declare: the verdict is a HOLD.

    `right` are the checks that cannot tell it from what only seems to do so; one of them has to say
    so.
    """

    right: tuple[str, ...]


def past_triggers(sql: str) -> str:
    """SQL past triggers and foreign keys, as a replication or a careless restore goes past them."""
    return f"SET session_replication_role = replica;\n{sql}"
