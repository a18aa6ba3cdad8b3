"""What squawk says of a migration, where the controller has that program: a second opinion, which
has seen neither the database nor a copy of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from . import plans
from .book import Runbook

__all__ = ["lint"]

_PROGRAM = "squawk"
_SECONDS = 60
# A deployment sets both timeouts itself.
_ANSWERED = ("require-lock-timeout", "require-statement-timeout")
# What it cannot read, PostgreSQL has read.
_UNREAD = "syntax-error"


def lint(runbook: Runbook) -> dict[str, object]:
    """`program` is its name and version, `files` how many it was given, `unread` in how many places
    it did not understand them, and `findings` have `place`, `rule` and `words` each; or `problem`
    says why it gave no answer. Empty where the controller has no squawk.

    A `.squawk.toml` in the folder of the migrations counts, as it does where people lint them.
    """
    program = shutil.which(_PROGRAM)
    if program is None:
        return {}
    files = _files(runbook)
    apart = {step.file for step in plans.steps(runbook) if not step.transaction}
    folder = runbook.source.directory if runbook.source else runbook.directory
    try:
        version = _said([program, "--version"], folder).strip()
        said = _reported(program, folder, files, apart)
    except subprocess.TimeoutExpired:
        return {"problem": f"{_PROGRAM} gave no answer within {_SECONDS} s"}
    except (OSError, ValueError, KeyError, TypeError):
        return {"problem": f"{_PROGRAM} gave no answer that could be read"}
    unread = [one for one in said if one["rule"] == _UNREAD]
    found = [one for one in said if one["rule"] not in (_UNREAD, *_ANSWERED)]
    return {
        "program": version,
        "files": len(files),
        "unread": len(unread),
        "findings": found,
    }


def _files(runbook: Runbook) -> dict[str, str]:
    """The text of each file of the migration by the name that its statements are told by."""
    if runbook.source is None:
        return plans.texts(runbook)
    return {one.file: one.text or "" for one in runbook.pending_migrations}


def _reported(
    program: str, folder: Path, files: Mapping[str, str], apart: Container[str]
) -> list[dict[str, str]]:
    """Raises ValueError, KeyError and TypeError for an answer of another shape."""
    found: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="gonogo-lint-") as directory:
        for number, (name, text) in enumerate(files.items(), 1):
            file = Path(directory, f"{number:04}.sql")
            file.write_text(text, encoding="utf-8")
            inside = [] if name in apart else ["--assume-in-transaction"]
            words = [program, "--reporter", "Json", *inside, str(file)]
            found += (_finding(name, one) for one in json.loads(_said(words, folder)))
    return found


def _finding(file: str, one: Any) -> dict[str, str]:
    """Its lines begin with 0."""
    said = " ".join(str(one[key]) for key in ("message", "help") if one[key])
    return {"place": f"{file}:{int(one['line']) + 1}", "rule": str(one["rule_name"]), "words": said}


def _said(command: list[str], folder: Path) -> str:
    """What the program prints. It ends with 1 where it has findings."""
    return subprocess.run(  # noqa: S603 - paths of our own, no shell
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_SECONDS,
        check=False,
        encoding="utf-8",
    ).stdout
