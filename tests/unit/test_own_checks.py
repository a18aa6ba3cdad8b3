"""A folder of own checks: what a head says, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.contract.errors import InputError
from gonogo.controller.runbook import own_checks

GOOD = """-- Who reads this is told why.
-- check: every order has a customer
-- examined: SELECT count(*) FROM orders
--
SELECT o.id FROM orders AS o WHERE o.customer IS NULL;
"""


def folder(tmp_path: Path, **files: str | bytes) -> Path:
    for name, text in files.items():
        path = tmp_path / f"{name}.sql"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return tmp_path


def test_a_head_and_its_defaults(tmp_path: Path) -> None:
    found = own_checks.read(folder(tmp_path, **{"orders-have_1": GOOD}))
    (check,) = found.checks
    assert check == own_checks.OwnCheck(
        id="D11.orders-have_1",
        file="orders-have_1.sql",
        title="Every order has a customer",
        query="SELECT o.id FROM orders AS o WHERE o.customer IS NULL",
        when="after",
        expect="no rows",
        value=None,
        effect="no_go",
        examined="SELECT count(*) FROM orders",
        empty_ok=False,
        key=None,
        remedy="Look at what the query of orders-have_1.sql finds.",
    )
    assert set(found.digests) == {"orders-have_1.sql"}


def test_everything_that_a_head_can_say(tmp_path: Path) -> None:
    text = (
        "-- check: a\n-- expect: value 4 2\n-- severity: hold\n-- when: both\n-- remedy: do it\n"
        "-- empty: ok\nSELECT 1"
    )
    before, after = own_checks.read(folder(tmp_path, a=text)).checks
    assert (before.id, after.id) == ("D11.a.before", "D11.a")
    assert (before.title, after.title) == ("A, before the migration", "A")
    assert (before.when, after.when) == ("before", "after")
    assert (after.expect, after.value, after.effect) == ("value", "4 2", "hold")
    assert (after.empty_ok, after.examined, after.remedy) == (True, None, "do it")


def head(*lines: str, query: str = "SELECT 1;") -> str:
    return "\n".join(["-- check: a", *(f"-- {line}" for line in lines), query])


EXAMINED = "examined: SELECT 1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1;", "a.sql:1: the head does not say what is checked"),
        (head(), "a.sql:1: the head does not say how many rows there are to look at"),
        (head("severty: hold", EXAMINED), "a.sql:2: a check's head has no 'severty'"),
        (head(EXAMINED, "severity: fatal"), "a.sql:3: 'severity' cannot be 'fatal'"),
        (head(EXAMINED, "when: later"), "a.sql:3: 'when' cannot be 'later'"),
        (head("empty: no"), "a.sql:2: 'empty' cannot be 'no'"),
        (head(EXAMINED, "expect: no row"), "a.sql:3: 'expect' cannot be 'no row'"),
        (head(EXAMINED, "expect: value"), "a.sql:3: 'expect' cannot be 'value'"),
        (head(EXAMINED, EXAMINED), "a.sql:3: 'examined' is said twice"),
        (head(EXAMINED, "remedy:"), "a.sql:3: 'remedy' says nothing"),
        (head(EXAMINED, "expect: value 1", "key: id"), "a.sql:4: a value has no key"),
        (head("examined: DELETE FROM a"), "a.sql:2: is no query: DELETE"),
        (head("examined: SELECT 1; SELECT 2"), "a.sql:2: there is more than one statement"),
        (head(EXAMINED, query="SELECT 1;\nDROP TABLE a"), "a.sql:4: there is more than one state"),
        (head(EXAMINED, query="TRUNCATE a"), "a.sql:3: is no query: TRUNCATE"),
        (head(EXAMINED, query="-- nothing"), "a.sql:1: there is no query"),
        (head(EXAMINED, query="SELECT 'a"), "a.sql:3: a quoted text begins here"),
        (head(EXAMINED, query="SELECT 1\n\\g"), "a.sql:4: a backslash outside of quotes"),
        (
            head(EXAMINED, query="SELECT dblink('password=hunter2')"),
            "a.sql:3: the query holds what looks like a password",
        ),
        (b"-- check: a\n-- examined: \xff", "a.sql:2: is not UTF-8"),
        (b"-- check: a\n\0", "a.sql:2: a NUL character"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        own_checks.read(folder(tmp_path, a=text))
    assert caught.value.primary.startswith(message)
    assert "hunter2" not in caught.value.render()


def test_all_that_is_wrong_in_a_folder_is_said_at_once(tmp_path: Path) -> None:
    place = folder(tmp_path, a="SELECT 1", b=head("when: later", "expcet: rows"), good=GOOD)
    (place / "below").mkdir()
    folder(place / "below", c=GOOD)
    folder(place, **{"a name": GOOD})
    with pytest.raises(InputError) as caught:
        own_checks.read(place)
    told = caught.value.render()
    for words in (
        "a.sql:1: the head does not say what is checked",
        "a.sql:1: the head does not say how many rows",
        "b.sql:2: 'when' cannot be 'later'",
        "b.sql:3: a check's head has no 'expcet'",
        "below/c.sql is not read",
        "a name.sql is no name of a check",
    ):
        assert words in told, told


@pytest.mark.parametrize("made", [False, True])
def test_a_folder_without_a_check(tmp_path: Path, made: bool) -> None:
    place = tmp_path / "checks"
    if made:
        place.mkdir()
    with pytest.raises(InputError, match="no check in the folder" if made else "no such folder"):
        own_checks.read(place)
