"""An embedded PostgreSQL server with a realistic database: an ordinary target to try things on.

``python -m sandbox start`` needs no root, no Docker, no network and no installed server. The
parts, from the bottom up:

=================  ==========================================================================
``errors``         the one exception, printed the way PostgreSQL prints its errors
``process``        which process is it really: pid and start time
``account``        under which operating system account the server runs, as on a target host
``programs``       where the server's programs are
``logins``         the database logins and their passwords
``server``         making a data directory and starting a server on it
``cluster``        one server with all its files: start, stop, connect
``database``       what is in a database: schema, profile, rows, marker
``ssh``            through which servers it is reached
``state``          what a running sandbox says about itself in its directory
``options``        what a person may ask for
``directory``      the directory of a sandbox: made, checked, locked
``lifecycle``      start, status and stop over all of it
``demo``           a sandbox, a run against it, and nothing left
=================  ==========================================================================
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))
