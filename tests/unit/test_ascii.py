"""SQL that reaches a server is ASCII: not every encoding of a database has every character.

A server converts the whole text of a query, comments included, and refuses all of it for one
character that it does not have (22P05).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.support import scripts
from tests.integration.support.harness import PROJECT

_PACKAGE = PROJECT / "module_utils" / "gonogo"
_FACTS = {
    "config_versions_id_type": "text",
    "config_versions_status_column": "status",
    "delete_rules": [],
    "isolation": [],
    "ledger_tables": [],
    "names": {},
    "users": ["a", "b"],
    "workflow_instances_current_stage_column": "current_stage_number",
    "workflow_instances_status_column": "status",
    "workflow_stages_status_column": "status",
    "workspace": {"id": "00000000-0000-4000-8000-000000000000"},
}
# What these write is for people, or compared here; it reaches no server.
_OURS = {
    "canonical.py",
    "connection.py",
    "effects.py",
    "errors.py",
    "failures.py",
    "refusal.py",
    "redaction.py",
    "statements.py",
}


def _sql_files() -> Iterator[Path]:
    for folder in (PROJECT / "runbooks", _PACKAGE):
        for ending in ("*.sql", "*.sql.j2", "*.yml.j2"):
            yield from sorted(folder.rglob(ending))


@pytest.mark.parametrize("file", list(_sql_files()), ids=lambda file: file.name)
def test_sql_files(file: Path) -> None:
    assert file.read_text(encoding="utf-8").isascii()


@pytest.mark.parametrize("profile", ["target", "as_deployed"])
def test_rendered_scripts(profile: str) -> None:
    names = {name: ["name"] for name in _names(profile)}
    suite = scripts.Suite(profile=profile)
    for script in suite.scripts(scripts.PHASES, {**_FACTS, "names": names}):
        assert script.text.isascii(), script.name


def _names(profile: str) -> Iterator[str]:
    for table in scripts.Suite(profile=profile).runbook.manifest.tables:
        for group in (table.checks, table.unique, table.indexes, table.triggers):
            yield from (item.name for item in group)


def test_sql_in_modules() -> None:
    found = {
        file.name
        for file in _PACKAGE.rglob("*.py")
        for constant in _constants(ast.parse(file.read_text(encoding="utf-8")))
        if not constant.isascii()
    }
    assert found <= _OURS


def _constants(tree: ast.Module) -> Iterator[str]:
    """Texts of a module that are no docstrings."""
    documented = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documented
        ):
            yield node.value
