"""The collection: what is built, and what an installed one takes for its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from gonogo.controller.invocation import project
from sandbox.errors import SandboxError
from tools import collection
from tools.project import PROJECT

HOME = Path("ansible_collections/pg_gonogo/gonogo")
# What Ansible has loaded in a process of its own, and what this project says to that.
ASK = """
import json, sys
from ansible.plugins.loader import action_loader, callback_loader, init_plugin_loader, module_loader
init_plugin_loader([sys.argv[1]])
for folder in sys.argv[2:]:
    for loader in (action_loader, callback_loader, module_loader):
        loader.add_directory(folder, with_subdir=True)
action_loader.get("pg_gonogo.gonogo.gonogo_target", class_only=True)
from gonogo.contract.errors import GonogoError
from gonogo.controller.invocation import loaded, project
from gonogo.controller.invocation.commands import Caller
try:
    loaded.require_own()
    refused = None
except GonogoError as error:
    refused = error.render()
print(json.dumps({
    "refused": refused,
    "remote": module_loader.find_plugin(loaded.REMOTE),
    "root": str(project.ROOT),
    "workplace": str(project.workplace()),
    "version": project.version(),
    "digests": project.digests(),
    "options": sorted(project.options()),
    "command": Caller().playbook("undo", "undo_token=0123456789"),
}))
"""


def galaxy(*words: str) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-galaxy")), "collection", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collection.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the collections, where somebody has installed it without a network."""
    directory = tmp_path_factory.mktemp("collections")
    galaxy("install", "--offline", "-p", str(directory), str(built))
    return directory


@pytest.fixture
def own(installed: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(installed, tmp_path / "own", symlinks=True))


def asked(directory: Path, *folders: Path, cwd: Path | None = None) -> Any:
    """What the collection says that is installed there, with folders of plugins besides."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(directory), *map(str, folders)],
        cwd=cwd or directory,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_what_is_built(built: Path) -> None:
    assert built.name == f"pg_gonogo-gonogo-{project.version()}.tar.gz"
    with tarfile.open(built) as file:
        names = set(file.getnames())
        manifest = json.load(file.extractfile("MANIFEST.json"))  # type: ignore[arg-type]
        runtime = file.extractfile("meta/runtime.yml").read().decode()  # type: ignore[union-attr]
    assert manifest["collection_info"]["version"] == project.version()
    assert manifest["collection_info"]["dependencies"] == {}
    assert "requires_ansible: '>=2.19.0,<2.22.0'" in runtime
    for kind, place in project.IN_COLLECTIONS.items():
        here = {path.relative_to(PROJECT / kind).as_posix() for path in _files(PROJECT / kind)}
        there = {name.removeprefix(f"{place}/") for name in names if name.startswith(f"{place}/")}
        assert here <= there, kind
    assert not [name for name in names if "__pycache__" in name or "/.git" in name]


def _files(directory: Path) -> list[Path]:
    return [
        path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]


def test_it_is_built_in_the_place_of_the_last_one(tmp_path: Path) -> None:
    first = collection.build(tmp_path)
    assert collection.build(tmp_path) == first
    assert {*tmp_path.iterdir()} == {first, tmp_path / collection.ENVIRONMENT}


def test_an_execution_environment_has_it(built: Path, installed: Path, tmp_path: Path) -> None:
    """ansible-builder takes the definition as it is, and finds what the collection needs."""
    builder = str(Path(sys.executable).with_name("ansible-builder"))
    definition = str(built.with_name(collection.ENVIRONMENT))
    subprocess.run(
        [builder, "create", "--file", definition, "--context", str(tmp_path)],
        cwd=built.parent,
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "_build" / "collections" / built.name).read_bytes() == built.read_bytes()
    assert f"name: collections/{built.name}" in (tmp_path / "_build/requirements.yml").read_text()
    found = subprocess.run(
        [builder, "introspect", str(installed)], check=True, capture_output=True, text=True
    )
    for package in ("jinja2>=3.1", "psycopg[binary]>=3.2,<3.3", "paramiko>=5.1,<6"):
        assert f"'{package}  # from collection {project.NAME}'" in found.stdout


def test_no_code_is_changed_on_the_way(installed: Path) -> None:
    for kind, place in project.IN_COLLECTIONS.items():
        if kind == "library":
            continue
        for file in _files(PROJECT / kind):
            other = installed / HOME / place / file.relative_to(PROJECT / kind)
            assert other.read_bytes() == file.read_bytes()
    # Of a module nothing but the names of the fragments that it is documented with.
    for file in _files(PROJECT / "library"):
        here = file.read_text().splitlines()
        there = (installed / HOME / "plugins/modules" / file.name).read_text().splitlines()
        changed = [line for line, other in zip(here, there, strict=True) if line != other]
        assert all(line.startswith("extends_documentation_fragment:") for line in changed)


def test_an_installed_one_knows_itself(installed: Path, tmp_path: Path) -> None:
    said = asked(installed, cwd=tmp_path)
    home = installed / HOME
    assert said["refused"] is None
    assert said["root"] == str(home)
    assert said["remote"] == str(home / "plugins/modules/gonogo_remote.py")
    assert said["version"] == project.version()
    assert said["options"] == sorted(project.options())
    # What it writes by default is not written into what is installed.
    assert said["workplace"] == str(tmp_path)
    assert said["command"] == ("ansible-playbook pg_gonogo.gonogo.undo -e undo_token=0123456789")


def test_every_file_that_could_decide_has_its_digest(installed: Path) -> None:
    digests = asked(installed)["digests"]
    home = installed / HOME
    expected = {
        path.relative_to(home).as_posix()
        for folder in ("meta", "playbooks", "plugins", "roles")
        for path in _files(home / folder)
    }
    assert expected - set(digests) == set()


@pytest.mark.parametrize(
    "name",
    [
        "plugins/modules/gonogo_remote.py",
        "plugins/module_utils/gonogo/verdict/decision.py",
        "roles/verdict/tasks/main.yml",
        "playbooks/validate.yml",
        "meta/runtime.yml",
        # A kind of plugin that the project does not have.
        "plugins/vars/somebodys.py",
    ],
)
def test_an_edited_file_is_seen(name: str, own: Path) -> None:
    before = asked(own)["digests"]
    file = own / HOME / name
    file.parent.mkdir(exist_ok=True)
    with file.open("a") as text:
        text.write("\n# \n")
    after = asked(own)["digests"]
    assert {key for key in {*before, *after} if before.get(key) != after.get(key)} == {name}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("library", "gonogo_remote.py"),
        ("library", "gonogo_target.py"),
        ("action_plugins", "gonogo_verdict.py"),
        ("callback_plugins", "gonogo.py"),
    ],
)
def test_what_lies_beside_a_playbook_is_refused(
    kind: str, name: str, installed: Path, tmp_path: Path
) -> None:
    """Although the plugins of a collection are found by their full names: who has put it there has
    meant something by it."""
    (tmp_path / kind).mkdir()
    (tmp_path / kind / name).write_text("")
    refused = asked(installed, tmp_path)["refused"]
    assert refused.startswith(f"{kind}/{name} would not be this project's")
    assert str(tmp_path / kind / name) in refused
    assert str(installed / HOME / "plugins") in refused


def test_the_callback_plugin_beside_its_playbooks_is_its_own(installed: Path) -> None:
    assert asked(installed, installed / HOME / "playbooks")["refused"] is None


def test_a_plugin_that_leads_out_of_it_is_refused(own: Path, tmp_path: Path) -> None:
    plugin = own / HOME / "plugins/action/gonogo_phases.py"
    elsewhere = tmp_path / "gonogo_phases.py"
    shutil.move(plugin, elsewhere)
    plugin.symlink_to(elsewhere)
    said = asked(own)
    # Its content has a digest; where it lies is no matter.
    assert "plugins/action/gonogo_phases.py" in said["digests"]


def test_two_playbooks_name_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One that imports something else than it did is not packed half understood."""
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(PROJECT / name, tmp_path / name)
    (tmp_path / "validate_staging.yml").write_text("- import_playbook: elsewhere/validate.yml\n")
    monkeypatch.setattr(collection, "PROJECT", tmp_path)
    with pytest.raises(SandboxError, match="does not import one playbook"):
        collection._entry("validate_staging.yml")


# Of `ansible-test sanity` what needs no network. It has three rules that are not this project's:
# no-assert, no-smart-quotes (an ellipsis hides what was taken out), use-argspec-type-path.
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
SANE = (
    *("action-plugin-docs", "compile", "empty-init", "ignores", "line-endings"),
    *("no-get-exception", "no-illegal-filenames", "replace-urlopen", "shebang", "symlinks"),
)


@pytest.mark.attack
def test_what_ansible_says_of_it(tmp_path: Path) -> None:
    tree = tmp_path / HOME
    tree.mkdir(parents=True)
    collection.lay_out(tree)
    program = str(Path(sys.executable).with_name("ansible-test"))
    words = [word for name in SANE for word in ("--test", name)]
    done = subprocess.run(
        [program, "sanity", "--python", _PYTHON, *words],
        cwd=tree,
        # It looks for the programs of its own Python there.
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


LINK = re.compile(
    r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|(?:href|src)=\"([^\"]+)\"", re.IGNORECASE
)


def test_every_link_of_its_pages_leads_somewhere_in_it(installed: Path) -> None:
    root = (installed / HOME).resolve()
    pages = sorted(root.rglob("*.md"))
    assert {"README.md", "CHANGELOG.md", "docs/rollout.md"} <= {
        page.relative_to(root).as_posix() for page in pages
    }
    dead, seen = [], 0
    for page in pages:
        for link in LINK.finditer(page.read_text(encoding="utf-8")):
            target, _, part = (link[1] or link[2]).partition("#")
            if re.match(r"[a-z][a-z0-9+.-]*:|//", target, re.IGNORECASE):
                continue
            seen += 1
            file = (page.parent / target).resolve() if target else page
            there = file.is_relative_to(root) and file.exists()
            if not there or (part and part not in _headings(file)):
                dead.append(f"{page.relative_to(root)}: {link[0]}")
    assert dead == []
    assert seen > 100


def _headings(page: Path) -> set[str]:
    """How the headings of a page are named in a link."""
    lines = page.read_text(encoding="utf-8").splitlines()
    words = (line.lstrip("#").strip().lower() for line in lines if line.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", one).replace(" ", "-") for one in words}
