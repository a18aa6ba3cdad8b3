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

# Of a stranger's trial: what was unclear → what was changed.
_TRIAL = (
    (
        "Which statement of the migration did it: only the table of the rehearsal had it. An "
        "orphan came without a query, and a trigger that was gone without its definition and "
        "without a time.",
        "Why names the statement with its file and line, and the SELECT that shows the rows. What "
        "was judged and has changed since says between which moments, and the commands that make "
        "it again stand in the advice.",
    ),
    (
        "The stage that the failed check had ended stood beside it as findings of its own, three "
        "or four times.",
        "A stage that a check has ended is told once, with the check.",
    ),
    (
        "37 checks had passed, 16 of which did not apply; a twin that was switched off had passed.",
        "What does not apply has not passed, and is counted apart. A stage that did nothing says "
        "so.",
    ),
    (
        "Checks that had been asked on the copy were NOT RUN.",
        "They ran on the copy only, and their result, rows and seconds stand there.",
    ),
    (
        "The score was full and the decision HOLD. A criterion said PASS over checks that had "
        "failed.",
        "The criterion that decides stands beside the score. A PASS names the checks that do not "
        "count.",
    ),
    (
        "Whether the next command deploys; how a backup gets proven where none is.",
        "The next command says what it does, above all whether it deploys, and what a proven "
        "backup needs.",
    ),
    (
        "How a check is accepted until a day, and which rows the run had left behind.",
        "A waiver to be filled in and pasted, and the file that names the rows, are among the next "
        "steps.",
    ),
    (
        '"is fail"; samples such as "a column of a uuid"; lists that end at 20 as if there '
        "were no more.",
        "Sentences; table, key and column of a row; how many more there are.",
    ),
)


def _named(name: str) -> str:
    """What a picture is called where it cannot be seen; the sentence below it says the rest."""
    kind, width, *scheme = name.removesuffix(".png").split("-")
    return f"{kind.replace('_', '-')}, {width} pixels wide{', dark' if scheme else ''}"


def _trial() -> str:
    rows = "\n".join(f"| {unclear} | {changed} |" for unclear, changed in _TRIAL)
    return (
        "## A trial\n\n"
        "An engineer who knew nothing of the project got report.html of five runs, and nothing "
        "else: a NO-GO because the migration changed a row on the side, one because a RENAME broke "
        "a query of the application, one because of an orphan, a HOLD because of drift, and one "
        "because a trigger was dropped before the run had ended. He was asked which database it "
        "is, what was decided, why, and what to do next. He named database, decision, object and "
        "next command in all five. What stopped or misled him:\n\n"
        f"| What was unclear | What was changed |\n| --- | --- |\n{rows}"
    )


REPORTS = Page(
    "reports.md",
    "Reports",
    (
        "What a run, a playbook over several hosts and an audit leave for people: one HTML file "
        "each, which loads nothing and needs no script. The pictures show how each begins; "
        "`make docs` takes them again.",
        *(f"![{_named(name)}](pictures/{name})\n\n{words}" for name, words in SHOWN.items()),
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
        _trial(),
    ),
)
