"""The project itself: its version, and the digests of the code that takes part in a run."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from .. import canonical

__all__ = ["ROOT", "digests", "variables", "version"]

ROOT = Path(__file__).resolve().parents[3]

_CODE = ("action_plugins", "library", "module_utils", "playbooks", "roles")


@cache
def version() -> str:
    """Version from pyproject.toml."""
    for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("version = "):
            return line.split('"')[1]
    raise LookupError("pyproject.toml has no version")


def variables() -> tuple[frozenset[str], tuple[str, ...]]:
    """Names of variables the roles' argument specs declare, and the prefixes reserved for them."""
    names: set[str] = set()
    roles = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
    for role in roles:
        file = role / "meta" / "argument_specs.yml"
        for entry_point in yaml.safe_load(file.read_text("utf-8"))["argument_specs"].values():
            names.update(entry_point.get("options") or {})
    return frozenset(names), tuple(f"{name}_" for name in ("gonogo", *(r.name for r in roles)))


def digests() -> dict[str, str]:
    """Path below the project → SHA-256 of every file whose content decides what a run does."""
    files = (
        path
        for folder in _CODE
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    entry_points = ROOT.glob("*.yml")
    return {
        path.relative_to(ROOT).as_posix(): canonical.sha256(path.read_bytes())
        for path in sorted((*files, *entry_points))
    }
