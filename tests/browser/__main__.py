"""Get what the browser tests need: python -m tests.browser.

What cannot be had is said on stderr, and is no error: the tests that need it are skipped.
"""

from __future__ import annotations

import sys

from tests.browser.provided import axe, chromium, provide

for obstacle in provide():
    sys.stderr.write(f"{obstacle}\n")
there = [name for name, found in (("Chromium", chromium()), ("axe-core", axe())) if found]
sys.stdout.write(f"browser tests: {', '.join(there) or 'nothing is there'}\n")
