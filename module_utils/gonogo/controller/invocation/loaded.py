"""What Ansible has really loaded, or would load, and where it lies.

Ansible looks for plugins and roles by their names, in folders that the environment, a configuration
or the playbook's own folder add. A file of one of our names that lies elsewhere is an older copy or
a forgery; with either the verdict would not be this project's. So nothing is begun with one.

Where this project is an installed collection, its plugins are found by their full names. What is
found under their short ones all the same is refused: somebody has put it there.

Plugins under other names belong to whoever runs Ansible. They, and all else that takes part and
lies outside of this project and of Python's own directories, are named in the evidence by path
and content.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible import context
from ansible.plugins.loader import action_loader, callback_loader, lookup_loader, module_loader

from ...contract import canonical
from ...contract.errors import GonogoError
from . import project

__all__ = ["REMOTE", "configuration", "elsewhere", "require_own", "require_own_role"]

# Under this name Ansible looks into folders only, and into no collection.
_LEGACY = "ansible.legacy"
# As what Ansible knows the plugins of this project, the name that its own tasks use last.
_KNOWN_AS = (_LEGACY, project.COLLECTION) if project.COLLECTION else (_LEGACY,)
REMOTE = f"{_KNOWN_AS[-1]}.gonogo_remote"

_OURS = "gonogo_"

# Folder of the project → what finds its files for Ansible.
_LOADERS = {
    "action_plugins": action_loader,
    "callback_plugins": callback_loader,
    "library": module_loader,
    "lookup_plugins": lookup_loader,
}
# Where modules lie that Ansible has loaded as plugins.
_PLUGINS = ("ansible.plugins.", "ansible_collections.")


def require_own() -> None:
    """Refuse plugins of this project's names that lie elsewhere. Raises GonogoError."""
    for kind, name, path in (*_found(), *_imported()):
        own = project.folder(kind) / f"{name}.py"
        if Path(path).resolve() != own.resolve():
            raise _foreign(f"{kind}/{name}.py", path, own)


def require_own_role(task: Any) -> None:
    """Refuse a task that is one of ours, or of a role of our names, and of a role that lies
    elsewhere. Raises GonogoError.
    """
    role = getattr(task, "_role", None)
    if role is None:
        return
    path = Path(role._role_path).resolve()  # noqa: SLF001 - there is no other way
    own = project.ROOT / "roles" / path.name
    is_ours = str(task.action).rpartition(".")[2].startswith(_OURS)
    if path != own.resolve() and (is_ours or own.is_dir()):
        raise _foreign(f"role {path.name}", str(path), own)


def elsewhere() -> dict[str, str]:
    """Path → SHA-256 of every file that takes part and lies outside of this project, of Python's
    own directories and of its installed packages."""
    unknown = {Path(name).resolve() for name in _taking_part() if not name.startswith(_known())}
    return {
        str(path): canonical.sha256(path.read_bytes())
        for path in sorted(unknown)
        if path.is_file() and not str(path).startswith(_known())
    }


def configuration() -> str | None:
    """Path of the ansible.cfg that counts, None where there is none."""
    return str(Path(C.CONFIG_FILE).resolve()) if C.CONFIG_FILE else None


def _foreign(what: str, path: str, own: Path) -> GonogoError:
    return GonogoError(
        f"{what} would not be this project's",
        detail=f"Ansible has found {path}; this project's is {own}.",
        hint="Remove the other one, or take its folder out of ansible.cfg, of the variables "
        "ANSIBLE_* and of the folder of your playbook.",
    )


def _found() -> Iterator[tuple[str, str, str]]:
    """What Ansible would load: folder, name and path of each plugin of one of our names."""
    for kind, loader in _LOADERS.items():
        for name in _names(kind):
            for namespace in _KNOWN_AS:
                path = loader.find_plugin(f"{namespace}.{name}")
                if path:
                    yield kind, name, path
    # Of these it is not only the first that could speak: who has put a second one there has meant
    # it to.
    for folder in callback_loader.print_paths().split(os.pathsep):
        for name in _names("callback_plugins"):
            other = Path(folder, f"{name}.py")
            if other.is_file():
                yield "callback_plugins", name, str(other)


def _imported() -> Iterator[tuple[str, str, str]]:
    """What Ansible has loaded: the same."""
    known = {name: kind for kind in _LOADERS for name in _names(kind) if kind != "library"}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path and module.__name__.startswith(_PLUGINS) and Path(path).stem in known:
            yield known[Path(path).stem], Path(path).stem, path


@cache
def _names(kind: str) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in project.folder(kind).glob("gonogo*.py")))


def _taking_part() -> Iterator[str]:
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path:
            yield str(path)
    if C.CONFIG_FILE:
        yield str(C.CONFIG_FILE)
    for playbook in context.CLIARGS.get("args") or ():
        yield os.fspath(playbook)


@cache
def _known() -> tuple[str, ...]:
    """What the paths begin with that are named elsewhere: the project's files by their digests,
    Python and its packages by their versions."""
    paths = [sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")]
    places = [project.ROOT, *(Path(path) for path in paths)]
    return tuple(f"{path}{os.sep}" for place in places for path in {place, place.resolve()})
