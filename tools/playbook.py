"""How a playbook is started."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.project import PROJECT


def command(*words: str, programs: Path | None = None) -> list[str]:
    """The command with these arguments. `programs`: the directory of another ansible-core than
    that of this interpreter's environment."""
    return [str((programs or Path(sys.executable).parent) / "ansible-playbook"), *words]


def settings(**more: str) -> dict[str, str]:
    """What the environment says, so that the project's ansible.cfg counts and no other."""
    return {"ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), **more}
