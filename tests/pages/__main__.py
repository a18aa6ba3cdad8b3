"""Write the pages: python -m tests.pages."""

from __future__ import annotations

from pathlib import Path

from tests.pages.all import PAGES

for page in PAGES:
    file = Path(__file__).parents[2] / "docs" / page.name
    file.write_text(page.markdown(), encoding="utf-8")
