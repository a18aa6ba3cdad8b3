#!/usr/bin/python
"""Do on the target host what a stage asks for."""

from __future__ import annotations

import sys

# A script on the standard input has the working directory in its path, and files there are no
# modules of ours.
if "" in sys.path:
    sys.path.remove("")

import base64
import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

DOCUMENTATION = r"""
module: gonogo_remote
short_description: Do on the target host what a stage asks for
description:
  - The target host's half of all other modules of this project, which call it by themselves. It is no task of a playbook.
  - This file alone travels each time. What it stands on is sent once, and found by every later call in a folder that is named by its content.
extends_documentation_fragment: [gonogo]
options:
  entry:
    description: What is asked for, see C(module_utils/gonogo/remote).
    type: str
    required: true
  arguments:
    description: Its arguments, complete and of the right types.
    type: dict
    required: true
  package:
    description: Folder of this project's own Python files.
    type: path
    required: true
  archives:
    description:
      - Packages of Python files that are to be unpacked first.
      - In check mode they are there for this call only.
    type: list
    elements: dict
    default: []
    suboptions:
      directory:
        description: Where to.
        type: path
        required: true
      archive:
        description: A zip file, in base64.
        type: str
        required: true
      sha256:
        description: Digest of that file.
        type: str
        required: true
attributes:
  check_mode:
    support: full
    description: As the module that calls it.
"""

EXAMPLES = r"""
- name: Place files as the stage copy_sql does
  gonogo_remote:
    package: ~/.gonogo/lib/gonogo-0123456789abcdef
    entry: files
    arguments: {directory: ~/.gonogo/runs/20260131T120000Z-0a1b2c, files: {README: text}}
"""

RETURN = r"""
error:
  description: What is wrong, in the three parts of PostgreSQL's messages.
  returned: failure
  type: dict
  contains:
    primary: {description: What is wrong., type: str, returned: always}
    detail: {description: The facts., type: str, returned: always}
    hint: {description: What to do next., type: str, returned: always}
missing:
  description: The package that has to be sent first, C(gonogo) or C(psycopg).
  returned: failure
  type: str
"""

# Ansible puts its JSON here. Three quotation marks in a row are nowhere in that.
GIVEN = r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""


def main() -> None:
    """Entry point."""
    given = json.loads(GIVEN)
    with contextlib.ExitStack() as stack:
        sys.stdout.write(json.dumps(answered(given, stack)))


def answered(given: dict[str, Any], stack: contextlib.ExitStack) -> dict[str, Any]:
    """What the module returns; `stack` takes back what must not outlive the call."""
    if sys.version_info < (3, 9):  # noqa: UP036 - a target host's may be any
        told = f"the target host's Python is {sys.version.split()[0]}; 3.9 or newer is needed"
        return failed(told, hint="Name another one: ansible_python_interpreter.")
    check_mode = given["_ansible_check_mode"]
    try:
        for package in given["archives"]:
            unpack(package, stack if check_mode else None)
    except (OSError, zipfile.BadZipFile) as error:
        return failed(f"what was sent cannot be unpacked: {error}")
    sys.path.insert(0, expanded(given["package"]))
    try:
        from gonogo.remote.answer import answer  # noqa: PLC0415 - its folder is known now
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "gonogo":
            raise
        return {**failed("this project's files have to be sent first"), "missing": "gonogo"}
    return answer(given["entry"], given["arguments"], check_mode=check_mode)


def unpack(package: dict[str, Any], stack: contextlib.ExitStack | None) -> None:
    """Unpack an archive into its directory, or for the time of `stack` into one of its own.

    Whoever comes second finds the first one's: the folder appears at once and whole, under a
    name that says its content.
    """
    content = base64.b64decode(package["archive"], validate=True)
    if hashlib.sha256(content).hexdigest() != package["sha256"]:
        raise OSError("it did not arrive as it was sent")
    if stack is not None:
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="gonogo-"))
        extract(content, Path(temporary))
        sys.path.insert(0, temporary)
        return
    directory = Path(expanded(package["directory"]))
    if directory.is_dir():
        return
    for folder in (*reversed(directory.parent.parents), directory.parent):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=directory.parent))
    try:
        extract(content, partial)
        try:
            partial.rename(directory)
        except OSError:
            if not directory.is_dir():
                raise
    finally:
        # Renamed by now, or another error is on its way.
        shutil.rmtree(partial, ignore_errors=True)


def extract(content: bytes, directory: Path) -> None:
    """Extract a zip file; nobody else can read what is in it."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        file.extractall(directory)
    for path in directory.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def expanded(path: str) -> str:
    """A path as Ansible's modules understand it."""
    return os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111 - as there


def failed(primary: str, hint: str | None = None) -> dict[str, Any]:
    """A failure in the form that the controller's half understands."""
    error = {"primary": primary, "detail": None, "hint": hint}
    return {"failed": True, "msg": primary, "error": error}


if __name__ == "__main__":
    main()
