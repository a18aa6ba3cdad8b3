"""Pages that tests stand behind: as their rows say, and every test they name is there."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.pages import Page
from tests.pages.all import PAGES

ROOT = Path(__file__).parents[2]


@cache
def _tests(file: Path) -> set[str]:
    """Names of the test functions of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_as_its_rows_say(page: Page) -> None:
    written = (ROOT / "docs" / page.name).read_text(encoding="utf-8")
    assert written == page.markdown(), "write it again: python -m tests.pages"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_is_there(page: Page) -> None:
    for row in page.rows():
        function = row.test.partition("::")[2].partition("[")[0]
        assert function in _tests(ROOT / row.path), row.test
