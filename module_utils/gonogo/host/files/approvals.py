"""Approvals that were used, for every controller that comes to this target host.

Each is a file that is named by its digest: whoever makes it first has used it.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timezone
from pathlib import Path

from ...contract.errors import GonogoError
from . import removal
from .private import make_private

__all__ = ["use"]

_DIGEST = re.compile(r"[0-9a-f]{64}")


def use(directory: Path, digest: str, *, run_id: str) -> None:
    """Note that this run uses the approval. Raises GonogoError where it was used before."""
    if not _DIGEST.fullmatch(digest):
        raise GonogoError("not the digest of an approval", detail=repr(digest[:80]))
    make_private(directory)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    try:
        with (
            removal.opened(directory.parent) as parent,
            removal.opened_within(parent, directory.name) as folder,
        ):
            _note(folder, digest, {"run_id": run_id, "at": now})
    except removal.NotOursError as error:
        raise GonogoError(
            f"{directory} does not belong to the login of the target host alone; nothing was "
            "deployed",
            hint="Set gonogo_remote_dir to a directory of the login user.",
        ) from error


def _note(folder: int, digest: str, record: dict[str, str]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(digest, flags, 0o600, dir_fd=folder)
    except FileExistsError:
        raise GonogoError(
            f"this approval was used before ({removal.read_small(folder, digest)}); nothing was "
            "deployed",
            hint="An approval is for one run. Run the playbook again, and approve the new plan.",
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(record, file, sort_keys=True)
        file.flush()
        os.fsync(descriptor)
