"""Every file that is written, as a whole or in part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from gonogo.contract.options.every import STAGES
from gonogo.contract.options.option import StageOptions
from tests.generated import ROOT, documentation, roles, variables

__all__ = ["FILES"]


def _files() -> Iterator[tuple[Path, Callable[[str], str]]]:
    """File, and what makes of its text the one that it should have."""
    yield Path("doc_fragments/gonogo.py"), documentation.fragments
    yield Path("docs/variables.md"), variables.page
    for stage in STAGES:
        yield from _of_stage(stage)


def _of_stage(stage: StageOptions) -> Iterator[tuple[Path, Callable[[str], str]]]:
    role = Path("roles") / stage.role
    yield Path(f"library/{stage.module_name}.py"), partial(documentation.module, stage=stage)
    yield role / "meta" / "argument_specs.yml", lambda _: roles.specs(stage)
    if roles.defaults(stage):
        yield role / "defaults" / "main.yml", lambda _: roles.defaults(stage)
    if roles.constants_of(stage):
        yield role / "vars" / "main.yml", partial(roles.constants, stage=stage)
    for file in sorted((ROOT / role / "tasks").glob("*.yml")):
        yield role / "tasks" / file.name, partial(roles.tasks, file=file.stem)


FILES = dict(_files())
