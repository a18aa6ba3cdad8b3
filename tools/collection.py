"""Builds the Ansible collection of this project: dist/NAMESPACE-NAME-VERSION.tar.gz.

    python -m tools.collection [--into DIRECTORY]

The tree is laid out as Ansible wants a collection to be, and `ansible-galaxy collection build`
packs it. No code is changed on the way: what the collection runs is what the tests have tested. The
two playbooks of the project's own directory move to the others, and name the one that they import
as it is found from there; and the documentation of a module names fragments by their full names.

Beside it lies execution-environment.yml, from which ansible-builder makes an image that has the
collection and all that it needs.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import yaml

from gonogo.controller.invocation import project
from sandbox.errors import SandboxError
from tools import cli
from tools.project import PROJECT, REQUIREMENTS

__all__ = ["ENVIRONMENT", "build", "lay_out"]

# The definition of an execution environment, beside the collection.
ENVIRONMENT = "execution-environment.yml"

_DIST = PROJECT / "dist"
# Folders that are taken as they are.
_FOLDERS = ("docs", "playbooks", "roles", "runbooks", "verify")
_FILES = ("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "pyproject.toml")
_ENTRIES = ("rollout_production.yml", "validate_staging.yml")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*")
_IMPORTED = "import_playbook: playbooks/"
_EXTENDS = re.compile(r"^extends_documentation_fragment: \[(.*)\]$", re.MULTILINE)
_BASE_IMAGE = "quay.io/centos/centos:stream10"
# What the image needs besides: the way to target hosts and to stores of evidence. libpq comes with
# psycopg, and PostgreSQL's client programs are those of the target host.
_PACKAGES = ("git-core [platform:rpm]", "openssh-clients [platform:rpm]")
_CORE = re.compile(r"^ansible-core>=([\d.]+),<([\d.]+)$", re.MULTILINE)


def lay_out(directory: Path) -> None:
    """Write the tree of the collection into an empty directory."""
    for name, place in project.IN_COLLECTIONS.items():
        shutil.copytree(PROJECT / name, directory / place, ignore=_LEFT_OUT)
    for name in _FOLDERS:
        shutil.copytree(PROJECT / name, directory / name, symlinks=True, ignore=_LEFT_OUT)
    for name in _FILES:
        shutil.copy(PROJECT / name, directory / name)
    # Plugins that Ansible looks for beside a playbook, whatever its settings say.
    for link in filter(Path.is_symlink, (directory / "playbooks").iterdir()):
        link.unlink()
        link.symlink_to(Path("..", project.IN_COLLECTIONS[link.name]))
    for module in (directory / project.IN_COLLECTIONS["library"]).glob("*.py"):
        module.write_text(_documented(module.read_text(encoding="utf-8")), encoding="utf-8")
    for name in _ENTRIES:
        (directory / "playbooks" / name).write_text(_entry(name), encoding="utf-8")
    shutil.copy(REQUIREMENTS / "run.in", directory / "requirements.txt")
    _write(directory / "galaxy.yml", _galaxy())
    _write(directory / "meta" / "runtime.yml", {"requires_ansible": _core_versions()})
    # What ansible-builder installs into an execution environment that has this collection.
    needed = {"version": 3, "dependencies": {"python": "requirements.txt"}}
    _write(directory / "meta" / "execution-environment.yml", needed)


def build(into: Path) -> Path:
    """Build the file; one of the same version that is there is replaced. Raises SandboxError."""
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".collection.", dir=into) as scratch:
        tree = Path(scratch, "tree")
        tree.mkdir()
        lay_out(tree)
        _run("collection", "build", str(tree), "--output-path", scratch)
        (built,) = Path(scratch).glob("*.tar.gz")
        _write(into / ENVIRONMENT, _environment(built.name))
        return built.replace(into / built.name)


def _run(*words: str) -> None:
    done = subprocess.run(  # noqa: S603 - paths of this program
        [str(Path(sys.executable).with_name("ansible-galaxy")), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SandboxError("the collection cannot be built", detail=done.stdout.strip())


def _entry(name: str) -> str:
    text = (PROJECT / name).read_text(encoding="utf-8")
    if text.count(_IMPORTED) != 1:
        raise SandboxError(f"{name} does not import one playbook of the folder playbooks")
    return text.replace(_IMPORTED, "import_playbook: ")


def _documented(text: str) -> str:
    """A module whose documentation finds the fragments that lie beside it."""

    def named(line: re.Match[str]) -> str:
        fragments = (f"{project.NAME}.{fragment.strip()}" for fragment in line[1].split(","))
        return f"extends_documentation_fragment: [{', '.join(fragments)}]"

    return _EXTENDS.sub(named, text)


def _galaxy() -> dict[str, object]:
    said = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    namespace, name = project.NAME.split(".")
    return {
        "namespace": namespace,
        "name": name,
        "version": said["version"],
        "readme": "README.md",
        "authors": ["pg-gonogo maintainers"],
        "description": said["description"],
        "license": [said["license"]],
        "tags": ["database", "postgresql", "migration"],
    }


def _environment(file: str) -> dict[str, object]:
    """What ansible-builder is told. Python packages are said by the collection itself."""
    least, below = _core()
    return {
        "version": 3,
        "images": {"base_image": {"name": _BASE_IMAGE}},
        "dependencies": {
            "ansible_core": {"package_pip": f"ansible-core>={least},<{below}"},
            "ansible_runner": {"package_pip": "ansible-runner"},
            "system": [*_PACKAGES],
            "galaxy": {"collections": [{"name": f"collections/{file}", "type": "file"}]},
        },
        "additional_build_files": [{"src": file, "dest": "collections"}],
    }


def _core_versions() -> str:
    """As meta/runtime.yml says which versions of ansible-core will do: three numbers each."""
    least, below = (f"{version}.0" for version in _core())
    return f">={least},<{below}"


def _core() -> tuple[str, str]:
    """Which versions of ansible-core will do: from this one on, and below that one."""
    found = _CORE.search((REQUIREMENTS / "run.in").read_text(encoding="utf-8"))
    if not found:
        raise SandboxError("requirements/run.in does not say which ansible-core will do")
    return found[1], found[2]


def _write(file: Path, value: object) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"---\n{yaml.safe_dump(value, sort_keys=False)}", encoding="utf-8")


def _parser() -> cli.Parser:
    parser = cli.Parser("python -m tools.collection", (__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--into", type=Path, default=_DIST, metavar="DIRECTORY", help="default: dist"
    )
    parser.set_defaults(command=_build)
    return parser


def _build(asked: argparse.Namespace) -> int:
    built = build(asked.into)
    shown = built.relative_to(PROJECT) if built.is_relative_to(PROJECT) else built
    cli.say(f"Built {shown}. Install it with: ansible-galaxy collection install {shown}")
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(_parser()))
