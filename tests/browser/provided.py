"""Chromium and axe-core: where they are, how they are got, and how the browser is started."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests import apt
from tools.matrix import registry
from tools.matrix.cache import Cache, digest
from tools.matrix.errors import MatrixError, UnavailableError
from tools.project import PROJECT

__all__ = ["axe", "chromium", "provide", "started"]

_LOCK = PROJECT / "requirements" / "axe"
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# All of apt's work.
_SECONDS = 240
# It asks nobody outside of this machine for anything.
_ALONE = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-first-run",
)


def chromium() -> Path | None:
    """The browser's program."""
    found = (shutil.which(name) for name in _NAMES)
    return next((Path(path) for path in found if path), None)


def axe() -> Path | None:
    """The script of axe-core, as it was pinned."""
    found = Cache().find(_name())
    return found / "node_modules" / "axe-core" / "axe.min.js" if found else None


def provide() -> list[str]:
    """Get both; returns why what is not there could not be had."""
    packages = ("chromium", "fonts-dejavu-core")
    obstacles = [apt.provide("Chromium", packages, chromium, seconds=_SECONDS)]
    try:
        Cache().made(_name(), _install)
    except (MatrixError, UnavailableError) as error:
        obstacles.append(f"axe-core cannot be had: {error}")
    return [obstacle for obstacle in obstacles if obstacle]


@contextmanager
def started(program: Path) -> Iterator[Browser]:
    """A browser without a window; it has a new profile of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ALONE)
        try:
            yield browser
        finally:
            browser.close()


def _name() -> str:
    return f"axe-{digest(_LOCK / 'package-lock.json')}"


def _install(path: Path) -> None:
    registry.npm_install(_LOCK, path)
