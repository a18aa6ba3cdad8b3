"""Which checks a subject is the business of.

Written from what the runbook's checks say they are about, not from what they answer. Where
several checks have a subject, one of them is enough.
"""

from __future__ import annotations

from tools.sabotage.shape import Shape

__all__ = [
    "INDEXES_BY_NAME",
    "foreign_key_checks",
    "index_checks",
    "reference_checks",
    "type_checks",
]

# The columns that hold a reference of their own kind.
_ALIGNED = {"config_versions": "C2.B", "workspaces": "C2.C", "users": "C2.D"}

# The titles of I1.1 to I1.3 mean these; I1.4 has all the others.
INDEXES_BY_NAME = {
    "idx_workflow_stages_pending_by_user": "I1.1",
    "idx_workflow_stages_overdue": "I1.2",
    "idx_workflow_instances_status": "I1.3",
}


def index_checks(name: str) -> tuple[str, ...]:
    return (INDEXES_BY_NAME.get(name, "I1.4"),)


def type_checks(shape: Shape, table: str, column: str) -> tuple[str, ...]:
    """Checks that ask for the type of a column."""
    found = ["C1.7"]
    if column == "id":
        found.append("C2.A")
    parents = shape.parents(table, column)
    found += [_ALIGNED[parent] for parent in parents if parent in _ALIGNED]
    if parents or column == "id":
        found.append("V5.1")
    if "config_versions" in parents or (table, column) == ("config_versions", "id"):
        # Preflight asks the same, and stops.
        found.append("0.7")
    return tuple(found)


def foreign_key_checks(*, present: bool = True) -> tuple[str, ...]:
    """Checks that ask for a foreign key; without one, deleting a parent leaves orphans."""
    return ("C1.3",) if present else ("C1.3", "C5.3")


def reference_checks(table: str, column: str) -> tuple[str, ...]:
    """Checks that read a reference of every row, and find one that points at nothing."""
    more = {
        ("config_versions", "previous_version_id"): ("C3.6",),
        ("config_versions", "superseded_by_id"): ("C3.6",),
        ("config_versions", "imported_by"): ("I3.1",),
        ("workflow_instances", "config_version_id"): ("C4.3",),
        ("workflow_stages", "workflow_instance_id"): ("V3.4",),
    }
    return ("C1.6", *more.get((table, column), ()))
