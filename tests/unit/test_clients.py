"""What a client program is told."""

from __future__ import annotations

import subprocess
import sys

from gonogo.host.archive import clients
from tools.project import PROJECT

ECHO = """
import sys
from gonogo.host.archive import clients
argv = ["/bin/echo", clients.to("dbname='pr\\u00fcfung'")]
said = clients.run(argv, environment={}, what="echo")
sys.exit(said.encode() != b"--dbname=dbname='pr\\xc3\\xbcfung'\\n")
"""


def test_a_name_is_in_utf8() -> None:
    assert clients.to("dbname='prüfung'") == b"--dbname=dbname='pr\xc3\xbcfung'"


def test_it_is_so_in_any_locale() -> None:
    """Of a host that is not in UTF-8."""
    environment = {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONPATH": str(PROJECT / "module_utils"),
    }
    done = subprocess.run([sys.executable, "-c", ECHO], env=environment, check=False)
    assert done.returncode == 0
