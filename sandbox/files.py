"""Files that only their owner may read, written whole or not at all."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write ``text`` with mode 0600 through a temporary name in the same directory."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    temporary.replace(path)


def remove_private(path: Path) -> None:
    """Remove what ``write_private`` wrote or had begun to write, if anything."""
    path.with_name(f"{path.name}.new").unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write canonical JSON: sorted keys, two spaces of indent, a newline at the end."""
    write_private(path, json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """What ``write_json`` wrote, or None when there is no such file.

    Raises: SandboxError when it holds anything else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SandboxError(
            f'"{path}" is damaged',
            detail=str(error),
            hint="End the server by its PID if it still runs, then remove the directory.",
        ) from error
    return dict(value)
