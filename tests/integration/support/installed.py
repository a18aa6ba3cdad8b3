"""The collection as somebody has installed it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools import collection

__all__ = ["HOME", "install"]

# Below the directory of the collections.
HOME = Path("ansible_collections/pg_gonogo/gonogo")


def install(scratch: Path) -> Path:
    """Build it, install it without a network; returns the directory of the collections."""
    built = collection.build(scratch / "dist")
    directory = scratch / "collections"
    program = Path(sys.executable).with_name("ansible-galaxy")
    words = ("collection", "install", "--offline", "-p", str(directory), str(built))
    # It warns that Ansible does not look there by itself.
    subprocess.run([str(program), *words], check=True, capture_output=True)
    return directory
