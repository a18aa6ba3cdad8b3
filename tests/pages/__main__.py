"""Write the pages: python -m tests.pages."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "module_utils"))

from tests.pages.all import PAGES  # noqa: E402 - what it imports is on the path by now

for page in PAGES:
    file = ROOT / "docs" / page.name
    file.write_text(page.markdown(), encoding="utf-8")
