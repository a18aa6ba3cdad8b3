"""Every page, open in Chromium. Without Chromium each test is skipped, with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.built import Built, build
from tests.browser.looks import Screen, View
from tests.browser.provided import axe, chromium, started


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("there is no Chromium: `make browser` as root installs it")
    with started(program) as browser:
        yield browser


@pytest.fixture(scope="session")
def axe_core() -> Path:
    script = axe()
    if script is None:
        pytest.skip("there is no axe-core: `make browser` gets it from npm's registry")
    return script


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Built]:
    return build(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def view(
    request: pytest.FixtureRequest, browser: Browser, built: Mapping[str, Built]
) -> Iterator[View]:
    """One page on one screen; pytest runs together what looks at the same."""
    kind, screen, scheme = request.param
    assert isinstance(screen, Screen)
    opened = View.open(browser, built[kind].file, screen, scheme)
    yield opened
    opened.close()
