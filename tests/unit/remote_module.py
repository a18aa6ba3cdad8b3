"""The module that travels, as Python that tests can call."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from gonogo.controller.package import Package

__all__ = ["FILE", "load", "unpacked"]

FILE = Path(__file__).parents[2] / "library" / "gonogo_remote.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gonogo_remote", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def unpacked(package: Package, parent: Path) -> Path:
    """Have the module unpack a package as on a target host; returns its folder."""
    directory = parent / package.folder_name
    load().unpack({"directory": str(directory), **package.pack()}, None)
    return directory
