"""What travels to the target host, run there as Ansible does it: through the standard input."""

from __future__ import annotations

import base64
import json
import os
import py_compile
import shutil
import stat
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from gonogo.controller.ansible.package import GONOGO, PSYCOPG, Package
from gonogo.host.stages import find
from tests.unit import entries
from tests.unit.remote_module import FILE, KEY, PLACEHOLDER, kept, load, opened, run

LIB = "~/lib"
# A line that every call runs, as somebody could change it.
HARMLESS = '"""From what a stage asks'
HOSTILE = 'raise SystemExit("foreign")\n' + HARMLESS


def asked(home: Path, **request: Any) -> dict[str, Any]:
    """What the module says when it is asked to place one file below `home`."""
    environment = request.pop("environment", {})
    return opened(run(home, given(**request), **environment))


def given(
    *, check_mode: bool = False, sent: bool = False, text: str = "SELECT 1", **request: Any
) -> dict[str, Any]:
    return {
        "entry": "files",
        "arguments": {"directory": "~/placed", "files": {"a.sql": text}},
        "package": GONOGO.bundle(LIB, sent=sent),
        "key": KEY,
        "_ansible_check_mode": check_mode,
        **request,
    }


def file_of(home: Path, package: Package = GONOGO) -> Path:
    return home / "lib" / package.file_name


def test_the_place_for_the_arguments_is_there_once() -> None:
    assert FILE.read_text(encoding="utf-8").count(PLACEHOLDER) == 1


def test_a_host_without_our_files_asks_for_them(tmp_path: Path) -> None:
    result = asked(tmp_path)
    assert result["failed"]
    assert result["missing"] == "gonogo"
    assert not list(tmp_path.iterdir())


def test_what_was_sent_once_is_found_by_the_next_call(tmp_path: Path) -> None:
    assert asked(tmp_path, sent=True)["written"] == ["a.sql"]
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
    assert asked(tmp_path, sent=True, text=text)["written"] == ["a.sql"]
    assert (tmp_path / "placed" / "a.sql").read_bytes().decode() == text


def test_check_mode_leaves_nothing(tmp_path: Path) -> None:
    result = asked(tmp_path, check_mode=True, sent=True)
    assert result["written"] == ["a.sql"]
    assert not list(tmp_path.iterdir())


def test_an_error_is_a_result(tmp_path: Path) -> None:
    (tmp_path / "placed").write_text("in the way")
    result = asked(tmp_path, sent=True)
    assert result["failed"]
    assert result["error"]["primary"] == f"Not a directory: {tmp_path}/placed/a.sql"


def test_an_old_python_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    module = load()
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    result = module.answered({})
    assert "3.9 or newer is needed" in result["msg"]
    assert "ansible_python_interpreter" in result["error"]["hint"]


# --- what is imported is what the controller has sent -------------------------------------------


def _edited(home: Path) -> None:
    file = file_of(home)
    text = file.read_text().replace(json.dumps(HARMLESS)[1:-1], json.dumps(HOSTILE)[1:-1])
    assert text != file.read_text()
    file.write_text(text)


def _emptied(home: Path) -> None:
    file_of(home).write_text("")


def _one_more(home: Path) -> None:
    files = json.loads(file_of(home).read_text())
    file_of(home).write_text(json.dumps({**files, "sitecustomize.py": "raise SystemExit"}))


def _a_link(home: Path) -> None:
    shutil.move(file_of(home), home / "elsewhere.json")
    (home / "elsewhere.json").write_text("{}")
    file_of(home).symlink_to(home / "elsewhere.json")


@pytest.mark.parametrize("change", [_edited, _emptied, _one_more, _a_link])
def test_a_changed_file_is_refused_and_named(change: Any, tmp_path: Path) -> None:
    kept(GONOGO, tmp_path)
    change(tmp_path)
    result = asked(tmp_path)
    assert result["failed"]
    assert f"{file_of(tmp_path)} is not the file that this project has put there" in result["msg"]
    assert not (tmp_path / "placed").exists()


def test_what_is_sent_again_takes_the_place_of_what_was_changed(tmp_path: Path) -> None:
    kept(GONOGO, tmp_path)
    _edited(tmp_path)
    assert asked(tmp_path, sent=True)["written"] == ["a.sql"]
    assert asked(tmp_path)["written"] == []


def _folder(home: Path) -> None:
    """A whole package under the names that Python would look for first."""
    for name in (GONOGO.file_name.removesuffix(".json"), ""):
        package = home / "lib" / name / "gonogo"
        shutil.copytree(FILE.parents[1] / "module_utils" / "gonogo", package)
        for file in package.rglob("*.py"):
            file.write_text("raise SystemExit('foreign')")


def _compiled(home: Path) -> None:
    """Code without a text, and of modules of the standard library."""
    source = home / "evil.py"
    source.write_text("raise SystemExit('foreign')")
    for name in ("gonogo", "zlib", "sitecustomize", "usercustomize"):
        py_compile.compile(str(source), cfile=str(home / "lib" / f"{name}.pyc"))
        cached = home / "lib" / "__pycache__" / f"{name}.{sys.implementation.cache_tag}.pyc"
        py_compile.compile(str(source), cfile=str(cached))
    (home / "lib" / "evil.pth").write_text("import sys; raise SystemExit('foreign')\n")
    (home / "lib" / "gonogo.so").write_bytes(b"\x7fELF")


def _in_the_working_directory(home: Path) -> None:
    for name in ("json", "gonogo", "hmac", "psycopg"):
        (home / f"{name}.py").write_text("raise SystemExit('foreign')")


@pytest.mark.parametrize("plant", [_folder, _compiled, _in_the_working_directory])
def test_what_lies_beside_it_is_never_imported(plant: Any, tmp_path: Path) -> None:
    kept(GONOGO, tmp_path)
    plant(tmp_path)
    assert asked(tmp_path)["written"] == ["a.sql"]


@pytest.mark.parametrize("name", ["json", "hmac", "gonogo", "base64", "pathlib"])
def test_pythonpath_shadows_nothing(name: str, tmp_path: Path) -> None:
    """Of what Python has not loaded by itself before it reads a line of ours."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / f"{name}.py").write_text("raise SystemExit('foreign')")
    path = {"PYTHONPATH": str(tmp_path / "path")}
    assert asked(tmp_path, sent=True, environment=path)["written"] == ["a.sql"]


def test_no_call_leaves_compiled_files(tmp_path: Path) -> None:
    asked(tmp_path, sent=True)
    asked(tmp_path)
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {GONOGO.file_name, "a.sql"}


@pytest.mark.parametrize("package", [GONOGO, PSYCOPG], ids=lambda package: str(package.name))
def test_what_is_sent_is_private_python_and_named_by_its_content(
    package: Package, tmp_path: Path
) -> None:
    bundle = kept(package, tmp_path)
    file = Path(bundle["file"])
    assert file == file_of(tmp_path, package)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert Package(package.name).file_name == file.name
    names = json.loads(file.read_text())
    assert all(name.endswith(".py") for name in names)
    assert not {"controller", "verdict"} & {Path(name).parent.name for name in names}


def test_what_did_not_arrive_whole_is_refused(tmp_path: Path) -> None:
    package = GONOGO.bundle(LIB, sent=True)
    other = base64.b64encode(zlib.compress(b"{}")).decode()
    result = asked(tmp_path, package={**package, "content": other})
    assert "is not the file" in result["msg"]
    assert not (tmp_path / "lib").exists()


# --- whose directory it is ----------------------------------------------------------------------


def _writable(path: Path) -> None:
    path.chmod(0o777)


def _sticky(path: Path) -> None:
    path.chmod(0o1777)


def _somebody_elses(path: Path) -> None:
    os.chown(path, 12345, 12345)


root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")


@pytest.mark.parametrize(
    ("spoil", "where", "said"),
    [
        (_writable, "mine", "can be written to by everybody (mode 0777)"),
        (_sticky, "mine", "can be written to by everybody (mode 1777)"),
        (_writable, "above", "can be written to by everybody (mode 0777)"),
        pytest.param(_somebody_elses, "mine", "belongs to user 12345", marks=root),
        pytest.param(_somebody_elses, "above", "belongs to user 12345", marks=root),
        pytest.param(_somebody_elses, "mine/lib", "belongs to user 12345", marks=root),
        pytest.param(_somebody_elses, "mine/placed", "belongs to user 12345", marks=root),
    ],
)
def test_a_directory_of_somebody_else_is_refused(
    spoil: Any, where: str, said: str, tmp_path: Path
) -> None:
    home = tmp_path / "above" / "mine"
    (home / "lib").mkdir(parents=True)
    (home / "placed").mkdir()
    (tmp_path / "mine").symlink_to(home)
    spoil(tmp_path / "above" if where == "above" else tmp_path / where)
    result = asked(
        tmp_path,
        package=GONOGO.bundle("~/mine/lib", sent=True),
        arguments={"directory": "~/mine/placed", "files": {"a.sql": "SELECT 1"}},
    )
    assert result["failed"]
    assert said in result["error"]["detail"]
    assert "gonogo_remote_dir" in result["error"]["hint"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


# --- the answer is to this question -------------------------------------------------------------


def test_the_answer_carries_the_seal_of_the_question(tmp_path: Path) -> None:
    outcome = run(tmp_path, given())
    opened(outcome)
    with pytest.raises(AssertionError):
        opened(outcome, key="00" * 32)


@pytest.mark.parametrize("name", entries.EVERY)
def test_entries_are_there(name: str) -> None:
    assert find(name).spec
    assert callable(find(name).run)
