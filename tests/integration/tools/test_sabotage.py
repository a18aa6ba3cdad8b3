"""A sample of `make sabotage`: each kind of mutation, some benign variants, both ways to ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.support.harness import Controller, Database
from tools.sabotage.catalogue import mutations, sample, undeclared, variants
from tools.sabotage.change import OLDEST, Change, Mutation, Undeclared, Variant
from tools.sabotage.lab import Lab
from tools.sabotage.score import found, held

# What every run of the tests shall try, beside some of each kind.
_ALWAYS = {
    "application is too late: its login has expired",
    "application may have no connection",
}
_KINDS = [
    pytest.param(item, marks=() if number % 3 == 0 else pytest.mark.attack)
    for number, item in enumerate(sample(OLDEST))
]
_MUTATIONS = [*_KINDS, *(item for item in mutations() if item.id in _ALWAYS)]
# Those of the tests of the checks are tried there.
_EVERY = 12
_VARIANTS = [
    pytest.param(item, marks=() if number % 2 == 0 else pytest.mark.attack)
    for number, item in enumerate([one for one in variants() if one.since <= OLDEST][::_EVERY])
]

# Of these the whole playbook is asked too: stopped by preflight, a NO-GO, a HOLD, a GO.
_BOTH_WAYS = [
    "premise: the workspace has another code",
    pytest.param("key missing: fk_punchlist_items_punchlist", marks=pytest.mark.attack),
    "index missing: idx_punchlists_stage",
    pytest.param("benign: names that need quotes", marks=pytest.mark.attack),
]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as opened:
        yield opened


@pytest.mark.parametrize("mutation", _MUTATIONS, ids=str)
def test_caught_for_the_right_reason(mutation: Mutation, lab: Lab) -> None:
    finding = found(mutation, lab.try_out(mutation))
    assert finding.state == "caught", finding.told


@pytest.mark.parametrize("variant", _VARIANTS, ids=str)
def test_nobody_minds(variant: Variant, lab: Lab) -> None:
    judged = lab.try_out(variant).judged
    assert judged is not None
    assert judged.decision == "GO", judged.observed


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(item, marks=pytest.mark.attack if number else ())
        for number, item in enumerate(undeclared())
    ],
    ids=str,
)
def test_other_words_are_a_hold_until_they_are_declared(change: Undeclared, lab: Lab) -> None:
    finding = held(change, lab.try_out(change))
    assert finding.state == "held", finding.told
    for variant in (item for item in variants() if item.declares and item.sql == change.sql):
        judged = lab.try_out(variant).judged
        assert judged is not None
        assert judged.decision == "GO", judged.observed


def _timeless(statuses: dict[str, str]) -> dict[str, str]:
    """Without the checks that ask how long something takes."""
    return {check: status for check, status in statuses.items() if not check.startswith("N1.")}


def _named(name: str) -> Change:
    return next(change for change in (*mutations(), *variants()) if change.id == name)


@pytest.mark.parametrize("name", _BOTH_WAYS)
def test_the_playbook_says_the_same(name: str, lab: Lab, controller: Controller) -> None:
    change = _named(name)
    judged = lab.try_out(change).judged
    database = Database(lab.cluster, lab.copy(), "target")
    lab.apply(change, database.name)
    controller.aim(database)
    verdict = controller.play("-i", "inventories/sandbox", "validate_staging.yml").verdict
    assert judged is not None
    assert verdict["decision"] == judged.decision
    assert _timeless(verdict["checks"]) == _timeless(judged.statuses)


def test_what_the_server_refuses_is_said(lab: Lab) -> None:
    nonsense = Variant(id="nonsense", words="", sql="ALTER TABLE public.nothing ADD COLUMN a text")
    nothing = Variant(id="nothing", words="", sql="DELETE FROM public.users WHERE id = 'nobody'")
    assert lab.try_out(nonsense).refused == '42P01: relation "public.nothing" does not exist'
    assert lab.try_out(nothing).refused == "it changed nothing: DELETE 0"


def test_nothing_stays() -> None:
    with Lab() as opened:
        first = opened.cluster
        opened.try_out(Variant(id="none", words="", whole_server=True))
        second = opened.cluster
        assert second is not first
        assert not first.is_running()
        home = opened.home
        assert home.is_dir()
    assert not second.is_running()
    assert not home.exists()
