"""The catalogue of mutations, and what is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.sabotage import page, work
from tools.sabotage.catalogue import mutations, sample, undeclared, variants
from tools.sabotage.change import OLDEST, Mutation, Undeclared, Variant
from tools.sabotage.explained import EXPLAINED
from tools.sabotage.gate import Judged
from tools.sabotage.lab import Outcome
from tools.sabotage.mutations.turns import turns
from tools.sabotage.records import Records
from tools.sabotage.score import Score, found, held, score
from tools.sabotage.shape import Shape

SHAPE = Shape()
MUTATIONS = mutations()
STAGES = {"target"}


# --- the catalogue -------------------------------------------------------------------------------


def test_there_are_enough() -> None:
    assert len(MUTATIONS) >= 200
    assert len([item for item in variants() if item.since == OLDEST]) >= 60


def test_each_has_a_name_of_its_own() -> None:
    names = Counter(change.id for change in (*MUTATIONS, *variants(), *undeclared()))
    assert [name for name, number in names.items() if number > 1] == []


def test_each_mutation_does_something() -> None:
    idle = [item.id for item in MUTATIONS if not (item.sql or item.admin or item.parameters)]
    assert idle == []


def test_right_are_only_checks_that_there_are() -> None:
    known = {*SHAPE.runbook.checks, *STAGES}
    for mutation in MUTATIONS:
        assert mutation.right, mutation.id
        assert {*mutation.right, *mutation.unknown} <= known, mutation.id


def test_every_check_is_right_about_something() -> None:
    right = {check for mutation in MUTATIONS for check in (*mutation.right, *mutation.unknown)}
    never = [check for check in SHAPE.runbook.checks if check not in right]
    assert [check for check in never if check not in EXPLAINED] == []


def test_only_what_never_counts_may_leave_a_go() -> None:
    plan = {item.id: item.class_ for item in SHAPE.runbook.declared.criteria}
    for mutation in (item for item in MUTATIONS if item.reported):
        for name in mutation.right:
            check = SHAPE.runbook.checks[name]
            assert check.effect == "none" or plan[check.criterion] == "nice", mutation.id


def _columns(kind: str) -> set[str]:
    """Table.column of the mutations of a kind."""
    return {item.id.rsplit(": ", 1)[1] for item in MUTATIONS if item.kind == kind}


@pytest.mark.parametrize("kind", ["column type", "column nullability", "column default"])
def test_every_column_is_tried(kind: str) -> None:
    declared = {
        f"{name}.{column['name']}"
        for name, table in SHAPE.tables.items()
        for column in table["columns"]
        if kind != "column nullability" or column["name"] not in table["primary_key"]
    }
    assert _columns(kind) >= declared


def _ids(beginning: str) -> set[str]:
    return {item.id.removeprefix(beginning) for item in MUTATIONS if item.id.startswith(beginning)}


@pytest.mark.parametrize(
    ("beginning", "declared"),
    [
        ("table missing: ", list(SHAPE.tables)),
        ("primary key missing: ", list(SHAPE.tables)),
        ("key missing: ", [key["name"] for key in SHAPE.foreign_keys]),
        ("CHECK missing: ", [c["name"] for t in SHAPE.tables.values() for c in t["checks"]]),
        ("index missing: ", [i["name"] for t in SHAPE.tables.values() for i in t["indexes"]]),
        ("index invalid: ", [i["name"] for t in SHAPE.tables.values() for i in t["indexes"]]),
        ("trigger missing: ", [g["name"] for t in SHAPE.tables.values() for g in t["triggers"]]),
        ("trigger disabled: ", [g["name"] for t in SHAPE.tables.values() for g in t["triggers"]]),
        ("duplicate: ", [u["name"] for t in SHAPE.tables.values() for u in t["unique"]]),
        ("orphan: ", [f"{r['table']}.{r['columns'][0]}" for r in SHAPE.relations]),
        ("function missing: ", [f["name"] for f in SHAPE.manifest["functions"]]),
    ],
    ids=lambda value: value.strip(": ") if isinstance(value, str) else "",
)
def test_every_object_is_tried(beginning: str, declared: list[str]) -> None:
    assert _ids(beginning) == set(declared)


def test_every_value_of_a_list_is_tried() -> None:
    declared = {
        f"{check['name']} {value}"
        for table in SHAPE.tables.values()
        for check in table["checks"]
        for value in check.get("accepts", [])
    }
    assert _ids("CHECK value missing: ") == declared


def test_every_action_of_a_key_is_tried() -> None:
    changed = [item.id for item in MUTATIONS if item.id.startswith("key on delete ")]
    assert {name.rsplit(": ", 1)[1] for name in changed} == {
        key["name"] for key in SHAPE.foreign_keys
    }


def test_a_sample_has_each_kind() -> None:
    kinds = {item.kind for item in MUTATIONS if item.since <= OLDEST}
    assert {item.kind for item in sample(OLDEST, by_hand=True)} == kinds
    assert sample(OLDEST) == sample(OLDEST)


def test_turns() -> None:
    def made(name: str, since: int = OLDEST) -> Mutation:
        return Mutation(id=name, words=name, kind="k", right=("C1.1",), since=since)

    items = [made("a"), made("b"), made("c"), made("new", 18)]

    def names(number: int, share: int) -> list[str]:
        return [item.id for item in turns(items, number, share)]

    assert names(0, 1) == ["new", "a"]
    assert names(4, 1) == ["new", "b"]
    assert names(1, 2) == ["new", "c", "a"]
    assert names(0, 9) == ["new", "a", "b", "c"]


def test_shares_hold_everything_once() -> None:
    every = [change.id for change in work.chosen("", 18)]
    parts = [change.id for part in range(3) for change in work.chosen("", 18)[part::3]]
    assert sorted(parts) == sorted(every)
    assert len(work.chosen("", OLDEST)) < len(every)


# --- what is counted -----------------------------------------------------------------------------

MUTATION = Mutation(id="m", words="it is broken", kind="k", right=("C1.7",), unknown=("0.7",))
REPORTED = Mutation(id="r", words="a code", kind="k", right=("C1.12",), reported=True)
VARIANT = Variant(id="v", words="a comment")
UNDECLARED = Undeclared(id="u", words="in other words", right=("C1.9",))


def outcome(
    decision: str, *, of: str = "m", failed: dict[str, str] | None = None, **statuses: str
) -> Outcome:
    known = {key.strip("_").replace("_", "."): value for key, value in statuses.items()}
    return Outcome(of, judged=Judged(decision, {"C1.1": "pass", **known}, failed=failed or {}))


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (outcome("NO-GO", C1_7="fail"), "caught"),
        (outcome("HOLD", _0_7="inconclusive"), "caught"),
        # That a check cannot tell is no answer where it should.
        (outcome("HOLD", C1_7="inconclusive"), "wrong reason"),
        (outcome("HOLD", C1_7="not_run"), "wrong reason"),
        (outcome("NO-GO", C1_1="fail", C1_7="pass"), "wrong reason"),
        (outcome("HOLD", failed={"phases": "a script ended early"}), "wrong reason"),
        (outcome("GO"), "survived"),
        # A check that fails without a consequence is none.
        (outcome("GO", C1_7="fail"), "survived"),
        (Outcome("m", refused="42601: no"), "refused"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_counts_as_caught(said: Outcome, state: str) -> None:
    assert found(MUTATION, said).state == state


def test_a_stage_can_be_right() -> None:
    blinded = Mutation(id="m", words="", kind="k", right=("target",))
    assert found(blinded, outcome("HOLD", failed={"target": "blind"})).right == ("target",)


def test_what_is_only_reported_leaves_a_go() -> None:
    assert found(REPORTED, outcome("GO", of="r", C1_12="fail")).state == "caught"
    assert found(REPORTED, outcome("GO", of="r")).state == "survived"


def counted(*outcomes: Outcome) -> Score:
    return score(
        [MUTATION, REPORTED], [VARIANT], [UNDECLARED], {item.id: item for item in outcomes}
    )


def test_score() -> None:
    good = counted(outcome("NO-GO", C1_7="fail"), outcome("GO", of="r"), outcome("GO", of="v"))
    assert (good.applied, good.caught, good.alarms) == (2, 0.5, [])
    assert [item.id for item in good.missed] == ["r"]
    assert good.kinds() == {"k": (1, 2)}
    assert good.never(["C1.1", "C1.7"]) == ["C1.1"]


def test_an_alarm_is_one_whatever_it_is_called() -> None:
    for decision in ("HOLD", "NO-GO"):
        assert [item.id for item in counted(outcome(decision, of="v")).alarms] == ["v"]


def test_what_the_server_refuses_is_not_counted() -> None:
    found = counted(Outcome("m", refused="23505: no"), Outcome("v", refused="no"))
    assert (found.applied, found.caught, len(found.refused)) == (0, 0.0, 2)


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (outcome("HOLD", of="u", C1_9="inconclusive"), "held"),
        # For another reason, and for none.
        (outcome("HOLD", of="u", C1_7="inconclusive"), "wrong reason"),
        (outcome("GO", of="u"), "passed"),
        (outcome("NO-GO", of="u", C1_9="fail"), "alarm"),
        (Outcome("u", refused="42601: no"), "refused"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_declared_is_a_hold(said: Outcome, state: str) -> None:
    assert held(UNDECLARED, said).state == state
    one = counted(said)
    assert [item.state for item in one.undeclared] == [state]
    # Neither the mutations nor their share know of it.
    assert (one.applied, one.caught) == (0, 0.0)


def test_every_function_is_tried_in_other_words() -> None:
    """Both ways: not declared, and declared."""
    for function in SHAPE.manifest["functions"]:
        assert [item for item in undeclared() if item.id.endswith(f": {function['name']}")]
        assert [item for item in variants() if function["name"] in item.declares]


def test_nothing_tried_is_nothing_caught() -> None:
    assert counted().caught == 0.0


# --- the page ------------------------------------------------------------------------------------


def test_page() -> None:
    one = counted(
        outcome("NO-GO", C1_7="fail"), outcome("GO", of="r"), outcome("HOLD", of="v", C1_7="fail")
    )
    one.known = 9
    text = page.render({"18.6": one, "13.1": Score([], [])}, ["C1.7", "N9"], {"N9": "no reason"})
    assert "| 18.6 | 9 | 2 | 1 | 50.00 % | 1 | 1 | 0 |" in text
    assert "| 13.1 |  |  |  |  | 0 | 0 | 0 |" in text
    assert "| a code | 18.6 | survived: GO |" in text
    assert "| a comment | 18.6 | HOLD; C1.7 fail: |" in text
    assert "| C1.7 | 1 |" in text
    assert "| N9 (no reason) | 0 |" in text


def test_page_cuts_what_a_table_cannot_hold() -> None:
    found = counted(Outcome("m", refused="a | b\n" + "x" * 1000))
    text = page.render({"18.6": found}, [], {})
    (line,) = [line for line in text.splitlines() if line.startswith("| it is broken")]
    assert "a \\| b" in line
    assert len(line) < 400


def test_page_names_what_is_held() -> None:
    one = counted(outcome("HOLD", of="u", C1_9="inconclusive"))
    text = page.render({"18.6": one, "13.1": Score([], [])}, [], {})
    assert "| Not declared | 18.6 |" in text
    assert "| in other words | held |" in text
    assert "None was tried." in page.render({"13.1": Score([], [])}, [], {})


def test_records_come_back(tmp_path: Path) -> None:
    kept = Records(18, "18.6", {"m": outcome("NO-GO", C1_7="fail"), "v": Outcome("v", "refused")})
    kept.write(tmp_path)
    assert Records.read(18, tmp_path) == kept
    assert Records.read(15, tmp_path) == Records(15)


@pytest.mark.parametrize("summary", [page.summary])
def test_summary(summary: Callable[[str, Any], str]) -> None:
    one = counted(outcome("NO-GO", C1_7="fail"), outcome("GO", of="v"))
    assert summary("18.6", one) == "PostgreSQL 18.6: 1 of 1 caught (100.00 %), 0 false alarms of 1"
