#!/usr/bin/python
"""Do on the target host what a stage asks for."""

from __future__ import annotations

import os
import sys


def leave_standard_library() -> list[str]:
    """Have this Python find modules of its standard library only; returns what else was in its
    path: PYTHONPATH, the folders of installed packages, whatever others can write to.

    The project's own part looks at these once it is there.
    """
    standard = os.path.dirname(os.__file__)  # noqa: PTH120 - pathlib is not imported yet
    known = [standard, standard + "/lib-dynload"]
    others = [entry for entry in sys.path if entry and entry not in known]
    sys.path[:] = known
    sys.dont_write_bytecode = True
    return others


SEARCH_PATH = leave_standard_library()

import base64
import hashlib
import hmac
import json
import zlib
from typing import Any

DOCUMENTATION = r"""
module: gonogo_remote
short_description: Do on the target host what a stage asks for
description:
  - The target host's part of all other modules of this project, which call it by themselves. It is no task of a playbook.
  - This file alone travels each time. What it stands on is sent once, and kept on the host as a file. Every call says the SHA-256 of that file and imports what it has read and verified, and nothing else.
  - The answer carries a seal that only who has read the question can make.
extends_documentation_fragment: [gonogo]
options:
  entry:
    description: What is asked for, see C(module_utils/gonogo/host/stages).
    type: str
    required: true
  arguments:
    description: Its arguments, complete and of the right types.
    type: dict
    required: true
  package:
    description: This project's own Python files.
    type: dict
    required: true
    suboptions:
      file:
        description: Where they are kept on the target host.
        type: path
        required: true
      sha256:
        description: Digest of that file.
        type: str
        required: true
      content:
        description: Its content where it has to be sent, compressed and in base64.
        type: str
  key:
    description: What the answer is sealed with (HMAC-SHA256), in hexadecimal. Another one for each call.
    type: str
    required: true
  progress:
    description: Where to write down, while the module works, how far it is. It is no part of the answer.
    type: dict
    suboptions:
      file:
        description: That file on the target host, in the folder C(progress) of this project's directory. It is removed at the end.
        type: path
        required: true
      seconds:
        description: How often it is written.
        type: float
        default: 1.0
attributes:
  check_mode:
    support: full
    description: As the module that calls it.
"""

EXAMPLES = r"""
- name: Place files as the stage copy_sql does
  gonogo_remote:
    package:
      file: ~/.gonogo/lib/gonogo-0123456789abcdef.json
      sha256: "{{ sha256 }}"
    entry: files
    arguments: {directory: ~/.gonogo/runs/20260131T120000Z-0a1b2c, files: {README: text}}
    key: "{{ key }}"
"""

RETURN = r"""
answer:
  description:
    - What was asked for, as JSON. A failure has C(failed), C(msg) and C(error), the three parts of PostgreSQL's messages.
    - Where a package has to be sent first, C(missing) is its name, C(gonogo) or C(psycopg).
  returned: always
  type: str
seal:
  description: HMAC-SHA256 of C(answer), in hexadecimal.
  returned: always
  type: str
"""

# Ansible puts its JSON here. Three quotation marks in a row are nowhere in that.
GIVEN = r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""


def main() -> None:
    """Entry point."""
    given = json.loads(GIVEN)
    answer = json.dumps(answered(given))
    seal = hmac.new(bytes.fromhex(given["key"]), answer.encode(), "sha256").hexdigest()
    sys.stdout.write(json.dumps({"answer": answer, "seal": seal}))


def answered(given: dict[str, Any]) -> dict[str, Any]:
    """What the module returns."""
    if sys.version_info < (3, 9):  # noqa: UP036 - a target host's may be any
        told = f"the target host's Python is {sys.version.split()[0]}; 3.9 or newer is needed"
        return failed(told, hint="Name another one: ansible_python_interpreter.")
    package = {**given["package"], "file": expanded(given["package"]["file"])}
    if package["file"].startswith("~"):
        told = f"the home directory in {given['package']['file']} is not known"
        return failed(told, hint="Let gonogo_remote_dir name a whole path, or set HOME there.")
    try:
        text = text_of(package)
    except FileNotFoundError:
        return {**failed("this project's files have to be sent first"), "missing": "gonogo"}
    except OSError as error:
        return failed(f"{error.strerror or error}: {package['file']}")
    if hashlib.sha256(text).hexdigest() != package["sha256"]:
        told = f"{package['file']} is not the file that this project has put there"
        return failed(told, hint="Find out who changed it, then remove it: it is sent again.")
    # What was verified is what is imported: it is in memory, and the search path leads to none.
    bundle: dict[str, Any] = {"__name__": "gonogo_bundle"}
    name = "gonogo/host/transport/bundle.py"
    exec(compile(json.loads(text)[name], name, "exec", dont_inherit=True), bundle)  # noqa: S102
    bundle["install"](text, package["file"])
    from gonogo.host.answer import answer  # noqa: PLC0415 - it can be found now

    done = answer(
        given["entry"],
        given["arguments"],
        check_mode=given["_ansible_check_mode"],
        package=package,
        search_path=SEARCH_PATH,
        progress=given.get("progress"),
    )
    return dict(done)


def text_of(package: dict[str, Any]) -> bytes:
    """What was sent or, where nothing was, what lies here. It is not verified yet."""
    if package.get("content"):
        return zlib.decompress(base64.b64decode(package["content"]))
    with open(package["file"], "rb") as file:  # noqa: PTH123 - see above
        return file.read()


def expanded(path: str) -> str:
    """A path as Ansible's modules understand it."""
    return os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111 - as there


def failed(primary: str, hint: str | None = None) -> dict[str, Any]:
    """A failure in the form that the controller's part understands."""
    error = {"primary": primary, "detail": None, "hint": hint}
    return {"failed": True, "msg": primary, "error": error}


if __name__ == "__main__":
    main()
