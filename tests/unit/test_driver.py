"""psycopg for a Python that has none, once it has been sent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gonogo.controller.ansible.package import PSYCOPG
from sandbox import programs
from tests.unit.remote_module import kept

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
def sent(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The controller's psycopg, kept on a host."""
    return kept(PSYCOPG, tmp_path_factory.mktemp("host"))


def test_a_host_without_psycopg_asks_for_it(tmp_path: Path) -> None:
    script = f"""
from gonogo.host.transport import driver
try:
    driver.provide(driver.Bundle(**{PSYCOPG.bundle(str(tmp_path), sent=False)!r}))
except driver.DriverMissingError as error:
    print(error.primary, "|", error.detail)
"""
    assert bare(script).stdout == "this Python has no psycopg | No module named 'psycopg'\n"


def test_what_was_sent_is_imported_from_there(sent: dict[str, str]) -> None:
    script = f"""
from pathlib import Path
from gonogo.host.transport import driver
driver.provide(driver.Bundle(**{sent!r}), bin_dir={str(_bin_dir())!r})
import psycopg
print(psycopg.__file__, psycopg.pq.__impl__)
"""
    outcome = bare(script)
    assert outcome.stdout == f"{sent['file']}/psycopg/__init__.py python\n", outcome.stderr


def test_what_was_changed_is_refused(tmp_path: Path) -> None:
    bundle = kept(PSYCOPG, tmp_path)
    file = Path(bundle["file"])
    file.write_text(file.read_text().replace("import", "import ", 1))
    script = f"""
from gonogo.host.transport import driver
try:
    driver.provide(driver.Bundle(**{bundle!r}))
except driver.GonogoError as error:
    print(error.primary)
print([name for name in sys.modules if name.startswith("psycopg")])
"""
    said = f"{file} is not the file that this project has put there"
    assert bare(script).stdout == f"{said}\n[]\n"


def test_a_libpq_beside_the_client_programs_will_do(sent: dict[str, str]) -> None:
    script = f"""
import ctypes.util
from pathlib import Path
{NO_LIBPQ}
from gonogo.host.transport import driver
driver.provide(driver.Bundle(**{sent!r}), bin_dir={str(_bin_dir())!r})
import psycopg
print(psycopg.pq.version() // 10000)
"""
    outcome = bare(script)
    assert outcome.stdout == "17\n", outcome.stderr


def test_no_libpq_is_one_clear_error(sent: dict[str, str], tmp_path: Path) -> None:
    script = f"""
import ctypes.util, sys
from pathlib import Path
{NO_LIBPQ}
from gonogo.host.transport import driver
try:
    driver.provide(driver.Bundle(**{sent!r}), bin_dir={str(tmp_path)!r})
except driver.GonogoError as error:
    print(error.render())
    print([name for name in sys.modules if name.startswith("psycopg")])
"""
    outcome = bare(script)
    assert outcome.stdout.startswith("psycopg cannot be loaded on the target host\n"), outcome
    assert "libpq library not found" in outcome.stdout
    assert "HINT:  It needs libpq: install the client package" in outcome.stdout
    assert outcome.stdout.endswith("[]\n")


def test_an_installed_one_comes_first(sent: dict[str, str]) -> None:
    outcome = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, 'module_utils')\nfrom pathlib import Path\n"
            f"from gonogo.host.transport import driver\ndriver.provide(driver.Bundle(**{sent!r}))\n"
            "import psycopg; print(psycopg.__file__)",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "site-packages" in outcome.stdout, outcome.stderr


def _bin_dir() -> Path:
    return programs.find(None).bin
