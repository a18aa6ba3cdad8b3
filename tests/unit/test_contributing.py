"""CONTRIBUTING.md is followed step by step, and what it says comes of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gonogo.contract.errors import InputError
from gonogo.contract.options import option as options
from gonogo.contract.options.twin import TWIN
from gonogo.controller import runbook
from tests.generated.all import FILES
from tests.unit.mutilated import outcome
from tests.unit.test_author import FIRST, SMALL
from tools.sabotage import catalogue, mutations, work
from tools.sabotage.change import Mutation
from tools.sabotage.shape import Shape

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

# `1. `path`: words`, and what is to be written there.
_STEP = re.compile(
    r"^\d+\. `(?P<path>[^`]+)`.*\n(?:\n   ```\w+\n(?P<block>(?:(?:   .*)?\n)+?)   ```\n)?",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Step:
    path: str
    block: str

    def append(self, folder: Path, *, name: str = "", phase: str = "") -> None:
        """Do it, at the end of the file."""
        file = folder / self.path.replace("NAME", name).replace("PHASE", phase)
        file.write_text(file.read_text(encoding="utf-8") + self.block, encoding="utf-8")


def steps(section: str) -> list[Step]:
    found = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, section
    return [
        Step(step["path"], re.sub(r"(?m)^ {3}", "", step["block"] or ""))
        for step in _STEP.finditer(found[1])
    ]


def load(folder: Path) -> runbook.Runbook:
    return runbook.load(folder, profile="target", parameters={})


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """With two runbooks: a small one, and a copy of one that looks something up."""
    small = tmp_path / "runbooks" / "notes"
    for name, text in SMALL.items():
        (small / name).parent.mkdir(parents=True, exist_ok=True)
        (small / name).write_text(text, encoding="utf-8")
    shutil.copytree(FIRST, tmp_path / "runbooks" / FIRST.name)
    yield tmp_path
    catalogue.mutations.cache_clear()


def test_every_file_that_is_named_is_there() -> None:
    named: list[str] = re.findall(r"`([\w.]+/[\w./-]*)`", TEXT)
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(named) > 5
    missing = [
        path
        for path in (*named, *links)
        if not re.search(r"[A-Z]{3}", Path(path).name + Path(path).parent.name)
        and not (ROOT / path).exists()
        and not (ROOT / "module_utils" / "gonogo" / path).exists()
    ]
    assert missing == []


def test_every_command_is_there() -> None:
    targets = re.findall(r"make ([a-z-]+)", TEXT)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets
    assert [target for target in targets if f"\n{target}:" not in makefile] == []


def test_a_check(project: Path) -> None:
    folder = project / "runbooks" / "notes"
    declared, asked, *others = steps("A check")
    assert [step.path for step in others] == ["tests/runbooks/", "docs/messages.md"]
    declared.append(project, name="notes")
    with pytest.raises(InputError, match=r"no template asks check 'C1\.3'"):
        load(folder)
    asked.append(project, name="notes", phase="01_notes")
    assert outcome(folder) == ("right", {"C1.1", "C1.2", "C1.3"})
    assert "C1.3" in {check.id for check in load(folder).plan(stages=[]).checks}


def test_a_fact(project: Path) -> None:
    found, declared, used = steps("A fact")
    folder = project / "runbooks" / FIRST.name
    found.append(project, name=FIRST.name, phase="00_preflight")
    used.append(project, name=FIRST.name, phase="04_invariants")
    with pytest.raises(InputError, match="declares no fact 'encoding'"):
        load(folder)
    file = folder / "runbook.yml"
    text = file.read_text(encoding="utf-8")
    assert declared.path == "runbooks/NAME/runbook.yml"
    file.write_text(text.replace("\nfacts:\n", f"\nfacts:\n{declared.block}"), encoding="utf-8")
    assert "encoding" in load(folder).declared.facts


def test_a_mutation(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert project
    made, registered, written = steps("A mutation")
    assert registered.path == "tools/sabotage/mutations/__init__.py"
    assert written.path == "docs/sabotage.md"
    mutation = eval(made.block, {"Mutation": Mutation})  # noqa: S307 - the project's own page
    assert isinstance(mutation, Mutation)
    assert {*mutation.right} <= {*Shape().runbook.checks}
    monkeypatch.setattr(catalogue, "MAKERS", (*mutations.MAKERS, lambda _shape: [mutation]))
    catalogue.mutations.cache_clear()
    assert work.chosen(mutation.kind + " ", 17) == [mutation]


_ASKED = """
import sys
from pathlib import Path
from gonogo.controller import runbook
from gonogo.controller.runbook import migration
from gonogo.host.migrate import history

notes = runbook.load(Path(sys.argv[1]), profile="target", parameters={})
tool, migrations = history.of(migration.plan(notes, "migration").history)
print(tool.name, tool.tables, *migrations, sep="\\n")
print(tool.pending(tool.files(Path(sys.argv[2])), [history.Entry("001", "applied")])[0].name)
"""


def test_a_migration_tool(project: Path, tmp_path: Path) -> None:
    """In a copy of the package: the engine finds it by its key, and asks it."""
    tool, *others = steps("A migration tool")
    assert [step.path for step in others] == [
        "tests/unit/test_history.py",
        "tests/pages/migration_tools.py",
    ]
    shutil.copytree(ROOT / "module_utils", project / "module_utils")
    (project / tool.path.replace("TOOL", "names")).write_text(tool.block, encoding="utf-8")
    notes = project / "runbooks" / "notes"
    kept = "\nnames: {file: migration.sql}\n"
    (notes / "runbook.yml").write_text(SMALL["runbook.yml"] + kept, encoding="utf-8")
    folder = tmp_path / "migrations"
    folder.mkdir()
    for name in ("001", "002"):
        (folder / f"{name}.sql").write_text("SELECT 1;\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _ASKED, str(notes), str(folder)],
        env={"PYTHONPATH": str(project / "module_utils")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    name, tables, recorded, pending = done.stdout.splitlines()
    assert (name, tables, pending) == ("Names", "(('public', 'names'),)", "002")
    assert recorded.startswith("Migration(name='notes', file='migration.sql'")


_WRITTEN = """
import ast
from pathlib import Path
import yaml
import tests.generated.__main__
from gonogo.contract.options import every
from gonogo.host.stages import find

assert [stage.role for stage in every.RUN][-1] == "pause"
entry = find("pause")
ast.parse(Path("action_plugins/gonogo_pause.py").read_text())
ast.parse(Path("library/gonogo_pause.py").read_text())
assert yaml.safe_load(Path("roles/pause/defaults/main.yml").read_text())["pause_seconds"] == 5
assert "| `pause_seconds` | int |" in Path("docs/variables.md").read_text()
print(entry.run({"seconds": 0}, check_mode=False))
"""


def test_a_stage(tmp_path: Path) -> None:
    """In a copy of the project: Ansible finds the stage in the run, and the engine its entry."""
    declared, placed, acting, asked, written = steps("A stage")
    for folder in (
        *("action_plugins", "doc_fragments", "docs", "library", "lookup_plugins"),
        *("module_utils", "playbooks", "roles", "tests/generated"),
    ):
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True)
    shutil.copy(ROOT / "ansible.cfg", tmp_path)
    for step in (declared, acting, asked):
        (tmp_path / step.path.replace("STAGE", "pause")).write_text(step.block, encoding="utf-8")
    every = tmp_path / placed.path
    text = every.read_text(encoding="utf-8").replace("    PHASES,\n)", "    PHASES,\n    PAUSE,\n)")
    text = text.replace("from .rehearsal", "from .pause import PAUSE\nfrom .rehearsal")
    every.write_text(text, encoding="utf-8")

    def told(*command: str) -> str:
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}/module_utils:{tmp_path}"}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert told(sys.executable, "-c", _WRITTEN) == "{'changed': False, 'waited': 0}\n"
    ansible = str(Path(sys.executable).with_name("ansible-playbook"))
    tasks = told(ansible, "-i", "localhost,", "--list-tasks", written.path)
    assert "pause : Wait for what follows the database" in tasks


def test_a_file_of_evidence() -> None:
    """Every step names a file that knows the one that the restored backup is."""
    record, *others = steps("A file of evidence")
    known = {"NAME": "twin", "STAGE": "twin"}
    for step in (record, *others):
        path = step.path
        for word, name in known.items():
            path = path.replace(word, name)
        assert re.search(
            r"twin\.json|TwinRecord|found\.twin", (ROOT / path).read_text(encoding="utf-8")
        ), path


def test_an_option() -> None:
    declared, used, written = steps("An option of a stage")
    for step in (declared, used):
        assert (ROOT / step.path.replace("STAGE", "twin")).is_file()
    option = eval(declared.block, vars(options))  # noqa: S307 - the project's own page
    assert isinstance(option, options.Option)
    twin = replace(TWIN, declared=(*TWIN.declared, option))
    for spec in (twin.task, twin.entry):
        assert spec["pause"] == {"type": "int", "default": 0}
    assert twin.passed(dict.fromkeys(twin.task, 3))["pause"] == 3
    assert "twin_pause" in {variable.name for variable in twin.variables}
    assert written.path in {path.as_posix() for path in FILES}
