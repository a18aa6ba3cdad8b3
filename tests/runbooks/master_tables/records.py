"""What a fixture of a check is: a change to a loaded database, and what the check says to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import logins
from sandbox.cluster import Cluster

__all__ = ["BYSTANDER", "GROUP", "Green", "Red", "make_roles", "superuser"]

# Roles without login and without any right of their own. A role belongs to the whole cluster,
# so that all tests of a process share them; the login of the application is in the group.
BYSTANDER = "apms_bystander"
GROUP = "apms_group"


def make_roles(cluster: Cluster) -> None:
    with cluster.connect() as admin:
        admin.execute(f"""
        DO $$
        BEGIN
            IF to_regrole('{BYSTANDER}') IS NULL THEN
                CREATE ROLE {BYSTANDER} NOLOGIN;
                CREATE ROLE {GROUP} NOLOGIN ROLE {logins.APPLICATION};
            END IF;
        END $$
        """)


@dataclass(frozen=True)
class _Change:
    """`sql` runs as the owner of the tables, `admin` before it as a superuser.

    `between`: the change happens after preflight, which would see it and stop the run.
    `runbook` changes a copy of the runbook's folder instead of the database.
    """

    check: str
    name: str
    sql: str = ""
    admin: str = ""
    between: bool = False
    profile: str = "target"
    residue: str = "rollback"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    runbook: Callable[[Path], object] | None = None

    def __str__(self) -> str:
        return f"{self.check}-{self.name.replace(' ', '_')}"


@dataclass(frozen=True, kw_only=True)
class Red(_Change):
    """Something is wrong, and the check says what: `words` are a part of what it observed.

    `status` is `fail`, or `inconclusive` where the check cannot tell; `why` then says the reason.
    """

    words: str
    status: str = "fail"
    why: str = ""

    def __post_init__(self) -> None:
        assert (self.status == "inconclusive") == bool(self.why), self


@dataclass(frozen=True)
class Green(_Change):
    """A change to the same subject that is nobody's fault: the check still passes."""


def superuser(sql: str) -> str:
    """SQL past triggers and foreign keys, as a replication or a careless restore goes past them."""
    return f"SET session_replication_role = replica;\n{sql}"
