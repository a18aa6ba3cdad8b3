"""The module that travels, run as Ansible does it: through the standard input of a Python."""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from gonogo.controller.ansible.package import Package

__all__ = ["FILE", "KEY", "PLACEHOLDER", "kept", "load", "opened", "run", "written"]

FILE = Path(__file__).parents[2] / "library" / "gonogo_remote.py"
PLACEHOLDER = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"
KEY = hashlib.sha256(b"a key").hexdigest()


def load() -> ModuleType:
    """The module as Python that tests can call. Loading it changes this process's search path."""
    before = sys.path[:], sys.dont_write_bytecode
    spec = importlib.util.spec_from_file_location("gonogo_remote", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:], sys.dont_write_bytecode = before
    return module


def kept(package: Package, home: Path) -> dict[str, str]:
    """Have a package on a host whose login lives in `home`; returns its bundle."""
    return written(package.bundle(str(home / "lib"), sent=True))


def written(bundle: Mapping[str, str]) -> dict[str, str]:
    from gonogo.host.transport import bundle as bundles  # noqa: PLC0415 - of the state that the test has made

    bundles.keep(bundles.Bundle(**bundle))
    return {key: value for key, value in bundle.items() if key != "content"}


def run(
    home: Path,
    given: Mapping[str, Any],
    *,
    python: tuple[str, ...] = (sys.executable,),
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    source = FILE.read_text(encoding="utf-8").replace(PLACEHOLDER, json.dumps(given))
    return subprocess.run(
        python,
        input=source,
        env={"HOME": str(home), "TMPDIR": str(home), **environment},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )


def opened(outcome: subprocess.CompletedProcess[str], key: str = KEY) -> dict[str, Any]:
    """The answer, whose seal is the one of the key."""
    assert outcome.stderr == ""
    told = json.loads(outcome.stdout)
    seal = hmac.new(bytes.fromhex(key), told["answer"].encode(), "sha256").hexdigest()
    assert told["seal"] == seal
    return dict(json.loads(told["answer"]))
