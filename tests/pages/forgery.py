"""Ways to get a GO that was not earned, and what becomes of each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from tests.pages import Page, Row, Table

__all__ = ["ATTEMPTS", "FORGERY", "SHADOWS", "TAMPERING", "Attempt", "Shadow"]


_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Attempt:
    """A way to start a run; `says` is on the terminal. `sample`: tried by every `make test`.

    It ends with an error, unless it `succeeds`.
    """

    words: str
    says: str
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    answers: str | None = None
    sample: bool = False
    succeeds: bool = False


def _variables(**values: object) -> tuple[str, str]:
    return "-e", json.dumps(values)


# Names that results could have, in plugins of the project and in Ansible.
_RESULTS = {
    "facts": {"users": {"usable": 9}},
    "evidence": "runs/sandbox/20260101T000000Z-abcdef",
    "lines": ["GO  15/15"],
    "run": {"run_id": "20260101T000000Z-abcdef"},
    "plan": {"checks": []},
    "status": "pass",
    "failed": False,
    "rc": 0,
    "skipped": False,
    "ansible_check_mode": False,
    "ansible_failed_result": None,
    "ansible_play_hosts": ["sandbox"],
}
_PART = "a run cannot be limited to some of its tasks"
_NOTHING = "HOLD  nothing was judged"
_LOST = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}

ATTEMPTS: dict[str, Attempt] = {
    "results": Attempt(
        "Extra variables with the names of results, and a limit that leaves the first play out",
        "NO-GO  9/15",
        (*_variables(**_RESULTS), "--limit", "sandbox"),
        sample=True,
    ),
    "decision": Attempt(
        "`-e gonogo_verdict=GO`",
        "extra variables cannot set a result",
        _variables(gonogo_verdict="GO"),
    ),
    "hosts": Attempt(
        "`-e '{\"hostvars\": {}}'`, and the other names of Ansible that a run reads",
        "extra variables cannot set what Ansible itself says",
        (*_variables(hostvars={}), "--limit", "sandbox"),
    ),
    "groups": Attempt(
        "`-e groups=7`",
        "extra variables cannot set what Ansible itself says",
        (*_variables(groups=7), "--limit", "sandbox"),
    ),
    "clock": Attempt(
        "`-e gonogo_now=...`, and every other variable of that kind",
        "unknown variable 'gonogo_now'",
        _variables(gonogo_now="2020-01-01"),
    ),
    "limit": Attempt(
        "The same with `--limit`, which leaves the first play out",
        "unknown variable 'gonogo_now'",
        (*_variables(gonogo_now="2020-01-01"), "--limit", "sandbox"),
        sample=True,
    ),
    "start at the target": Attempt(
        "The same with `--start-at-task`, which leaves it out too",
        "unknown variable 'gonogo_now'",
        (
            *_variables(gonogo_now="2020-01-01"),
            *("--start-at-task", "target : Prove the target, open the run, take the lock"),
        ),
    ),
    "tags": Attempt(
        "`--tags`, with a variable that says there are none",
        _PART,
        ("--tags", "verdict", *_variables(ansible_run_tags=["all"])),
        sample=True,
    ),
    "tags of the environment": Attempt(
        "`ANSIBLE_RUN_TAGS`", _PART, environment={"ANSIBLE_RUN_TAGS": "nosuch"}
    ),
    "skipped": Attempt(
        "`--skip-tags`, with a variable that says there are none",
        _PART,
        ("--skip-tags", "x", *_variables(ansible_skip_tags=[])),
    ),
    "all skipped": Attempt(
        "`--skip-tags always`, which leaves no task at all",
        _NOTHING,
        ("--skip-tags", "always"),
        sample=True,
    ),
    "start at the verdict": Attempt(
        "`--start-at-task 'verdict : Decide and report'`",
        _NOTHING,
        ("--start-at-task", "verdict : Decide and report"),
    ),
    "step by step": Attempt(
        "`--step`, with No to every task",
        _NOTHING,
        ("--step",),
        answers="n\n" * 40,
    ),
    "step by step into the middle": Attempt(
        "`--step`, with No to the stages target and backup",
        "has no run to belong to",
        ("--step",),
        answers="y\nn\nn\n" + "y\n" * 40,
    ),
    "dry run": Attempt(
        "`--check`, with a variable that says it is none",
        "nothing was judged: this was a dry run",
        ("--check", *_variables(ansible_check_mode=False)),
        succeeds=True,
    ),
    "one play": Attempt(
        "`--limit localhost`: there is a play without a host",
        "no hosts to target",
        ("--limit", "localhost"),
    ),
    "no group": Attempt(
        "A group without a host",
        "group 'nosuch' of the inventory has no hosts",
        _variables(gonogo_group="nosuch"),
    ),
    "lost host": Attempt(
        "A host that cannot be reached, with `ignore_unreachable` and `ignore_errors`",
        "the connection to the host was lost",
        _variables(ignore_unreachable=True, ignore_errors=True, **_LOST),
        sample=True,
    ),
    "another strategy": Attempt(
        "`ANSIBLE_STRATEGY=free`, under which hosts do not wait for each other",
        "NO-GO  9/15",
        environment={"ANSIBLE_STRATEGY": "free"},
    ),
    "no callback": Attempt(
        "`ANSIBLE_CALLBACKS_ENABLED` without the project's, and no task that would be skipped",
        _NOTHING,
        ("--skip-tags", "always"),
        environment={"ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.timer"},
    ),
    "list": Attempt(
        "`--list-tasks`, `--syntax-check`: nothing runs; the exit status is 0",
        "validate_staging.yml",
        ("--syntax-check",),
        succeeds=True,
    ),
    "no failure": Attempt(
        "`-e verdict_fail_on=[]`: the exit status is 0, the line says NO-GO",
        "NO-GO  9/15",
        _variables(verdict_fail_on=[]),
        succeeds=True,
    ),
}

# What somebody does in the middle of a run, who can write where it writes: what it is called →
# what is done, what becomes of it.
TAMPERING = {
    "plan": (
        "`plan.json` of the open run is edited: fewer checks",
        "HOLD: `plan.json changed after it was written`",
    ),
    "planted facts": (
        "`facts.json` is put there before preflight, for it to be taken over",
        "HOLD: `facts.json was written by no stage`",
    ),
    "answers": (
        "an answer in `checks.jsonl` is edited before the next stage adds its own",
        "HOLD: `checks.jsonl changed after it was written`; the edit is not sealed with the rest",
    ),
    "note": (
        "the note of the open run is led to an earlier run, which was a GO",
        "refused: `the run this process works on is not the one it has opened`",
    ),
    "planted verdict": (
        "a `verdict.json` that says GO is put there, and the run is ended",
        "HOLD: what is told follows from the evidence, not from the file",
    ),
    "runbook": (
        "a phase script is edited while the backup is taken",
        "HOLD: `the runbook has changed since the run began`",
    ),
}


@dataclass(frozen=True)
class Shadow:
    """What lies in a folder of somebody's own, and what is `refused` because of it.

    `files` have our names and are not ours; `copies` are folders of this project. A playbook there
    `imports` one of ours; without, ours is played. `{there}` in the environment is the folder.
    """

    words: str
    refused: str
    files: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    imports: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    sample: bool = False


_STAGES = ("input", "target", "backup", "twin", "rehearsal", "files", "preflight", "phases")
_ACTIONS = tuple(f"action_plugins/gonogo_{name}.py" for name in (*_STAGES, "deploy", "verdict"))
SHADOWS: dict[str, Shadow] = {
    "library beside": Shadow(
        "An old `library/gonogo_remote.py` beside a playbook that imports `validate_staging.yml`",
        "library/gonogo_remote.py",
        files=("library/gonogo_remote.py",),
        imports="validate_staging.yml",
        sample=True,
    ),
    "library of the environment": Shadow(
        "`ANSIBLE_LIBRARY`, with `playbooks/validate.yml`",
        "library/gonogo_remote.py",
        files=("library/gonogo_remote.py",),
        environment={"ANSIBLE_LIBRARY": "{there}/library"},
    ),
    "module of another language": Shadow(
        "The same with a module that is no Python",
        "library/gonogo_remote.py",
        files=("library/gonogo_remote.sh",),
        environment={"ANSIBLE_LIBRARY": "{there}/library"},
    ),
    "verdict beside": Shadow(
        "An `action_plugins/gonogo_verdict.py` beside a playbook that imports ours",
        "action_plugins/gonogo_verdict.py",
        files=("action_plugins/gonogo_verdict.py",),
        imports="playbooks/validate.yml",
    ),
    "all actions": Shadow(
        "Action plugins of all our names, so that none of ours runs",
        "action_plugins/gonogo_backup.py",
        files=_ACTIONS,
        environment={"ANSIBLE_ACTION_PLUGINS": "{there}/action_plugins"},
        sample=True,
    ),
    "callback": Shadow(
        "`ANSIBLE_CALLBACK_PLUGINS` with a `gonogo.py` that says GO as the last word",
        "callback_plugins/gonogo.py",
        files=("callback_plugins/gonogo.py",),
        environment={"ANSIBLE_CALLBACK_PLUGINS": "{there}/callback_plugins"},
        sample=True,
    ),
    "callback beside": Shadow(
        "The same beside a playbook that imports ours",
        "callback_plugins/gonogo.py",
        files=("callback_plugins/gonogo.py",),
        imports="validate_staging.yml",
    ),
    "copy of the project": Shadow(
        "Another copy of the project's plugins beside a playbook that imports ours",
        "callback_plugins/gonogo.py",
        copies=("action_plugins", "callback_plugins", "library", "module_utils"),
        imports="validate_staging.yml",
    ),
    "role": Shadow(
        "`ANSIBLE_ROLES_PATH` with a role `phases` that does nothing",
        "role phases",
        files=("phases/tasks/main.yml",),
        environment={"ANSIBLE_ROLES_PATH": f"{{there}}:{_ROOT}/roles"},
    ),
}

_HERE = "test_forgery.py"
_SHADOWS = "test_shadows.py"
_PLAYBOOKS = [
    (
        "The playbook has another name, the settings know of no callback plugin of ours",
        "the verdict is said by its own task and at the end; HOLD and NO-GO are errors",
        f"{_SHADOWS}::test_the_verdict_is_said_by_its_task_and_at_the_end",
    ),
    *(
        (
            words,
            "`nothing was judged`, and an error",
            f"{_SHADOWS}::test_a_run_that_did_not_happen_is_an_error[{name}]",
        )
        for name, words in {
            "skipped": "`--skip-tags always`",
            "all": "`--skip-tags all,always`",
            "tags": "Tags that no task has",
            "start": "`--start-at-task` with a task that is not there",
            "limit": "`--limit localhost`",
            "condition": "The import has a condition that is false",
        }.items()
    ),
]
_REMOTE = "unit/test_remote_module.py"
_TARGET = [
    (
        "A line of the project's Python in `lib/` is edited, the file cut, extended, or led "
        "elsewhere by a link",
        "refused; the file is named",
        f"{_REMOTE}::test_a_changed_file_is_refused_and_named",
    ),
    (
        "The same of psycopg",
        "refused; the file is named",
        "unit/test_driver.py::test_what_was_changed_is_refused",
    ),
    (
        "Packages, compiled files, `.pth`, `sitecustomize`, modules of the standard library are "
        "put beside it, or into the working directory",
        "never imported",
        f"{_REMOTE}::test_what_lies_beside_it_is_never_imported",
    ),
    (
        "`PYTHONPATH` leads to modules of the standard library's names",
        "never imported",
        f"{_REMOTE}::test_pythonpath_shadows_nothing",
    ),
    (
        "`gonogo_remote_dir`, a directory above or below it, belongs to another user or can be "
        "written to by others",
        "refused before anything is written; the directory is named",
        f"{_REMOTE}::test_a_directory_of_somebody_else_is_refused",
    ),
    (
        "Something else answers: what a login's shell prints, an earlier answer, an edited one",
        "HOLD: `the target host has answered something else than what it was asked`",
        "unit/test_stage.py::test_an_answer_to_another_question_is_none",
    ),
]
_EVIDENCE = [
    (
        "A byte of a file, a line of the chain, a value of the verdict: edited, removed, added, "
        "in another order, taken from another run, every hash after it made anew (hundreds)",
        "the evidence is not believed, by the project and by the program of its own",
        "test_verifier.py::test_it_sees_every_alteration",
    ),
    (
        "The whole directory written anew",
        "believed, unless the head is given that the run has printed",
        "test_verifier.py::test_what_it_cannot_see_and_the_head_can",
    ),
    (
        "The same, shown to production whose inventory has `gonogo_promotion_keys`",
        "refused before the first connection: `none of the trusted keys has attested it`",
        "unit/test_attestation.py::test_a_chain_that_was_written_anew_is_let_in_without_keys_and_refused_with_them",
    ),
    (
        "The attestation of another run, or of a NO-GO of this one, put beside it",
        "refused; why each line proves nothing is told",
        "unit/test_attestation.py::test_an_attestation_of_another_run_lets_nobody_in",
    ),
    (
        "An envelope with another payload, another type, another key under the trusted one's name, "
        "a signature twice, longer, or in its other form",
        "proves nothing, to the project and to the program of its own",
        "unit/test_attestation.py::test_what_was_changed_is_refused",
    ),
    (
        "Production with altered evidence of staging",
        "refused before the first connection",
        "test_promotion.py::test_altered_evidence_is_refused",
    ),
    (
        "Production with evidence of the same database, marked otherwise meanwhile",
        "HOLD: `is about this very database`",
        "test_promotion.py::test_evidence_about_the_very_database_is_refused",
    ),
    (
        "Production with evidence of another runbook, profile, environment, or of last month",
        "refused before the first connection",
        "test_promotion.py::test_what_does_not_prove_itself_is_refused",
    ),
    (
        "Production after any file of the runbook was edited",
        "refused; the files are named",
        "test_promotion.py::test_another_file_of_the_runbook_is_another_runbook",
    ),
    (
        "Production with the evidence of a NO-GO or a HOLD",
        "refused",
        "test_promotion.py::test_a_verdict_that_is_no_go_lets_nobody_in",
    ),
    (
        "Production without evidence, or without the word where it should be from",
        "refused; `promotion` is also a reason of the verdict",
        "test_promotion.py::test_production_lets_in_what_was_a_go_elsewhere",
    ),
    (
        "An environment of another name, that asks for nothing",
        "refused: every target is protected unless its inventory says otherwise",
        "test_protection.py::test_an_environment_of_any_name_is_protected",
    ),
    (
        "`gonogo_protected`, `gonogo_promotion_from`, `gonogo_promotion_max_age_hours` or "
        "`gonogo_promotion_keys` from anywhere else than the inventory",
        "refused before the first connection",
        "test_protection.py::test_the_command_line_takes_nothing_away",
    ),
    (
        "`gonogo_protected: false` in the inventory, with `rollout_production.yml` or a playbook "
        "that imports it",
        "refused before the first connection",
        "test_protection.py::test_the_rollout_protects_whatever_the_inventory_says",
    ),
    (
        "`protected` taken out of `run.json`, in a chain written anew",
        "HOLD: such a target counts as protected",
        "unit/test_twin_verdict.py::test_a_protected_target_asks_for_what_has_let_it_in",
    ),
]
_APPROVALS = [
    (
        "An approval with another token, without a name, of another run or another plan; the plan "
        "altered to expire later",
        "nothing is deployed",
        "test_rollout.py::test_only_an_approval_of_this_plan_counts",
    ),
    (
        "An approval that has expired",
        "nothing is deployed; it is shown and asked for anew",
        "unit/test_forgery.py::test_an_approval_ends",
    ),
    (
        "The same of a cleanup",
        "nothing is removed",
        "test_run.py::test_cleanup_needs_approval_and_removes_exactly_the_ledger",
    ),
    (
        "The same of a restore",
        "nothing is restored",
        "test_restore.py::test_only_an_approval_of_this_plan_counts",
    ),
    (
        "A signature that is another's, of something else, too old, revoked, given twice, or the "
        "operator's own",
        "nothing is done; the error says which signature, and whose it is",
        "unit/test_signing.py::test_a_bad_approval",
    ),
    (
        "The settings of signatures with `-e`, from a play, a fact or a file of variables",
        "refused before anything is touched",
        "unit/test_signing.py::test_settings_that_are_refused",
    ),
    (
        "A waiver that has expired",
        "it is not applied; the condition says when it ended",
        "test_forgery.py::test_an_expired_waiver_is_none",
    ),
    (
        "A waiver of a critical criterion, of the score, or without an owner, a reason, a day",
        "refused, or not applied",
        "unit/test_verdict.py::test_proven_bad_is_no_go",
    ),
    (
        "Two waivers of the same owner, or the same waiver twice",
        "count as one: a criterion is waived or it is not",
        "unit/test_forgery.py::test_a_second_waiver_adds_nothing",
    ),
]

FORGERY = Page(
    "forgery.md",
    "A GO that was not earned",
    (
        "What somebody may try, by mistake or on purpose, and what becomes of it. The database of "
        "the first table is a NO-GO; none of these command lines gets a GO, in a file or on the "
        "terminal. `make test` tries a part of the first two tables, `make attacks` all.",
        Table(
            ("Started with", "What is said"),
            [
                Row(
                    (attempt.words, f"`{attempt.says}`"),
                    f"{_HERE}::test_a_command_line_earns_nothing[{name}]",
                )
                for name, attempt in ATTEMPTS.items()
            ],
            heading="Command lines",
        ),
        Table(
            ("What lies elsewhere", "What is refused, before the first connection"),
            [
                Row(
                    (shadow.words, f"`{shadow.refused}`; both paths are named"),
                    f"{_SHADOWS}::test_what_lies_elsewhere_is_refused[{name}]",
                )
                for name, shadow in SHADOWS.items()
            ],
            heading="Plugins and roles of our names",
        ),
        Table(
            ("What is done", "What becomes of it"),
            [Row((words, answer), test) for words, answer, test in _PLAYBOOKS],
            heading="Playbooks of somebody's own, which import ours",
            words="No `ansible.cfg` of ours is needed for the last word, and no setting that "
            "enables a callback plugin.",
        ),
        Table(
            ("What is done", "What becomes of it"),
            [Row((words, answer), test) for words, answer, test in _TARGET],
            heading="On the target host",
            words="By another user of the host, or by an accident.",
        ),
        Table(
            ("What is done", "What becomes of it"),
            [
                Row(cells, f"{_HERE}::test_tampering_with_an_open_run[{name}]")
                for name, cells in TAMPERING.items()
            ],
            heading="In the middle of a run",
            words="By somebody who can write into the directory of the runs.",
        ),
        Table(
            ("What is done", "What becomes of it"),
            [Row((words, answer), test) for words, answer, test in _EVIDENCE],
            heading="Evidence",
        ),
        Table(
            ("What is given", "What becomes of it"),
            [Row((words, answer), test) for words, answer, test in _APPROVALS],
            heading="Approvals and waivers",
            words="One person approves, and the record names who. Whether that is another person "
            "than the one who has started the run (`operator` in `run.json`) is for whoever "
            "reads it: names are taken as they are given. Where it matters, the inventory asks for "
            "signatures ([approvals.md](approvals.md)).",
        ),
    ),
)
