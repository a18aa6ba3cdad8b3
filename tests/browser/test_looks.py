"""What is asked of the pages notices what is wrong, each fault in a page that has only that one."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.looks import NARROW, PAPER, WIDE, Screen, View

_HEAD = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A page</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    "<style>:root {{ color-scheme: light dark; }} {style}</style></head>"
    "<body><main><h1>A page</h1>{body}</main></body></html>"
)


def opened(
    browser: Browser,
    folder: Path,
    body: str,
    *,
    style: str = "",
    screen: Screen = WIDE,
    scheme: str = "light",
) -> View:
    file = folder / "page.html"
    file.write_text(_HEAD.format(style=style, body=body), encoding="utf-8")
    return View.open(browser, file, screen, scheme)


def test_a_page_without_a_fault_has_none(browser: Browser, tmp_path: Path, axe_core: Path) -> None:
    body = (
        '<p><a href="#here">There</a></p><p id="here">Words</p>'
        "<details><summary>More</summary><p>Folded</p></details>"
        '<pre class="command" tabindex="0">make test</pre>'
    )
    view = opened(browser, tmp_path, body, style="pre { user-select: all; }")
    assert (view.said, view.fetched, view.wider(), view.dead_links()) == ([], [], [], [])
    assert (view.misled(), view.uncopied(), view.pale()) == ([], [], [])
    assert view.inaccessible(axe_core) == {}
    assert view.not_at_once(["A page", "Words"], 800) == []
    view.close()


@pytest.mark.parametrize(
    ("body", "said", "fetched"),
    [
        ('<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">', 1, 0),
        ("<script>console.warn('x')</script>", 1, 0),
        ("<script>throw new Error('x')</script>", 1, 0),
        ("<script>alert(1)</script>", 1, 0),
        ('<img src="http://127.0.0.1:9/x.png" alt="">', 1, 1),
        ('<img src="missing.png" alt="">', 1, 1),
    ],
)
def test_complaints_and_requests(
    browser: Browser, tmp_path: Path, body: str, said: int, fetched: int
) -> None:
    view = opened(browser, tmp_path, body)
    view.page.wait_for_load_state()
    assert (bool(view.said), len(view.fetched)) == (bool(said), fetched)
    view.close()


def test_what_the_policy_refuses_is_a_complaint(browser: Browser, tmp_path: Path) -> None:
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    file = tmp_path / "page.html"
    file.write_text(f"<!DOCTYPE html>{policy}<p style='color: red'>x", encoding="utf-8")
    view = View.open(browser, file, WIDE, "light")
    assert "Content Security Policy" in "".join(view.said)
    view.close()


@pytest.mark.parametrize(
    "body",
    [
        f"<p>{'x' * 100}</p>",
        '<div style="overflow-x: auto"><p style="width: 500px">x</p></div>',
        '<div style="overflow: hidden; width: 50px"><p style="width: 90px">x</p></div>',
    ],
)
def test_what_is_too_wide(browser: Browser, tmp_path: Path, body: str) -> None:
    view = opened(browser, tmp_path, body, screen=NARROW)
    assert len(view.wider()) == 1
    view.close()


def test_a_region_may_scroll(browser: Browser, tmp_path: Path) -> None:
    region = '<div role="region" tabindex="0" aria-label="Wide" style="overflow-x: auto">'
    body = f'{region}<p style="width: 500px">x</p></div>'
    view = opened(browser, tmp_path, body, screen=NARROW)
    assert view.wider() == []
    view.close()


@pytest.mark.parametrize(
    "body",
    [
        '<p style="margin-top: 900px">the reason</p>',
        '<p style="display: none">the reason</p>',
        "<details><summary>More</summary><p>the reason</p></details>",
        "<p>another</p>",
    ],
)
def test_what_is_not_seen_at_once(browser: Browser, tmp_path: Path, body: str) -> None:
    view = opened(browser, tmp_path, body)
    assert view.not_at_once(["the reason"], 800) == ["the reason"]
    view.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("style", "body"),
    [
        ("p { color: #777; background: #888; }", "<p>pale</p>"),
        ("p { color: #8888; }", "<p>pale</p>"),
        ("div { background: #345; } p { color: #444; }", "<div><p>pale</p></div>"),
        ("p::before { content: 'pale'; color: #777; }", "<p></p>"),
        ("text { fill: #777; }", '<svg><text y="20">pale</text></svg>'),
        ("p { color: #777; }", "<details><summary>x</summary><p>pale</p></details>"),
    ],
)
def test_pale_texts(browser: Browser, tmp_path: Path, style: str, body: str, scheme: str) -> None:
    view = opened(browser, tmp_path, body, style=style, scheme=scheme)
    (found,) = view.pale()
    assert "pale" in found
    view.close()


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("heading-order", "<h3>Third</h3>"),
        ("empty-table-header", "<table><tr><th></th></tr><tr><td>x</td></tr></table>"),
        ("svg-img-alt", '<svg role="img"><circle r="2"/></svg>'),
        ("page-has-heading-one", "<script>document.querySelector('h1').remove()</script>"),
    ],
)
def test_what_axe_finds(
    browser: Browser, tmp_path: Path, axe_core: Path, rule: str, body: str
) -> None:
    view = opened(browser, tmp_path, body)
    assert [*view.inaccessible(axe_core)] == [rule]
    view.close()


@pytest.mark.parametrize(
    ("body", "dead"),
    [
        ('<a href="#nowhere">x</a>', "#nowhere"),
        ('<a href="#hidden">x</a><p id="hidden" hidden>y</p>', "#hidden"),
        ('<a href="report.html">x</a>', "report.html"),
        ('<a href="http://127.0.0.1/">x</a>', "http://127.0.0.1/"),
        ('<p id="a">x</p><p id="a">y</p>', "two elements are a"),
    ],
)
def test_dead_links(browser: Browser, tmp_path: Path, body: str, dead: str) -> None:
    view = opened(browser, tmp_path, body)
    assert view.dead_links() == [dead]
    view.close()


@pytest.mark.parametrize(
    "style", ["", "pre { user-select: none; }", "pre::before { content: '$ ' }"]
)
def test_commands_that_a_click_does_not_select(
    browser: Browser, tmp_path: Path, style: str
) -> None:
    view = opened(browser, tmp_path, '<pre class="command">make test</pre>', style=style)
    assert view.uncopied() == ["make test"]
    view.close()


@pytest.mark.parametrize(
    ("body", "style"),
    [
        ("<details><summary>More</summary><p>evidence</p></details>", ""),
        ('<p class="no">evidence</p>', "@media print { .no { display: none } }"),
        ('<p class="no">evidence</p>', ".no { position: absolute; left: -99rem }"),
        ('<p class="no">evidence</p>', ".no { visibility: hidden }"),
    ],
)
def test_what_paper_does_not_have(browser: Browser, tmp_path: Path, body: str, style: str) -> None:
    view = opened(browser, tmp_path, body, style=style, screen=PAPER)
    assert view.hidden() == ["evidence"]
    view.close()


def test_dark_paper(browser: Browser, tmp_path: Path) -> None:
    style = ":root { color-scheme: light; } main { background: #222; color: #fff; }"
    view = opened(browser, tmp_path, "<p>x</p>", style=style, screen=PAPER)
    assert view.dark() == ["MAIN rgb(34, 34, 34)"]
    view.close()


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="#a" tabindex="2">x</a> <a href="#a" tabindex="1">y</a>', "y: out of order"),
        (
            '<div style="display: flex; flex-direction: column-reverse; gap: 90px">'
            '<a href="#a">x</a><a href="#a">y</a></div>',
            "y: above the one before it",
        ),
        ('<a href="#a" style="position: fixed; left: -900px">x</a>', "x: not seen"),
        ('<a href="#a" style="outline: none">x</a>', "x: not marked"),
    ],
)
def test_where_the_keyboard_is_misled(
    browser: Browser, tmp_path: Path, body: str, fault: str
) -> None:
    view = opened(browser, tmp_path, f'<div id="a">{body}</div>', screen=NARROW)
    assert fault in view.misled()
    view.close()
