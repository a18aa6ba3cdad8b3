"""Every file that is written, as a whole or in part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from gonogo.contract.options.every import STAGES
from gonogo.contract.options.option import StageOptions
from tests.generated import (
    ROOT,
    WRITTEN,
    documentation,
    playbook,
    plugins,
    roles,
    schemas,
    variables,
)

__all__ = ["FILES"]


def _files() -> Iterator[tuple[Path, Callable[[str], str]]]:
    """File, and what makes of its text the one that it should have."""
    yield Path("doc_fragments/gonogo.py"), documentation.fragments
    yield Path("docs/variables.md"), variables.page
    yield Path(schemas.VERDICT), lambda _: schemas.verdict()
    yield Path("playbooks/validate.yml"), playbook.run
    for stage in STAGES:
        yield from _of_stage(stage)


def _of_stage(stage: StageOptions) -> Iterator[tuple[Path, Callable[[str], str]]]:
    role = Path("roles") / stage.role
    yield Path(f"action_plugins/{stage.module_name}.py"), lambda _: plugins.plugin(stage)
    yield Path(f"library/{stage.module_name}.py"), lambda _: documentation.module(stage)
    yield role / "meta" / "main.yml", lambda _: roles.galaxy(stage)
    yield role / "meta" / "argument_specs.yml", lambda _: roles.specs(stage)
    if roles.defaults(stage):
        yield role / "defaults" / "main.yml", lambda _: roles.defaults(stage)
    if roles.constants_of(stage):
        yield role / "vars" / "main.yml", partial(roles.constants, stage=stage)
    yield role / "tasks" / "main.yml", partial(_tasks, stage=stage)
    for file in sorted((ROOT / role / "tasks").glob("*.yml")):
        if file.stem != "main":
            yield role / "tasks" / file.name, partial(roles.tasks, file=file.stem)


def _tasks(text: str, stage: StageOptions) -> str:
    """A file that somebody has begun by hand has more tasks than the stage's own."""
    if text and not text.startswith(WRITTEN):
        return roles.tasks(text, "main")
    return roles.whole(stage)


FILES = dict(_files())
