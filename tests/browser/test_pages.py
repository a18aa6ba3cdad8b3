"""What holds for every page: on a wide and a narrow screen and on paper, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path

import pytest

from tests.browser.built import HOSTILE, KINDS, REPORTS, Built
from tests.browser.looks import NARROW, PAPER, WIDE, Screen, View

SCREENS = (WIDE, NARROW, PAPER)
SCHEMES = ("light", "dark")


def views(
    kinds: Iterable[str] = KINDS,
    screens: Iterable[Screen] = SCREENS,
    schemes: Iterable[str] = SCHEMES,
) -> pytest.MarkDecorator:
    found = [*product(kinds, screens, schemes)]
    names = [f"{kind}-{screen.name}-{scheme}" for kind, screen, scheme in found]
    return pytest.mark.parametrize("view", found, ids=names, indirect=True, scope="module")


LIGHT = ("light",)
EVERY = (*KINDS, *HOSTILE)


@views(EVERY)
def test_the_browser_complains_of_nothing_and_fetches_nothing(view: View) -> None:
    assert (view.said, view.fetched) == ([], [])


@views(EVERY)
def test_nothing_is_wider_than_the_screen(view: View) -> None:
    assert view.wider() == []


@views(EVERY, schemes=LIGHT)
def test_no_script_is_there(view: View) -> None:
    assert view.page.locator("script, iframe, object, embed, form, img, link, base").count() == 0


@views(screens=[WIDE])
def test_the_verdict_and_the_first_reason_are_seen_at_once(
    view: View, built: Mapping[str, Built]
) -> None:
    (page,) = (page for page in built.values() if page.file == view.file)
    assert view.not_at_once(page.first, 800) == []


@views(EVERY)
def test_every_text_has_contrast(view: View) -> None:
    assert view.pale() == []


@views(screens=[WIDE, NARROW], schemes=LIGHT)
def test_axe_finds_nothing(view: View, axe_core: Path) -> None:
    assert view.inaccessible(axe_core) == {}


@views(EVERY, screens=[WIDE], schemes=LIGHT)
def test_every_link_leads_somewhere(view: View) -> None:
    assert view.dead_links() == []


@views(REPORTS, screens=[WIDE, NARROW], schemes=LIGHT)
def test_a_click_selects_a_command(view: View) -> None:
    assert view.commands() > 0
    assert view.uncopied() == []


@views(EVERY, screens=[PAPER])
def test_paper_has_all_of_it_and_no_dark_ground(view: View) -> None:
    assert (view.hidden(), view.dark()) == ([], [])


@views(screens=[NARROW], schemes=LIGHT)
def test_the_keyboard_goes_through_in_the_order_of_reading(view: View) -> None:
    view.page.reload()
    assert view.misled() == []
