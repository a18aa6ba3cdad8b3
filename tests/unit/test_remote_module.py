"""What travels to the target host, run there as Ansible does it: through the standard input."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import stat
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gonogo.controller.package import GONOGO, PSYCOPG, Package
from gonogo.remote import ENTRIES, find
from tests.unit.remote_module import FILE, load, unpacked

PLACEHOLDER = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"


def asked(
    home: Path, *, check_mode: bool = False, archives: list[Package] | None = None, **request: Any
) -> dict[str, Any]:
    """What the module says when it is asked to place one file below `home`."""
    given = {
        "entry": "files",
        "arguments": {"directory": "~/placed", "files": {"a.sql": request.pop("text", "SELECT 1")}},
        "package": f"~/lib/{GONOGO.folder_name}",
        "archives": [
            {"directory": f"~/lib/{one.folder_name}", **one.pack()} for one in archives or []
        ],
        "_ansible_check_mode": check_mode,
        **request,
    }
    return run(home, given)


def run(home: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    source = FILE.read_text(encoding="utf-8").replace(PLACEHOLDER, json.dumps(given))
    outcome = subprocess.run(
        [sys.executable],
        input=source,
        env={"HOME": str(home), "TMPDIR": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.stderr == ""
    return dict(json.loads(outcome.stdout))


def test_the_place_for_the_arguments_is_there_once() -> None:
    assert FILE.read_text(encoding="utf-8").count(PLACEHOLDER) == 1


def test_a_host_without_our_files_asks_for_them(tmp_path: Path) -> None:
    result = asked(tmp_path)
    assert result["failed"]
    assert result["missing"] == "gonogo"
    assert not list(tmp_path.iterdir())


def test_what_was_sent_once_is_found_by_the_next_call(tmp_path: Path) -> None:
    assert asked(tmp_path, archives=[GONOGO])["written"] == ["a.sql"]
    assert asked(tmp_path)["written"] == []
    assert (tmp_path / "placed" / "a.sql").read_text() == "SELECT 1"


@pytest.mark.parametrize(
    "text",
    [
        "'''",
        '"""',
        '\\"""',
        "\\",
        "\\\\",
        "a\nb\r\t\x00",
        "ü€\U0001f600",
        "{{ 7 * 7 }}",
        PLACEHOLDER,
    ],
)
def test_whatever_the_arguments_hold_arrives(text: str, tmp_path: Path) -> None:
    assert asked(tmp_path, archives=[GONOGO], text=text)["written"] == ["a.sql"]
    assert (tmp_path / "placed" / "a.sql").read_bytes().decode() == text


def test_files_of_the_working_directory_are_no_modules(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('foreign')")
    assert asked(tmp_path, archives=[GONOGO])["written"] == ["a.sql"]


def test_check_mode_leaves_nothing(tmp_path: Path) -> None:
    result = asked(tmp_path, check_mode=True, archives=[GONOGO, PSYCOPG])
    assert result["written"] == ["a.sql"]
    assert not list(tmp_path.iterdir())


def test_an_error_is_a_result(tmp_path: Path) -> None:
    (tmp_path / "placed").write_text("in the way")
    result = asked(tmp_path, archives=[GONOGO])
    assert result["failed"]
    assert result["error"]["primary"] == f"Not a directory: {tmp_path}/placed/a.sql"


def test_an_old_python_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    with ExitStack() as stack:
        result = load().answered({}, stack)
    assert "3.9 or newer is needed" in result["msg"]
    assert "ansible_python_interpreter" in result["error"]["hint"]


@pytest.mark.parametrize("package", [GONOGO, PSYCOPG], ids=lambda package: str(package.name))
def test_what_is_sent_is_private_python_and_named_by_its_content(
    package: Package, tmp_path: Path
) -> None:
    sent = unpacked(package, tmp_path / "lib")
    files = [path for path in sent.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".py"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(sent.stat().st_mode) == 0o700
    assert Package(package.name).folder_name == sent.name
    assert not {"controller", "verdict"} & {path.parent.name for path in files}


def test_the_second_comer_finds_it(tmp_path: Path) -> None:
    sent = unpacked(GONOGO, tmp_path)
    before = sent.stat()
    unpacked(GONOGO, tmp_path)
    assert sent.stat() == before
    assert list(tmp_path.iterdir()) == [sent]


def test_what_did_not_arrive_whole_is_refused(tmp_path: Path) -> None:
    damaged = {**GONOGO.pack(), "directory": str(tmp_path / "lib" / "x"), "sha256": "0" * 64}
    with pytest.raises(OSError, match="did not arrive as it was sent"):
        load().unpack(damaged, None)
    assert not (tmp_path / "lib").exists()


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("a/b.py", "x = 1")
    damaged = bytearray(content.getvalue())
    damaged[40] ^= 0xFF
    given = {
        "directory": str(tmp_path / "x"),
        "archive": base64.b64encode(damaged).decode(),
        "sha256": hashlib.sha256(damaged).hexdigest(),
    }
    with pytest.raises((zipfile.BadZipFile, OSError)):
        load().unpack(given, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_entries_are_there(name: str) -> None:
    assert find(name).spec
    assert callable(find(name).run)
