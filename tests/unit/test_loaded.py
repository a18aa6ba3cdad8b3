"""What Ansible would load under this project's names, and from where."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from ansible.plugins.loader import (
    PluginLoader,
    action_loader,
    callback_loader,
    lookup_loader,
    module_loader,
)

from gonogo.contract.errors import GonogoError
from gonogo.controller.invocation import loaded, project

LOADERS = {
    "action_plugins": action_loader,
    "callback_plugins": callback_loader,
    "library": module_loader,
    "lookup_plugins": lookup_loader,
}


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, PluginLoader]]:
    """Loaders that know this project's folders, as ansible.cfg says."""
    for kind, loader in LOADERS.items():
        monkeypatch.setattr(loader, "config", [str(project.ROOT / kind)])
        monkeypatch.setattr(loader, "_extra_dirs", [])
        loader._clear_caches()
    yield LOADERS
    monkeypatch.undo()
    for loader in LOADERS.values():
        loader._clear_caches()


def test_our_own_will_do(searched: dict[str, PluginLoader]) -> None:
    loaded.require_own()
    # Found through a link as well.
    searched["callback_plugins"].add_directory(str(project.ROOT / "playbooks"), with_subdir=True)
    loaded.require_own()


def test_none_at_all_will_do(searched: dict[str, PluginLoader]) -> None:
    """A callback plugin that is not found has not spoken."""
    searched["callback_plugins"].config = []
    searched["callback_plugins"]._clear_caches()
    loaded.require_own()


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("library", "gonogo_remote.py"),
        ("library", "gonogo_remote"),
        ("action_plugins", "gonogo_phases.py"),
        ("callback_plugins", "gonogo.py"),
        ("lookup_plugins", "gonogo_waves.py"),
    ],
)
def test_what_comes_first_counts(
    searched: dict[str, PluginLoader],
    kind: str,
    name: str,
    first: bool,
    tmp_path: Path,
) -> None:
    """Of callback plugins the second one could speak as well."""
    (tmp_path / name).write_text("")
    loader = searched[kind]
    if first:
        loader.add_directory(str(tmp_path))
    else:
        loader.config = [*loader.config, str(tmp_path)]
        loader._clear_caches()
    if not first and kind != "callback_plugins":
        loaded.require_own()
        return
    with pytest.raises(GonogoError) as caught:
        loaded.require_own()
    told = caught.value.render()
    assert str(tmp_path / name) in told
    assert str(project.ROOT / kind) in told


@pytest.mark.parametrize(
    "module",
    [
        "ansible.plugins.action.gonogo_phases",
        "ansible_collections.a.b.plugins.action.gonogo_phases",
    ],
)
def test_what_was_loaded_counts(
    searched: dict[str, PluginLoader],
    module: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also of a collection, which is found under a name of its own."""
    del searched
    foreign = ModuleType(module)
    foreign.__file__ = str(tmp_path / "gonogo_phases.py")
    monkeypatch.setitem(sys.modules, module, foreign)
    with pytest.raises(GonogoError, match="would not be this project's"):
        loaded.require_own()


def task(action: str, role: Path | None) -> SimpleNamespace:
    return SimpleNamespace(action=action, _role=role and SimpleNamespace(_role_path=str(role)))


def test_roles_are_ours(tmp_path: Path) -> None:
    own = project.ROOT / "roles" / "phases"
    for fine in (
        task("gonogo_phases", own),
        task("gonogo_phases", None),
        task("ansible.builtin.command", tmp_path / "users_own"),
    ):
        loaded.require_own_role(fine)
    for foreign in (
        task("gonogo_phases", tmp_path / "users_own"),
        task("a.b.gonogo_phases", tmp_path / "phases"),
        task("ansible.builtin.command", tmp_path / "phases"),
    ):
        with pytest.raises(GonogoError, match="would not be this project's"):
            loaded.require_own_role(foreign)


def test_what_lies_elsewhere_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = ModuleType("ansible.plugins.callback.somebodys")
    foreign.__file__ = str(tmp_path / "somebodys.py")
    Path(foreign.__file__).write_text("x = 1\n")
    monkeypatch.setitem(sys.modules, foreign.__name__, foreign)
    found = loaded.elsewhere()
    assert str(tmp_path / "somebodys.py") in found
    assert not [path for path in found if path.startswith(f"{project.ROOT}/")]
    assert not [path for path in found if "site-packages" in path]
