"""psycopg for a Python that has none: packed here, unpacked and imported there."""

from __future__ import annotations

import base64
import hashlib
import io
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gonogo import driver
from gonogo.controller import psycopg_archive
from gonogo.errors import GonogoError
from sandbox import programs

ROOT = Path(__file__).parents[2]

# The system's loader, on a host where it knows no libpq.
NO_LIBPQ = """known = ctypes.util.find_library
ctypes.util.find_library = lambda name: None if name == "pq" else known(name)"""


def bare(script: str, *, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Run a script without site-packages, with this project's package in reach."""
    lines = ["import sys", "sys.path.insert(0, 'module_utils')", script]
    return subprocess.run(
        [python, "-I", "-S", "-c", "\n".join(lines)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the controller's psycopg has been unpacked."""
    directory = tmp_path_factory.mktemp("host") / "lib" / psycopg_archive.folder_name()
    assert driver.install(**_arguments(), directory=directory)
    return directory


def _arguments() -> dict[str, str]:
    return psycopg_archive.pack()


def test_a_host_without_psycopg_asks_for_it(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from gonogo import driver
try:
    driver.provide(Path({str(tmp_path / "none")!r}))
except driver.DriverMissingError as error:
    print(error.primary, "|", error.detail)
"""
    assert bare(script).stdout == "this Python has no psycopg | No module named 'psycopg'\n"


def test_what_was_sent_is_imported_from_there(sent: Path) -> None:
    script = f"""
from pathlib import Path
from gonogo import driver
driver.provide(Path({str(sent)!r}), bin_dir={str(_bin_dir())!r})
import psycopg
print(psycopg.__file__, psycopg.pq.__impl__)
"""
    outcome = bare(script)
    assert outcome.stdout == f"{sent}/psycopg/__init__.py python\n", outcome.stderr


def test_a_libpq_beside_the_client_programs_will_do(sent: Path) -> None:
    script = f"""
import ctypes.util
from pathlib import Path
{NO_LIBPQ}
from gonogo import driver
driver.provide(Path({str(sent)!r}), bin_dir={str(_bin_dir())!r})
import psycopg
print(psycopg.pq.version() // 10000)
"""
    outcome = bare(script)
    assert outcome.stdout == "17\n", outcome.stderr


def test_no_libpq_is_one_clear_error(sent: Path, tmp_path: Path) -> None:
    script = f"""
import ctypes.util, sys
from pathlib import Path
{NO_LIBPQ}
from gonogo import driver
try:
    driver.provide(Path({str(sent)!r}), bin_dir={str(tmp_path)!r})
except driver.GonogoError as error:
    print(error.render())
    print([name for name in sys.modules if name.startswith("psycopg")])
"""
    outcome = bare(script)
    assert outcome.stdout.startswith("psycopg cannot be loaded on the target host\n"), outcome
    assert "libpq library not found" in outcome.stdout
    assert "HINT:  It needs libpq: install the client package" in outcome.stdout
    assert outcome.stdout.endswith("[]\n")


def test_an_installed_one_comes_first(sent: Path) -> None:
    outcome = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, 'module_utils')\nfrom pathlib import Path\n"
            f"from gonogo import driver\ndriver.provide(Path({str(sent)!r}))\n"
            "import psycopg; print(psycopg.__file__)",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "site-packages" in outcome.stdout, outcome.stderr


def test_what_is_sent_is_private_python_and_named_by_its_content(sent: Path) -> None:
    files = [path for path in sent.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert {path.suffix for path in files} == {".py"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(sent.stat().st_mode) == 0o700
    assert psycopg_archive.folder_name() == psycopg_archive.folder_name() == sent.name


def test_the_second_comer_finds_it(sent: Path) -> None:
    before = sorted(sent.parent.iterdir())
    assert not driver.install(**_arguments(), directory=sent)
    assert sorted(sent.parent.iterdir()) == before


def test_what_did_not_arrive_whole_is_refused(tmp_path: Path) -> None:
    given = _arguments()
    with pytest.raises(GonogoError, match="did not arrive as it was sent"):
        driver.install(given["archive"], directory=tmp_path / "lib" / "x", sha256="0" * 64)
    assert not (tmp_path / "lib").exists()


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("a/b.py", "x = 1")
    damaged = bytearray(content.getvalue())
    damaged[40] ^= 0xFF
    with pytest.raises((zipfile.BadZipFile, OSError)):
        driver.install(
            base64.b64encode(damaged).decode(),
            directory=tmp_path / "x",
            sha256=hashlib.sha256(damaged).hexdigest(),
        )
    assert list(tmp_path.iterdir()) == []


def _bin_dir() -> Path:
    return programs.find(None).bin
