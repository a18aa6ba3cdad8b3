"""A check whose answer contradicts itself says neither good nor bad, whoever has written it."""

from __future__ import annotations

from pathlib import Path

from gonogo.host.checks.execution import run_script
from gonogo.host.session.connection import connect
from tests.integration.support.harness import Database
from tests.unit.test_render import IMPORT, render

_CHECK = """
{{% call gonogo.check('C1.1') %}}
SELECT {ok} AS ok, 3 AS examined, 'none' AS expected, '{observed}' AS observed,
    '{{}}'::text[] AS samples
{{% endcall %}}
"""
_ANSWERS = (
    ("false", "none", "inconclusive"),
    ("true", "4 of 3 rows", "inconclusive"),
    ("false", "4 of 3 rows", "inconclusive"),
    ("false", "3 of 3 rows", "fail"),
    ("true", "none", "pass"),
    ("true", "4 of the rows", "pass"),
    ("NULL::boolean", "none", "inconclusive"),
)


def test_what_was_observed_and_the_status_go_together(database: Database, tmp_path: Path) -> None:
    with connect(database.login(), name="test") as session:
        for ok, observed, status in _ANSWERS:
            text = render(tmp_path, IMPORT + _CHECK.format(ok=ok, observed=observed)).text
            outcome = run_script(session, name="test", text=text)
            assert outcome.error is None
            (answer,) = outcome.checks
            assert answer.status == status, (ok, observed)
            assert str(answer.observed).endswith(observed)
