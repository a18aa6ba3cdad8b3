"""The action plugins of the stages."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from gonogo.contract.options.option import StageOptions
from gonogo.controller import stages
from gonogo.controller.stages.base import Stage
from tests.generated import WRITTEN

__all__ = ["class_of", "classes", "plugin"]

_PLUGIN = '''{written}
"""The stage {role}: see module_utils/gonogo/controller/stages/{file}.py."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from gonogo.controller.ansible.plugin import Plugin
from gonogo.controller.stages.{file} import {name}


class ActionModule(Plugin):
    """See library/{module}.py."""

    logic = {name}
'''


def plugin(stage: StageOptions) -> str:
    """The file of an action plugin."""
    cls = class_of(stage)
    return _PLUGIN.format(
        written=WRITTEN,
        role=stage.role,
        file=cls.__module__.rpartition(".")[2],
        name=cls.__name__,
        module=stage.module_name,
    )


def class_of(stage: StageOptions) -> type[Stage[Any]]:
    """The class of this stage in controller/stages."""
    (found,) = (cls for cls in classes() if cls.stage == stage.role)
    return found


def classes() -> Iterator[type[Stage[Any]]]:
    """Those of all stages."""
    for file in pkgutil.iter_modules(stages.__path__):
        module = importlib.import_module(f"{stages.__name__}.{file.name}")
        for cls in vars(module).values():
            own = isinstance(cls, type) and cls.__module__ == module.__name__
            # Their bases are no stages by themselves.
            if own and issubclass(cls, Stage) and cls.stage:
                yield cls
