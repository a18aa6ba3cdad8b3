"""How many files know a thing: those somebody edits, apart from tests and from what is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generated import WRITTEN
from tools import count
from tools.count import SUBJECTS, Subject, standing

FILES = {
    "action_plugins/gonogo_backup.py": f"{WRITTEN}\nfactor",
    "library/gonogo_backup.py": "factor, and nothing says that it is written",
    "library/gonogo_wait.py": "factor: 1",
    "library/gonogo_rest.py": "factor: 2",
    "module_utils/gonogo/host/wait.py": "nothing of it",
    "module_utils/gonogo/host/other.py": "a refactoring",
    "roles/wait/tasks/main.yml": "wait_factor: 1",
    "roles/wait/files/factor.bin": "factor",
    "tests/unit/test_wait.py": "factor",
    "docs/variables.md": "`wait_factor`",
    "docs/messages.md": "factor",
    "runbooks/one/runbook.yml": "factor: 1",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def test_what_knows_a_thing_is_found_part_by_part(project: Path) -> None:
    subject = Subject("an option", "factor", r"\b(wait_)?factor\b", r"/wait\.py$", "rest")
    assert standing(subject, project) == {
        "code": [
            "library/gonogo_backup.py",
            "library/gonogo_wait.py",
            "module_utils/gonogo/host/wait.py",
            "roles/wait/tasks/main.yml",
        ],
        "tests": ["tests/unit/test_wait.py"],
        "docs": ["docs/variables.md"],
        "written": ["action_plugins/gonogo_backup.py", "docs/messages.md"],
    }


def test_an_option_is_its_declaration_and_the_code_that_uses_it() -> None:
    option = next(subject for subject in SUBJECTS if subject.declared)
    found = standing(option)
    assert [*found["code"], *found["docs"]] == [
        "module_utils/gonogo/contract/options/twin.py",
        "module_utils/gonogo/host/stages/twin.py",
    ]
    assert len(found["written"]) >= 5


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("an option of a stage", 2),
        ("a stage", 9),
        ("an evidence file that counts", 6),
        ("a migration tool", 1),
    ],
)
def test_one_more_of_a_kind_takes_no_more_files(kind: str, most: int) -> None:
    found = standing(next(subject for subject in SUBJECTS if subject.kind == kind))
    assert len(found["code"] + found["docs"]) <= most, found


def test_every_example_is_there() -> None:
    """One that was renamed would be counted as if it took no edit at all."""
    for subject in SUBJECTS:
        found = standing(subject)
        assert found["code"], subject
        assert found["tests"], subject


def test_the_numbers_are_those_of_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert count.main(["--files"]) == 0
    told = capsys.readouterr().out.splitlines()
    heads = [line for line in told if not line.startswith(" ")]
    assert len(heads) == len(SUBJECTS)
    for subject, head in zip(SUBJECTS, heads, strict=True):
        found = standing(subject)
        code, docs = len(found["code"]), len(found["docs"])
        assert head == (
            f"{subject.kind} ({subject.example}): {code + docs} file{'s' * (code + docs > 1)} by hand "
            f"({code} of code, {docs} of docs), and {len(found['tests'])} of tests"
        )
    assert len(told) - len(heads) == sum(len(p) for s in SUBJECTS for p in standing(s).values())


def test_what_it_does_not_know_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert count.main(["everything"]) == 1
    assert capsys.readouterr().err.startswith("error: unrecognized arguments: everything\nHINT:")
