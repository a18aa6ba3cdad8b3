"""The names of all that a target host can be asked for."""

from __future__ import annotations

import pkgutil

from gonogo.host import stages

__all__ = ["EVERY"]

# What several of them stand on, and the file of two.
_BASES = {"common", "scripts"}
_FILES = {module.name for module in pkgutil.iter_modules(stages.__path__)}
EVERY = sorted((_FILES - _BASES) | {*stages.OTHERS})
