"""The scripts of a run in its evidence: each text once, whether it ran on a twin, here or on both.

A script that was rehearsed lies in `sql/NAME.sql`, and the record of the rehearsal names its
SHA-256. The phases find the same text there, as a rule, and say once more that it is theirs. Where
theirs is another one, it gets that name, and the rehearsed one lies in `sql/rehearsal_NAME.sql`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..evidence import Run

__all__ = ["keep", "keep_rehearsed"]


def keep_rehearsed(run: Run, scripts: Mapping[str, str], *, stage: str) -> dict[str, str]:
    """Write scripts that are about to run on the twin; return the SHA-256 of each."""
    digests = {}
    for name, text in scripts.items():
        other = _there(run, name) not in {None, text}
        file = f"sql/rehearsal_{name}.sql" if other else f"sql/{name}.sql"
        digests[name] = run.write(file, text, stage=stage)
    return digests


def keep(run: Run, scripts: Mapping[str, str], *, stage: str) -> None:
    """Write scripts that are about to run on the database itself."""
    for name, text in scripts.items():
        before = _there(run, name)
        if before is not None and before != text:
            run.write(f"sql/rehearsal_{name}.sql", before, stage=stage)
        run.write(f"sql/{name}.sql", text, stage=stage)


def _there(run: Run, name: str) -> str | None:
    file = f"sql/{name}.sql"
    return run.read_text(file) if os.path.lexists(run.path / file) else None
