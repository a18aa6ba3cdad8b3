"""Values of every type at their edges: proven where they come back, noticed where they do not."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from gonogo.host.compare import fingerprint
from gonogo.host.session.connection import connect
from tests.integration.support.harness import Database, login_of
from tests.integration.support.twins import Rehearsal
from tests.integration.support.values import BEFORE, values

# `test_values.py` has a sample of these.
pytestmark = pytest.mark.attack


def test_every_value_comes_back(database: Database, tmp_path: Path) -> None:
    with database.admin() as session:
        session.execute(BEFORE)
        known = values(session.info.server_version)
        for number, (kind, literals) in enumerate(known.items()):
            rows = ", ".join(f"({literal})" for literal in literals)
            session.execute(f"CREATE TABLE public.v{number} (v {kind})".encode())
            session.execute(f"INSERT INTO public.v{number} VALUES {rows}".encode())
    rehearsal = Rehearsal(database, tmp_path, login_of(database.cluster, database.name))
    with rehearsal.locked():
        answer = rehearsal.restore(rehearsal.back_up())
    assert answer["proven"] is True, answer
    tables = answer["proof"]["tables"]
    for number, literals in enumerate(known.values()):
        assert tables[f"public.v{number}"]["rows"] == [len(literals)] * 2


def test_no_value_is_taken_for_another(database: Database) -> None:
    """Each is alone in a table of its own, so its hash is that of the value."""
    of_table: dict[str, tuple[str, str]] = {}
    with database.admin() as session:
        session.execute(BEFORE)
        statements = []
        for number, (kind, literals) in enumerate(values(session.info.server_version).items()):
            for place, literal in enumerate(literals):
                table = f"public.v{number}_{place}"
                of_table[table] = (kind, literal)
                statements.append(f"CREATE TABLE {table} (v {kind})")
                statements.append(f"INSERT INTO {table} VALUES ({literal})")
        session.execute("; ".join(statements).encode())
    login = login_of(database.cluster, database.name)
    found = fingerprint.content(
        lambda: connect(login, name="test"), sessions=1, method=fingerprint.best_method(0)
    )
    same: dict[tuple[str, str], list[str]] = defaultdict(list)
    for table, (kind, literal) in of_table.items():
        same[kind, found["tables"][table]["hash"]].append(literal)
    assert [(kind, literals) for (kind, _), literals in same.items() if len(literals) > 1] == []
