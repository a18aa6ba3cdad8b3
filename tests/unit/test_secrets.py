"""A secret in the wrong place is neither shown nor kept, whatever variable somebody puts it into."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract import login as logins
from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.login import Login
from gonogo.contract.options.option import TASK
from gonogo.contract.options.shared import LOGIN, Approval
from gonogo.contract.records.approval import ApprovalPlan
from gonogo.contract.redaction import holding, is_secret, redacted
from gonogo.controller import runbook
from gonogo.controller.invocation import project, request_form
from gonogo.controller.request import approval, host_request
from gonogo.controller.runbook import book

RUNBOOK = str(next((Path(__file__).parents[2] / "runbooks").glob("20251229010228_*")))
SECRET = "S3cr3t-Pa55!word"
# As people have it at hand.
FORMS = (
    f"postgresql://apms:{SECRET}@db.example.com:5432/apms",
    f"postgres://apms:{SECRET}@/apms?host=/run/postgresql",
    f"postgresql://apms:{SECRET}/x@db.example.com/apms",
    f"postgresql://db.example.com/apms?user=apms&password={SECRET}",
    f"postgresql%3A%2F%2Fapms%3A{SECRET}%40db.example.com",
    f"host=db.example.com password={SECRET} dbname=apms",
    f"dbname=apms password = '{SECRET} with a blank'",
    f"sslmode=verify-full sslpassword={SECRET}",
    f"PGPASSWORD={SECRET} psql",
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
    f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{SECRET}",
)
ORDINARY = (
    "apms_staging",
    "db.example.com",
    "https://jira.example.com/browse/APMS-1",
    "https://medium.com/@somebody/a-post",
    "https://host:8080/path",
    "the password is reset for 3 users",
    "no password supplied",
    "password authentication failed for user apms",
    "/home/apms/.pgpass",
    "2026-01-31T12:00:00Z",
    "Dewi <dewi@example.com>",
)


@pytest.fixture(autouse=True)
def _templates_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "check_templates", lambda *_folders, **_declared: None)


def variables(tmp_path: Path) -> dict[str, Any]:
    """What an inventory has to say."""
    return {
        "gonogo_runbook": RUNBOOK,
        "gonogo_environment": "staging",
        "gonogo_profile": "target",
        "gonogo_residue": "keep",
        "gonogo_protected": False,
        "gonogo_runs_dir": str(tmp_path / "runs"),
        "gonogo_remote_dir": "~/.gonogo",
        "gonogo_login": {"db": "apms_staging"},
    }


def _check(given: dict[str, Any]) -> None:
    host_request.check("db1", variables=given, extra={}, said=given, play={})


def everywhere(value: Any) -> Iterator[tuple[str, Any]]:
    """Variable → a value of it with this one in it: alone, and in what the variable may hold."""
    for name in sorted(project.options()):
        yield name, value
        yield name, [value]
        yield name, {"reason": value, "nested": [{"deep": value}]}
    for option in (*(key.name for key in LOGIN.options), "password", "sslpassword", "uri"):
        yield "gonogo_login", {"db": "apms_staging", option: value}
    for option in ("lock", "statement", "other"):
        yield "gonogo_timeouts", {option: value}
    for option in ("check", "criterion", "owner", "reason", "expires", "other"):
        waiver = {"check": "I1.1", "owner": "Dewi", "reason": "x", "expires": "2026-03-31"}
        yield "gonogo_waivers", [{**waiver, option: value}]
    for option in ("workspace_code", "minimum_active_users", "unknown"):
        yield "gonogo_parameters", {option: value}


def test_a_secret_is_refused_before_anything_else(tmp_path: Path) -> None:
    _check(variables(tmp_path))
    tried = 0
    for form in FORMS:
        for name, value in everywhere(form):
            given = {**variables(tmp_path), name: value}
            with pytest.raises(InputError) as caught:
                _check(given)
            assert SECRET not in caught.value.render(), (name, value)
            assert name in caught.value.render()
            assert SECRET not in json.dumps(vars(caught.value), default=repr)
            tried += 1
    assert tried > 1000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bare", ["hunter2", "Tr0ub4dor&3 horse"])
def test_a_bare_password_that_is_refused_is_not_shown(
    tmp_path: Path, bare: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell it from a name; where it is refused, the error says its shape."""
    once = runbook.load(Path(RUNBOOK), profile="target", parameters={}, templates=False)
    monkeypatch.setattr(runbook, "load", lambda *_place, **_how: once)
    shown = []
    for name, value in everywhere(bare):
        given = {**variables(tmp_path), name: value}
        try:
            _check(given)
        except GonogoError as error:
            shown += [name] * (bare in error.render())
    # It may well be the name of an environment.
    assert set(shown) <= {"gonogo_promotion_from"}


def test_ordinary_texts_are_none() -> None:
    for text in ORDINARY:
        assert not is_secret(text), text
        assert redacted(text) == text
    request_form.refuse_secrets({f"v{number}": text for number, text in enumerate(ORDINARY)})


@pytest.mark.parametrize("form", FORMS)
def test_no_error_carries_it(form: str) -> None:
    """Whoever has put its words together: libpq, Ansible, a file's name."""
    said = f'invalid connection option in "{form}"'
    for error in (
        GonogoError(said, detail=said, hint=said),
        InputError("x", key="a", value=form, detail=said),
        InputError("x", file="runbook.yml", key="a", value=form),
    ):
        assert SECRET not in error.render()
        assert SECRET not in str(error)
        assert SECRET not in repr(vars(error))


def test_a_login_of_the_wrong_form_is_not_repeated() -> None:
    for option in ("db", "user", "host", "service", "passfile", "ca_cert", "client_key"):
        wrong = f"postgresql://{SECRET}" if option not in logins._FILES else SECRET
        with pytest.raises(GonogoError) as caught:
            replace(Login(db="apms"), **{option: wrong})  # type: ignore[arg-type]
        assert SECRET not in caught.value.render()
        assert f"login.{option}" in caught.value.primary
        assert SECRET not in json.dumps(logins.storable({"db": "apms", option: wrong}))
    kept = {
        "db": "apms",
        "user": "apms@server",
        "host": "/run/postgresql",
        "service": "my service",
        "passfile": "~/.pgpass",
        "ca_cert": "$HOME/ca.pem",
        "client_key": None,
        "port": 5432,
    }
    assert logins.storable(kept) == kept


@pytest.mark.parametrize("option", ["port", "ssl_mode", "connect_timeout", "password"])
def test_an_option_that_cannot_take_it_says_so_without_it(option: str) -> None:
    """Ansible's own words repeat the value."""
    with pytest.raises(InputError) as caught:
        request_form.refuse_misfits(
            {"login": {"db": "x", option: SECRET}},
            {"login": LOGIN.spec(TASK)},
        )
    assert f"login.{option}" in caught.value.render()
    assert SECRET not in caught.value.render()


def test_an_answer_at_the_prompt_is_not_repeated() -> None:
    given = Approval(answer=SECRET, approved_by="Dewi", run_id="x", typed=True)
    plan = ApprovalPlan("", {}, planned_at="", expires_at="", token="abc")
    refusal = approval.refusal(given, "x", plan, prefix="cleanup")
    assert refusal is not None
    assert SECRET not in refusal


def test_a_secret_is_found_wherever_it_lies() -> None:
    deep = {"a": [{"b": FORMS[0]}, {"c": "x"}], FORMS[1]: 1}
    assert list(holding(deep, "v")) == ["v.a[0].b", "v"]


def test_an_id_of_a_run_is_shown_and_what_is_only_like_one_is_not() -> None:
    known = "20260131T120000Z-0a1b2c"
    assert InputError("x", key="restore_run_id", value=known).render().endswith(f'is "{known}"')
    for value in (f"{known}d", known.lower(), known.replace("0a", "0g"), f"{known} {SECRET}"):
        assert value not in InputError("x", key="restore_run_id", value=value).render()


@pytest.mark.parametrize(
    ("action", "given", "variable"),
    [
        ("gonogo_undo", {"run_id": "://u:p@h"}, "undo_run_id"),
        ("gonogo.gonogo.gonogo_verdict", {"recompute": "password=x1"}, "verdict_recompute"),
        ("gonogo_verdict", {"head": "password=x1"}, "verdict_head"),
        ("gonogo_undo", {"login": {"host": "password=x1"}}, "gonogo_login.host"),
        ("gonogo_restore", {"approval": {"answer": "password=x1"}}, "restore_token"),
        ("gonogo_undo", {"budgets": {"lock": "password=x1"}}, "undo_lock_timeout"),
        ("gonogo_target", {"promotion": {"evidence": "password=x1"}}, "gonogo_promotion_evidence"),
    ],
)
def test_the_variable_is_named_that_a_person_has_set(
    action: str, given: dict[str, Any], variable: str
) -> None:
    named = partial(project.variable_of, action)
    with pytest.raises(InputError) as caught:
        request_form.refuse_secrets(given, named=named)
    assert caught.value.key == variable


def test_every_option_of_a_stage_comes_from_a_variable_or_another_task() -> None:
    """One that is named differently would be told by a name that nobody knows."""
    known = project.variables()[0]
    asked = project._asked()
    assert set(asked.values()) <= known
    assert {action for action, _ in asked} >= {
        f"gonogo_{role.name}" for role in project.roles()
    } - {"gonogo_copy_sql"}
