"""The project itself: where it lies, its version, and the digests of the code that takes part in a
run.

It is a directory of its own or, as an installed collection, one that Ansible has laid out: there
plugins lie below plugins/, in folders that have Ansible's names for them (tools/collection.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ...contract import canonical
from ...contract.options.option import ArgumentSpec
from ..reading import yamlfile

__all__ = [
    "COLLECTION",
    "IN_COLLECTIONS",
    "NAME",
    "ROOT",
    "changed",
    "digests",
    "folder",
    "options",
    "playbook",
    "variable_of",
    "variables",
    "version",
    "workplace",
]

# Namespace and name of the collection.
NAME = "pg_gonogo.gonogo"
# Folder of the project → where a collection has it.
IN_COLLECTIONS = {
    "action_plugins": "plugins/action",
    "callback_plugins": "plugins/callback",
    "doc_fragments": "plugins/doc_fragments",
    "library": "plugins/modules",
    "lookup_plugins": "plugins/lookup",
    "module_utils": "plugins/module_utils",
}

# What has the folder module_utils in it.
_BASE = Path(__file__).resolve().parents[4]
# The name that plugins, roles and playbooks are found by where this is an installed collection.
COLLECTION = NAME if _BASE.name == "plugins" and (_BASE / "modules").is_dir() else None
ROOT = _BASE.parent if COLLECTION else _BASE

_CODE = (*(("meta", "plugins") if COLLECTION else IN_COLLECTIONS), "playbooks", "roles")
_FILES = ("*.yml", "ansible.cfg")


def folder(name: str) -> Path:
    """Where a folder of the project lies."""
    return ROOT / (IN_COLLECTIONS.get(name, name) if COLLECTION else name)


def playbook(name: str) -> str | None:
    """What a playbook is called where it is a collection's; None where it is found by its path."""
    return f"{COLLECTION}.{name}" if COLLECTION else None


def workplace() -> Path:
    """Where inventories and evidence belong that nobody has named another place for: beside the
    project or, where that is installed, in the directory that the playbook is started in."""
    return Path.cwd() if COLLECTION else ROOT


@cache
def version() -> str:
    """Version from pyproject.toml."""
    for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("version = "):
            return line.split('"')[1]
    raise LookupError("pyproject.toml has no version")


@cache
def options() -> ArgumentSpec:
    """Variable → its option in the argument specs of the roles.

    Required is what the main entry point of a role requires. A variable of several roles is
    declared the same way in all of them.
    """
    found: dict[str, dict[str, object]] = {}
    for role in roles():
        specs = yamlfile.load(role / "meta" / "argument_specs.yml").data["argument_specs"]
        for entry, spec in specs.items():
            for name, option in (spec.get("options") or {}).items():
                required = entry == "main" and option.get("required", False)
                known = found.setdefault(name, {**option, "required": required})
                known["required"] |= required
    return found


def roles() -> list[Path]:
    return sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())


def variables() -> tuple[frozenset[str], tuple[str, ...]]:
    """Names of variables the roles' argument specs declare, and the prefixes reserved for them."""
    prefixes = tuple(f"{name}_" for name in ("gonogo", *(role.name for role in roles())))
    return frozenset(options()), prefixes


def variable_of(action: str, option: str) -> str:
    """The variable that a task of this project takes an option from, as `login.host` of
    `gonogo_undo`: `gonogo_login.host`. The option itself where it is of none.
    """
    asked, parts = _asked(), option.split(".")
    for length in range(len(parts), 0, -1):
        variable = asked.get((action.rpartition(".")[2], ".".join(parts[:length])))
        if variable:
            return ".".join([variable, *parts[length:]])
    return option


@cache
def _asked() -> dict[tuple[str, str], str]:
    """Module and option → variable, as the tasks of roles and playbooks say it."""
    names = re.compile(rf"\b({'|'.join(sorted(variables()[0], key=len, reverse=True))})\b")
    found: dict[tuple[str, str], str] = {}

    def note(action: str, place: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for key, item in value.items():
                note(action, f"{place}.{key}" if place else str(key), item)
        elif isinstance(value, str) and (name := names.search(value)):
            found.setdefault((action, place), name[0])

    def walk(node: Any) -> None:
        if isinstance(node, Mapping):
            for key, item in node.items():
                if str(key).startswith("gonogo_") and isinstance(item, Mapping):
                    note(str(key), "", item)
                walk(item)
        elif isinstance(node, list):
            for item in node:
                walk(item)

    files = sorted((ROOT / "roles").glob("*/tasks/*.yml"))
    for file in files:
        walk(yaml.safe_load(file.read_text(encoding="utf-8")))
    return found


def digests() -> dict[str, str]:
    """Path below the project → SHA-256 of every file whose content decides what a run does."""
    files = (
        path
        for folder_name in _CODE
        for path in (ROOT / folder_name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    beside = (path for pattern in _FILES for path in ROOT.glob(pattern))
    return {
        path.relative_to(ROOT).as_posix(): canonical.sha256(path.read_bytes())
        for path in sorted((*files, *beside))
    }


def changed(recorded: Mapping[str, str]) -> list[str]:
    """Those files of recorded `digests` that are not as they were, or are gone."""
    now = digests()
    return [name for name, digest in recorded.items() if now.get(name) != digest]
