"""Reports: complete, inert whatever the database says, and the same bytes twice."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gonogo.contract import canonical
from gonogo.contract.errors import GonogoError
from gonogo.contract.records.activity import Activity, Backend, Conflict, Occupant
from gonogo.contract.records.reading import plain, read
from gonogo.contract.records.shape import Shape
from gonogo.contract.records.twin import TwinRecord
from gonogo.contract.records.verdict import Reason
from gonogo.controller.evidence import Run, load
from gonogo.controller.evidence.judgement import decided
from gonogo.controller.report.parts import Command
from gonogo.controller.report.proof import proof
from gonogo.controller.report.terminal import summary_lines
from gonogo.controller.report.view import page_of, render_markdown, write_reports
from tests.records import BACKUP, IDENTITY, PROOF, RUN, TWIN
from tests.unit.deployments import deployment, trace

TEMPLATES = Path(__file__).parents[2] / "roles" / "verdict" / "templates"

RUN_ID = "20260131T120000Z-0a1b2c"
STAGES = ("target", "backup", "twin", "copy_sql", "preflight", "phases")

# Terminal, HTML, Markdown, XML, Jinja and bidirectional tricks in one value.
EVIL = (
    "\x1b[31m<script>alert(1)</script><img src=x onerror=alert(1)>|x|\n# head\n- [ ] a\r"
    "```\n`` ` ``[l](javascript:x)![i](http://evil.example/x) http://www.evil.example "
    "*b* _e_ <!-- --> ]]> &amp; {{ 7*7 }} {% raw %} @team \u202e\u200b\ufffe\ud800\x00 $x$ \\| \\"
)


LABELS = {
    "pgcrypto": "pgcrypto enabled",
    "users_id_type": "users.id type",
    "orders_status_column": "Order status column",
    "tenant": "Tenant",
    "users": "User IDs",
}


def write_run(
    runs: Path,
    *,
    text: str = "fine",
    status: str = "pass",
    labelled: bool = True,
    run_id: str = RUN_ID,
    host: str = "db1",
    waivers: Sequence[Mapping[str, str]] = (),
    activity: Activity | None = None,
    schema: Mapping[str, str] | None = None,
) -> Path:
    """Write a run of two checks whose every text is `text`; return its directory.

    `labelled`: the runbook has words of its own for the report. `activity`: who was at work before
    its deployment. `schema` is what was measured.
    """
    labels = [{"fact": fact, "label": label} for fact, label in LABELS.items()]
    words = labelled and {
        "headings": {"critical": f"Critical Tests {text}"},
        "facts": {
            "heading": f"Found Before {text}",
            "labels": [*labels, {"fact": "nothing", "label": f"Nothing {text}"}],
        },
    }
    run = Run.create(runs, "sandbox", run_id, clock=lambda: datetime(2026, 1, 31, 12, tzinfo=UTC))
    run.write_json(
        "run.json",
        {
            **RUN,
            "run_id": run_id,
            "target": {
                **RUN["target"],
                "inventory_host": host,
                "observed": {**IDENTITY, "database": text},
            },
            "runbook": text,
            "operator": text,
            "started_at": "2026-01-31T11:59:00Z",
        },
        stage="target",
    )
    check = {"criterion": "C1", "phase": "01", "effect": None, "empty_ok": False, "remedy": text}
    run.write_json(
        "plan.json",
        {
            "title": text,
            "stages": STAGES,
            "criteria": [
                {"id": "C1", "title": text, "class": "critical"},
                {"id": "E1", "title": "Indicator", "class": "indicator", "of": ["C1"]},
                {"id": "N1", "title": "Nice", "class": "nice"},
            ],
            "checks": [
                {"id": "C1.1", "title": text, **check},
                {"id": "C1.2", "title": "Second", **check},
                {"id": "N1.1", "title": "Third", **check, "criterion": "N1"},
            ],
            "scoring": ["C1", "E1"],
            "waivers": [*waivers],
            **({"report": words} if words else {}),
        },
        stage="target",
    )
    run.write_json(
        "facts.json",
        {
            "pgcrypto": True,
            "users_id_type": text,
            "tenant": {"id": text, "code": "NORTH"},
            "users": [text, "u2"],
            "isolation_enforced": False,
            text: [text],
        },
        stage="preflight",
    )
    backup = {**BACKUP, "run_id": run_id, "file": text, "size": 12}
    run.write_json("backup.json", backup, stage="backup")
    if schema is not None:
        run.keep(Shape(run_id, 8 << 20, {"encoding": "UTF8"}, schema), stage="backup")
    table = {"rows": [4, 4], "hash": ["5", "5"], "equal": True}
    twin = {
        **TWIN,
        "run_id": run_id,
        "seconds": {"start": 0.5, "restore": 2.5, "compare": 0.25},
        "proof": {**PROOF, "tables": {text: table}},
    }
    run.write_json("twin.json", twin, stage="twin")
    wait = {"relation": text, "blocks": "writes", "seconds": 0.5}
    lock = {"relation": text, "mode": "ShareLock", "existing": True}
    statement = trace(
        statement=text, seconds=0.25, wal_bytes=3 << 20, size_bytes=0, rewritten=[text]
    )
    statement = {**statement, "locks": [lock], "waits": [wait]}
    deployed = deployment(statements=[statement], activity=activity)
    run.write_json("deploy.json", plain(deployed), stage="deploy")
    run.write("sql/01.sql", "SELECT 1;\n", stage="copy_sql")
    result = {"examined": 7, "expected": text, "observed": text, "samples": [text], "phase": "01"}
    results = [
        {"check_id": "C1.1", "status": status, "seconds": 0.25, **result},
        {"check_id": "C1.2", "status": "pass", "seconds": 1, **result},
        {"check_id": "N1.1", "status": "fail", "seconds": 0.5, **result},
    ]
    run.append_lines("checks.jsonl", results, stage="phases")
    row = {"table": text, "key": {"id": text}, "label": text, "phase": "01"}
    run.append_lines("ledger.jsonl", [row], stage="phases")
    for stage in STAGES:
        run.append(stage, "stage_passed")
    if status == "error":
        run.append("phases", "stage_failed", {"message": text, "detail": text, "hint": text})
    run.append("verdict", "closed")
    return run.path


def report(path: Path, *steps: Command) -> dict[str, str]:
    write_reports(path, TEMPLATES, verdict=decided(path), next_steps=steps)
    names = ("report.md", "report.html", "junit.xml")
    return {name: (path / name).read_text(encoding="utf-8") for name in names}


def test_a_database_of_many_tables_makes_no_long_report() -> None:
    same = {"rows": [1, 1], "hash": ["1", "1"], "equal": True}
    tables = {f"public.t{n}": same for n in range(50_000)}
    odd = {"public.z1": {"rows": [1, 0], "hash": ["1", "0"], "equal": False}}
    record = {**TWIN, "proven": False, "proof": {**PROOF, "tables": {**tables, **odd}}}
    view = proof(read(TwinRecord, record, file="twin.json"), None)
    assert view.tables is not None
    assert [row[0].text for row in view.tables.rows[:2]] == ["public.z1", "public.t0"]
    assert len(view.tables.rows) == 200
    assert view.more == "49801 more are equal, see twin.json"
    assert view.differs
    assert view.words.startswith("50,001 tables with 50,001 rows were compared: 1 differ.")


class Tags(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"] or ""


@pytest.mark.parametrize("status", ["pass", "fail", "not_run", "inconclusive", "error"])
def test_the_log_of_the_old_runbook_is_filled_in(tmp_path: Path, status: str) -> None:
    text = report(write_run(tmp_path, status=status))["report.md"]
    for line in (
        "* **Date:** `2026-01-31T12:00:00.000000Z`",
        "* **Tester:** `fine`",
        "* **Environment:** `sandbox`",
        "### Found Before fine\n\n* pgcrypto enabled: `yes`",
        "* users.id type: `fine`",
        "* Order status column: `unknown`",
        '* Tenant: `{"code":"NORTH","id":"fine"}`',
        "* User IDs: `fine, u2`",
        "* `isolation_enforced`: `no`",
        "### Critical Tests fine",
        "### Indicators",
        "| E1 | Indicator (C1) |",
        "* `size`: `12 bytes`",
        "* `seconds`: `dump 0.5 s, fingerprint 0.0 s, read back 0.25 s`",
        "* `seconds`: `start 0.5 s, restore 2.5 s, compare 0.25 s`",
        "* `sql/01.sql`",
        "**Approved By:** \\_",
        "| C1.2 | Second | C1 | 01 | PASS | 7 | 1.000 |",
        "Rows the run may have created: 1, named one by one in `ledger.jsonl`.",
    ):
        assert line in text
    assert not re.search(r"\n{4,}", text)


def test_what_the_runbook_has_no_words_for_is_not_in_the_report(tmp_path: Path) -> None:
    written = report(write_run(tmp_path, labelled=False))
    for name, unknown in (("report.md", "`unknown`"), ("report.html", "<code>unknown</code>")):
        assert unknown not in written[name]
        assert "Preflight" not in written[name]
    for line in ("### Critical Criteria", "* `pgcrypto`: `yes`", "* `users_id_type`: `fine`"):
        assert line in written["report.md"]
    assert not re.search(r"\n{4,}", written["report.md"])


@pytest.mark.parametrize(
    ("status", "decision", "score"),
    [
        ("pass", "GO", "2/2 (100%)"),
        ("fail", "NO-GO", "0/2 (0%)"),
        ("not_run", "HOLD", "0/2 (0%)"),
        ("inconclusive", "HOLD", "0/2 (0%)"),
        ("error", "HOLD", "0/2 (0%)"),
    ],
)
def test_decision_and_score(tmp_path: Path, status: str, decision: str, score: str) -> None:
    written = report(write_run(tmp_path, status=status))
    assert f"**Decision:** {decision}\n" in written["report.md"]
    assert f"### Final Score: {score}" in written["report.md"]
    assert f"# {decision} " in written["report.md"]
    tone = {"GO": "good", "NO-GO": "bad", "HOLD": "open"}[decision]
    assert f'<strong class="badge {tone}">{decision}</strong>' in written["report.html"]


def test_a_failed_check_is_told_in_full(tmp_path: Path) -> None:
    text = report(write_run(tmp_path, text="seen", status="fail"))["report.md"]
    section = text[text.index("### C1.1 seen: FAIL") :]
    for line in ("* expected: `seen`", "* observed: `seen`", "  * `seen`", "* remedy: seen"):
        assert line in section
    assert "* GO if C1.1 passes: seen" in text


@pytest.mark.parametrize("status", ["pass", "fail", "error"])
def test_hostile_text_is_inert_in_html(tmp_path: Path, status: str) -> None:
    text = report(write_run(tmp_path, text=EVIL, status=status))["report.html"]
    tags = Tags()
    tags.feed(text)
    assert not {"script", "img", "iframe", "link", "form", "object"} & set(tags.tags)
    # Links lead to this page, and to files beside it.
    links = [value or "" for name, value in tags.attributes if name in ("href", "src")]
    assert links
    assert all(re.fullmatch(r"#[\w.-]+|sql/[\w.%-]+", link) for link in links)
    assert not [name for name, _ in tags.attributes if name.startswith("on") or name == "style"]
    assert "{{ 7*7 }}" in text


def test_the_policy_of_the_html_allows_only_its_own_style(tmp_path: Path) -> None:
    text = report(write_run(tmp_path))["report.html"]
    assert text.startswith("<!DOCTYPE html>")
    tags = Tags()
    tags.feed(text)
    (style,) = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert tags.policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "http://" not in text
    assert "https://" not in text


class Structure(HTMLParser):
    """What a screen reader goes by."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag in tags]

    @property
    def headings(self) -> list[int]:
        return [int(tag[1]) for tag, _ in self.found if re.fullmatch("h[1-6]", tag)]


STATES = ["pass", "fail", "inconclusive", "not_run", "error"]
STEP = Command(f"Then {EVIL}", f"ansible-playbook -e '{EVIL}'")


@pytest.mark.parametrize("text", ["fine", EVIL, ""])
@pytest.mark.parametrize("status", STATES)
def test_a_page_can_be_found_through(tmp_path: Path, status: str, text: str) -> None:
    page = Structure(report(write_run(tmp_path, text=text, status=status), STEP)["report.html"])
    ids = [one["id"] for _, one in page.found if "id" in one]
    assert len(ids) == len({*ids})
    local = {str(one["href"])[1:] for one in page.all("a") if str(one["href"]).startswith("#")}
    assert local <= {*ids}
    assert {f"check-{name}" for name in ("C1.1", "C1.2", "N1.1")} <= {*ids}
    assert {one["aria-labelledby"] for one in page.all("section")} <= {*ids}
    # Headings are in order: one of the first level, none is left out.
    assert page.headings.count(1) == 1
    assert page.headings[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(page.headings))
    tags = [tag for tag, _ in page.found]
    for landmark in ("header", "main", "nav", "footer"):
        assert tags.count(landmark) == 1
    assert tags.count("table") == tags.count("caption") == tags.count("thead")
    assert all(one.get("scope") in ("col", "row") for one in page.all("th"))
    assert all(one.get("role") == "img" and one.get("aria-label") for one in page.all("svg"))
    assert page.all("html") == [{"lang": "en"}]


@pytest.mark.parametrize(
    ("status", "decision", "why"),
    [
        ("pass", "GO", "All checks that count have passed, 2 of 3 in all"),
        ("fail", "NO-GO", "failed: fine."),
        ("inconclusive", "HOLD", "proved nothing: fine."),
        ("error", "HOLD", "failed: fine."),
    ],
)
def test_the_first_screen_has_what_a_person_decides_by(
    tmp_path: Path, status: str, decision: str, why: str
) -> None:
    step = Command("Then run again:", "ansible-playbook -i inventories/x validate_staging.yml")
    written = report(write_run(tmp_path, status=status), step)
    text = "".join(Structure(written["report.html"].partition("<body>")[2]).texts)
    for page in (text, written["report.md"]):
        place = 0
        for said in (decision, "database fine on db1", "Migration", "Rests on", why):
            place = page.index(said, place)
        ends = page.index("The run", place)
        assert place < page.index("Score ", place) < page.index(step.line, place) < ends


@pytest.mark.parametrize("name", ["report.md", "report.html"])
def test_a_run_of_which_nothing_is_there_has_a_report(tmp_path: Path, name: str) -> None:
    run = Run.create(tmp_path, "sandbox", RUN_ID)
    run.append("target", "stage_failed", {"message": "no such host", "detail": "", "hint": "Hm."})
    run.append("verdict", "closed")
    text = report(run.path)[name]
    assert "HOLD" in text
    assert "no such host" in text
    assert "unknown database" in text
    assert "There is no backup." in text


def test_what_failed_has_both_sides_and_the_sql_that_asked(tmp_path: Path) -> None:
    path = write_run(tmp_path, text="a <b> & c", status="fail")
    (path / "sql" / "01.sql").write_text("-- @check C1.1\nSELECT '<script>';\n-- @facts\n")
    text = report(path)["report.html"]
    finding = text[text.index('id="check-C1.1"') : text.index('id="check-N1.1"')]
    for said in ("expected", "observed", "a &lt;b&gt; &amp; c", "SELECT &#39;&lt;script&gt;&#39;;"):
        assert said in finding
    assert "<details>" in finding
    assert "@facts" not in finding


def test_the_log_can_be_signed(tmp_path: Path) -> None:
    text = report(write_run(tmp_path))["report.html"]
    log = text[text.index('id="log"') : text.index('id="facts"')]
    for said in ("Tester", "pgcrypto enabled", "Critical Tests fine", "2/2 (100%)", "Decision"):
        assert said in log
    assert re.findall("<dt>([^<]*)</dt><dd>&nbsp;</dd>", log) == ["Approved by", "Title", "Date"]


def test_a_report_for_a_merge_request_fits_one_screen(tmp_path: Path) -> None:
    text = report(write_run(tmp_path, status="fail"), STEP)["report.md"]
    assert text.index("<details>") < 1800
    assert len(text[: text.index("<details>")].splitlines()) < 30
    assert text.count("<details>") == text.count("</details>") == text.count("<summary>")


@pytest.mark.parametrize("status", ["pass", "fail", "error"])
def test_hostile_text_is_inert_in_markdown(tmp_path: Path, status: str) -> None:
    benign = report(write_run(tmp_path / "a", status=status))["report.md"]
    hostile = report(write_run(tmp_path / "b", text=EVIL, status=status))["report.md"]
    # The same lines with the same beginnings and as many cells: nothing became structure.
    assert skeleton(hostile) == skeleton(benign)
    folds = re.sub(r"(?m)^(<details>|</details>|<summary>.*</summary>)$", "", hostile)
    prose = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", folds)
    for active in ("<", "`", "](", "![", "://", "\x1b"):
        assert active not in prose


@pytest.mark.parametrize("effect", ["hold", "slow", "unknown"])
def test_names_of_who_was_at_work_are_inert(tmp_path: Path, effect: str) -> None:
    said: list[dict[str, str]] = []
    for name in ("fine", EVIL.encode("utf-8", "replace").decode()):
        who = Backend(7, name, name, name, name, name, 1.0, 1.0)
        lock = Conflict(name, name, (name,), certain=True)
        one = Occupant("prepared", effect, who, (lock,), name=name, text=name)  # type: ignore[arg-type]
        found = Activity(0.1, rehearsed=True, tables={name: (name,)}, occupants=(one,))
        said.append(report(write_run(tmp_path / str(len(said)), activity=found)))
    benign, hostile = said
    assert "where the migration needs" in hostile["report.html"]
    assert skeleton(hostile["report.md"]) == skeleton(benign["report.md"])
    tags, plain_tags = Tags(), Tags()
    tags.feed(hostile["report.html"])
    plain_tags.feed(benign["report.html"])
    assert tags.tags == plain_tags.tags
    for text in hostile.values():
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\ufffe\ud800]", text)


def skeleton(text: str) -> list[tuple[str, int]]:
    found = []
    for line in text.splitlines():
        table = line.startswith("|")
        found.append((re.match(r"[\s#*|]*", line).group(), line.count("|") if table else 0))  # type: ignore[union-attr]
    return sorted(found)


@pytest.mark.parametrize("name", ["report.md", "report.html", "junit.xml"])
def test_no_report_holds_control_characters(tmp_path: Path, name: str) -> None:
    text = report(write_run(tmp_path, text=EVIL, status="fail"))[name]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\ufffe\ud800]", text)


@pytest.mark.parametrize(
    ("status", "c1", "decision"),
    [
        ("pass", None, None),
        ("fail", "failure", "failure"),
        ("not_run", "error", "error"),
        ("inconclusive", "error", "error"),
        ("error", "error", "error"),
    ],
)
def test_junit_is_green_for_a_go_only(
    tmp_path: Path, status: str, c1: str | None, decision: str | None
) -> None:
    suite = ElementTree.fromstring(
        report(write_run(tmp_path, text=EVIL, status=status))["junit.xml"]
    )
    first, second, nice, last = suite.findall("testcase")
    outcomes = [case[0].tag if len(case) else None for case in (first, second, nice, last)]
    assert outcomes == [c1, None, "skipped", decision]
    assert last.get("name") == "The decision is GO"
    assert suite.get("tests") == "4"
    assert suite.get("skipped") == "1"


def test_the_same_evidence_gives_the_same_bytes(tmp_path: Path) -> None:
    path = write_run(tmp_path / "a", text=EVIL, status="fail")
    first, verdict = report(path), canonical.dumps(plain(decided(path)))
    copied = tmp_path / "b" / RUN_ID
    shutil.copytree(path, copied)
    assert report(copied) == first
    assert canonical.dumps(plain(decided(copied))) == verdict


def test_the_reports_do_not_disturb_the_evidence(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    before = canonical.dumps(plain(decided(path)))
    report(path)
    Run.open(path).publish("verdict.json", before)
    assert canonical.dumps(plain(decided(path))) == before
    write_reports(path, TEMPLATES)


@pytest.mark.parametrize("name", ["run.json", "plan.json", "checks.jsonl", "events.jsonl"])
@pytest.mark.parametrize(
    "content", ["", "{}", '{"checks": [1], "criteria": [{"of": 1}]}\n', "\xff"]
)
def test_damaged_evidence_is_reported_too(tmp_path: Path, name: str, content: str) -> None:
    path = write_run(tmp_path)
    (path / name).write_text(content, encoding="latin-1")
    written = report(path)
    assert "**Decision:** HOLD\n" in written["report.md"]
    ElementTree.fromstring(written["junit.xml"])


def test_without_a_verdict_there_is_no_report(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    with pytest.raises(GonogoError):
        write_reports(path, TEMPLATES)
    assert not (path / "report.md").exists()


def test_a_template_cannot_print_raw_text(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    (tmp_path / "report.md.j2").write_text("{{ title }}")
    page = page_of(load(path), decided(path))
    with pytest.raises(GonogoError, match="without the filter"):
        render_markdown(page, tmp_path)


# --- the terminal -------------------------------------------------------------------------------


def test_the_last_lines_of_a_go(tmp_path: Path) -> None:
    lines = summary_lines(decided(write_run(tmp_path, text="apms_sandbox")))
    assert lines == [
        f"GO  2/2  sandbox  apms_sandbox  run {RUN_ID}",
        "  N1.1  Third: failed; does not count",
        f"Report: runs/sandbox/{RUN_ID}/report.md",
    ]


def test_the_last_lines_of_a_no_go(tmp_path: Path) -> None:
    verdict = decided(write_run(tmp_path, text="db", status="fail"))
    assert summary_lines(verdict, report="here/report.md") == [
        f"NO-GO  0/2  sandbox  db  run {RUN_ID}",
        "  NO-GO  C1.1  db: failed",
        "         expected: db",
        "         observed: db",
        "         hint: db",
        "Report: here/report.md",
    ]


def test_the_last_lines_of_what_failed_on_the_copy(tmp_path: Path) -> None:
    """What was found is one line; the checks that could not be asked then are one more."""
    verdict = decided(write_run(tmp_path, text="db", status="fail"))
    failed = Reason(
        "rehearsal_failed",
        "no_go",
        "rehearsal",
        "line 3 failed",
        expected=None,
        observed="done: a.sql\n1 object is not there:\ntable public.t\ntable public.u",
        hint=None,
    )
    silent = [
        Reason("check_not_run", "hold", f"D4.{number}", "did not run", None, None, None)
        for number in range(1, 31)
    ]
    assert summary_lines(replace(verdict, reasons=[failed, *silent]))[1:-1] == [
        "  NO-GO  rehearsal  line 3 failed",
        "         observed: done: a.sql; 1 object is not there: table public.t; table public.u",
        "  HOLD   checks  30 checks did not run",
    ]


def test_a_command_of_a_hint_is_whole_and_on_a_line_of_its_own(tmp_path: Path) -> None:
    verdict = decided(write_run(tmp_path, text="db", status="fail"))
    command = f"ansible-playbook -i inventories/{'x' * 300} playbooks/undo.yml -e undo_run_id=x"
    reason = replace(verdict.reasons[0], hint=f"See what it would remove:\n{command}")
    lines = summary_lines(replace(verdict, reasons=[reason]))
    assert "         hint: See what it would remove:" in lines
    assert f"               {command}" in lines


@pytest.mark.parametrize("count", [0, 1, 5, 6, 7, 30, 200])
def test_the_last_lines_are_few_and_safe(tmp_path: Path, count: int) -> None:
    verdict = decided(write_run(tmp_path, text=EVIL, status="fail"))
    lines = summary_lines(replace(verdict, reasons=[*verdict.reasons[:1]] * count))
    assert len(lines) <= 25
    assert all(line.isprintable() for line in lines)
    assert all(len(line) <= 200 for line in lines if "hint: " not in line)
    assert lines[-1].startswith("Report: ")
    told = sum("  NO-GO  C1.1" in line for line in lines)
    more = [int(n) for line in lines for n in re.findall(r"^  and (\d+) more reasons?", line)]
    assert told + sum(more) == count


def test_the_last_lines_of_nothing_at_all(tmp_path: Path) -> None:
    lines = summary_lines(decided(tmp_path / "nowhere"))
    assert lines[0] == "HOLD  0/0  unknown environment  unknown database  run unknown"
