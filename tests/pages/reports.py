"""What the HTML pages look like, and what the browser tests ask of each."""

from __future__ import annotations

from tests.pages import Page, Row, Table

__all__ = ["REPORTS", "SHOWN"]

# Picture → what it is of, in a sentence.
SHOWN = {
    "go-1280.png": "GO: every check that counts has passed, and what that rests on.",
    "hold-1280.png": "HOLD: a check has proved nothing, an index is missing, and what would make "
    "it a GO.",
    "no_go-1280.png": "NO-GO: what is wrong, which rows or objects it is about, and what of the "
    "run did not happen because of it.",
    "no_go-1280-dark.png": "The same page where the system is set to dark.",
    "no_go-360.png": "The same page on a telephone: nothing scrolls sideways, and rows of tables "
    "become lists.",
    "deployment-1280.png": "A deployment: the migration was applied, and what each statement has "
    "cost.",
    "fleet-1280.png": "Several hosts: how many of each verdict, the worst first, each with its "
    "first reason and a link to its report.",
    "fleet-360-dark.png": "The same summary on a telephone.",
    "audit-1280.png": "An audit: what is new, worse, better and gone since the last one, then all "
    "checks with how their numbers went.",
    "audit-1280-dark.png": "The same audit where the system is set to dark.",
    "audit-360.png": "The same audit on a telephone.",
}

_PAGES = "browser/test_pages.py"
_ASKED = (
    (
        "nothing is complained of in the console, a violation of the page's own policy among it, "
        "and nothing is fetched",
        "all",
        "test_the_browser_complains_of_nothing_and_fetches_nothing",
    ),
    ("there is no script, frame, form or picture", "all", "test_no_script_is_there"),
    (
        "nothing is wider than the screen, but in a region with a label that the keyboard reaches",
        "all",
        "test_nothing_is_wider_than_the_screen",
    ),
    (
        "the verdict and the first reason are seen without scrolling; of an audit the first change",
        "1280 by 800",
        "test_the_verdict_and_the_first_reason_are_seen_at_once",
    ),
    (
        "every text has the contrast of WCAG AA, folded ones too",
        "all",
        "test_every_text_has_contrast",
    ),
    (
        "axe-core finds nothing against WCAG 2.2 AA and its best practices: headings in order, "
        "names of tables and pictures",
        "1280 and 360",
        "test_axe_finds_nothing",
    ),
    (
        "every link leads to an element of the page that is seen, or to a file that is there",
        "1280",
        "test_every_link_leads_somewhere",
    ),
    (
        "a click selects a command, all of it and no more",
        "1280 and 360; of reports",
        "test_a_click_selects_a_command",
    ),
    (
        "printed, nothing is folded away, left out or dark, also where the screen is dark",
        "A4",
        "test_paper_has_all_of_it_and_no_dark_ground",
    ),
    (
        "the Tab key goes through all of it in the order of reading, and what has the focus is "
        "seen and marked",
        "360",
        "test_the_keyboard_goes_through_in_the_order_of_reading",
    ),
)

REPORTS = Page(
    "reports.md",
    "Reports",
    (
        "What a run, a playbook over several hosts and an audit leave for people: one HTML file "
        "each, which loads nothing and needs no script. The pictures show how each begins; "
        "`make docs` takes them again.",
        *(f"![{words}](pictures/{name})\n\n{words}" for name, words in SHOWN.items()),
        Table(
            ("What holds", "Where"),
            tuple(Row((words, where), f"{_PAGES}::{test}") for words, where, test in _ASKED),
            heading="What is asked of each page",
            words="`make browser` opens every page in Chromium, made of the evidence of real runs: "
            "the reports of a GO, a HOLD, a NO-GO, a deployment and a run that was stopped early, "
            "the summary of several hosts and an audit, and one of each whose every text is "
            "hostile. Light and dark, on screens of 1280 and 360 px and on paper. "
            "tests/browser/test_looks.py shows of each question that it notices the fault.",
        ),
    ),
)
