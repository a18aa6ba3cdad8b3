"""What a database holds and is called is text: in templates, terminal, Markdown and HTML."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg import sql

from sandbox import database as content
from sandbox.cluster import Cluster
from tests.integration.support.harness import Controller, Database

SANDBOX = ("-i", "inventories/sandbox", "validate_staging.yml")

# 63 bytes: blanks, capitals, both quotes, a dollar, a semicolon, and an umlaut of two bytes.
NAME = """Ä "Staging" of O'Brien; $(touch x) `touch x` <b> -- \\ 50 % |"""


@pytest.fixture
def hostile(cluster: Cluster, templates: Callable[[str], str]) -> Iterator[Database]:
    """A database with such a name."""
    name = NAME + "x" * (63 - len(NAME.encode()))
    content.clone(cluster, templates("target"), name)
    yield Database(cluster, name, "target")
    content.drop(cluster, name)


def _evil(directory: Path, number: int) -> str:
    """Text that acts in a template, a shell, a terminal, HTML or Markdown, if anything lets it."""
    command = f"touch {directory}/executed{number}"
    return (
        f"{{{{ lookup('pipe', '{command}') }}}}{{{{ 7 * 191 }}}}$({command})`{command}`"
        "<script>alert(1)</script>\x1b[31m\u202e\r|[x](javascript:x)'; DROP TABLE users; --"
    )


def test_hostile_rows_and_names_are_inert(
    hostile: Database, controller: Controller, tmp_path: Path
) -> None:
    short = "{{ 7 * 191 }}<script>x\x1b[31m'\"; --"
    with hostile.owner() as owner:
        owner.execute(
            sql.SQL("CREATE TABLE public.{} (id int, {} text)").format(
                sql.Identifier(short), sql.Identifier("{{ 7 * 191 }}")
            )
        )
        owner.execute(
            "CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RETURN NULL; END'"
        )
        owner.execute(
            sql.SQL(
                "CREATE TRIGGER {} AFTER INSERT ON public.punchlists"
                " FOR EACH STATEMENT EXECUTE FUNCTION public.nothing()"
            ).format(sql.Identifier(short))
        )
        owner.execute(
            sql.SQL("COMMENT ON TABLE public.punchlists IS {}").format(
                sql.Literal(_evil(tmp_path, 1))
            )
        )
        # Keys of rows are what samples are made of.
        owner.execute(
            "UPDATE public.workflow_instances SET id = %s, site_id = 'NOWHERE'"
            " WHERE id = (SELECT min(id) FROM public.workflow_instances)",
            (_evil(tmp_path, 2),),
        )
        owner.execute(
            "UPDATE public.workspaces SET name = %s WHERE code = 'XLSMART-AVIAT'",
            (_evil(tmp_path, 3)[:150],),
        )
    controller.aim(hostile)
    controller.twin = True
    # Whatever is no template of the project and is treated as one is an error.
    controller.environment["_ANSIBLE_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR"] = "error"
    outcome = controller.play(*SANDBOX)
    verdict = outcome.verdict
    assert verdict["decision"] == "NO-GO", outcome.output
    against = {reason["subject"]: reason["observed"] for reason in verdict["reasons"]}
    # Told as it is, and nothing else is wrong with the database.
    assert set(against) == {"C1.11"}, against
    assert short in against["C1.11"]
    answers = (outcome.evidence / "checks.jsonl").read_text().splitlines()
    samples = {one["check_id"]: one["samples"] for one in map(json.loads, answers)}
    assert _evil(tmp_path, 2) in samples["C1.12"][0]
    assert json.loads((outcome.evidence / "twin.json").read_text())["proven"] is True

    assert not list(tmp_path.glob("executed*"))
    texts = {
        file.name: file.read_text()
        for name in ("report.md", "report.html", "junit.xml", "report.sarif", "verdict.json")
        if (file := outcome.evidence / name)
    }
    for name, text in {**texts, "terminal": outcome.output}.items():
        unsafe = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")}
        assert unsafe <= {"\n"}, name
        assert "1337" not in text.replace("20261337", ""), name
    assert "<script>" not in texts["report.html"]
    assert "{{ 7" in texts["report.html"]
    assert hostile.name in json.loads(texts["verdict.json"])["target"]["declared"]["database"]
