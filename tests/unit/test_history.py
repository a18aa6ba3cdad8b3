"""What a migration tool's bookkeeping says of files and of its record, without a database."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.records.deployment import Contradiction, HistoryEntry
from gonogo.contract.records.migration import HistoryPlan, Recorded
from gonogo.host.migrate import history
from gonogo.host.migrate.history import interface
from gonogo.host.migrate.history.contradictions import about, contradictions
from gonogo.host.migrate.history.interface import APPLIED, FAILED, UNDONE, Entry, Migration
from gonogo.host.migrate.history.tools.plain import Plain
from gonogo.host.migrate.history.tools.prisma import Prisma
from tests.folders import DOWN, NAMES, UP, migrations

ROOT = Path(__file__).parents[2]
# A record of the newest version alone says other things; tests/unit/test_history_tools.py has it.
WITH_ALL = sorted({*history.TOOLS} - {"golang_migrate"})
UNIX = UP.encode()


class Newest(Plain):
    """A tool that records its newest version alone, and never applies what is older."""

    late = interface.IGNORED

    def applied(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
        newest = max((e.name for e in entries if e.state == APPLIED), default="")
        return [file.name for file in files if file.name <= newest]


@pytest.fixture(params=WITH_ALL)
def tool(request: pytest.FixtureRequest) -> history.History:
    return history.find(request.param, schema="public")


def folder_of(tool: history.History, directory: Path, names: Sequence[str] = NAMES) -> Path:
    """The same migrations, as each tool keeps them."""
    key = type(tool).__module__.rsplit(".", 1)[-1]
    return migrations(key if key in history.TOOLS else "plain", directory, names)


def told(files: Sequence[Migration]) -> list[str]:
    return [file.name for file in files]


def applied(name: str, checksum: str | None = None) -> Entry:
    """As Sqitch has it, of a project."""
    return Entry(name, APPLIED, checksum, {"project": "sites"})


# --- every tool --------------------------------------------------------------------------------


def test_a_tool_says_all_that_is_asked(tool: history.History) -> None:
    assert tool.name
    assert tool.transaction in {
        interface.PER_FILE,
        interface.IMPLICIT,
        interface.WHOLE_RUN,
        interface.IN_SCRIPT,
    }
    assert tool.late in {APPLIED, interface.IGNORED, interface.REFUSED}
    assert tool.lock_scope in {None, interface.SESSION, interface.TRANSACTION}
    assert bool(tool.lock_scope) == bool(tool.lock_name)
    assert bool(tool.stamp("1")) == bool(tool.tables)
    assert all(bool(tool.unstamp(Entry("1", s))) == bool(tool.tables) for s in (APPLIED, FAILED))


def test_files_come_in_the_order_of_the_tool(tool: history.History, tmp_path: Path) -> None:
    files = tool.files(folder_of(tool, tmp_path, NAMES[::-1]))
    words = [re.findall(r"[abc](?=\.|/|$)", file.file)[0] for file in files]
    assert words == ["a", "b", "c"]
    assert all(UP in (file.text or "") and DOWN not in (file.text or "") for file in files)
    assert {file.down is None or DOWN in file.down for file in files} == {True}
    assert {(tmp_path / file.file).is_file() for file in files} == {True}
    assert len({file.name for file in files}) == 3
    assert {file.transaction for file in files} == {True}


def test_what_applies_stands_on_its_own_lines(tool: history.History, tmp_path: Path) -> None:
    for file in tool.files(folder_of(tool, tmp_path)):
        lines = (tmp_path / file.file).read_text().splitlines()
        assert (file.text or "").splitlines().index(UP.strip()) == lines.index(UP.strip())


def test_a_file_is_known_by_its_own_name_or_the_runbook_s(
    tool: history.History, tmp_path: Path
) -> None:
    first, *_ = tool.files(folder_of(tool, tmp_path))
    if tool.names_itself and first.text != (tmp_path / first.file).read_text():
        # A runbook would run the other half of it, too.
        with pytest.raises(InputError, match="has more in it than what applies the migration"):
            tool.named(tmp_path, first.file, "called")
        return
    found = tool.named(tmp_path, first.file, "called")
    assert found.name == (first.name if tool.names_itself else "called")
    assert found.checksums == first.checksums
    (tmp_path / "other.txt").write_text("")
    if tool.names_itself:
        with pytest.raises(InputError, match=r"other\.txt is no migration of "):
            tool.named(tmp_path, "other.txt", "called")


def test_what_is_no_migration_is_passed_over(tool: history.History, tmp_path: Path) -> None:
    folder_of(tool, tmp_path)
    (tmp_path / "README.md").write_text("What is in this folder.\n")
    (tmp_path / ".hidden.sql").write_text("SELECT 1;")
    assert len(tool.files(tmp_path)) == len(NAMES)


def test_a_folder_that_is_not_there_is_one_error(tool: history.History, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder of migrations nowhere"):
        tool.files(tmp_path / "nowhere")


def test_a_file_that_is_no_text_is_one_error(tool: history.History, tmp_path: Path) -> None:
    folder_of(tool, tmp_path)
    next(tmp_path.rglob("*.sql")).write_bytes(b"-- \xff\xfe")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        tool.files(tmp_path)


def test_the_states_follow_from_files_and_record(tool: history.History, tmp_path: Path) -> None:
    files = tool.files(folder_of(tool, tmp_path))
    a, b, c = told(files)
    assert told(tool.pending(files, [])) == [a, b, c]
    entries = [applied(a, *files[0].checksums[:1]), applied("20260101"), Entry(b, FAILED)]
    assert tool.applied(files, entries) == [a, "20260101"]
    assert tool.failed(entries) == [b]
    assert told(tool.pending(files, entries)) == [c]
    assert tool.missing(files, entries) == ["20260101"]
    assert tool.changed(files, entries) == []
    assert tool.out_of_order(files, entries) == []


def test_a_record_may_be_ahead_of_its_folder(tool: history.History, tmp_path: Path) -> None:
    files = tool.files(folder_of(tool, tmp_path))
    known = [applied(file.name) for file in files]
    assert tool.ahead(files, known) == []
    assert tool.ahead(files, [*known, applied("20990101000000")]) == ["20990101000000"]
    assert tool.ahead([], known[:1]) == ([] if tool.name == "Sqitch" else told(files)[:1])


def test_what_was_taken_back_is_pending_again(tool: history.History, tmp_path: Path) -> None:
    files = tool.files(folder_of(tool, tmp_path))
    a, b, c = told(files)
    taken = [Entry(a, APPLIED), Entry(b, UNDONE)]
    assert told(tool.pending(files, taken)) == [b, c]
    # And applied once more.
    assert told(tool.pending(files, [*taken, Entry(b, APPLIED)])) == [c]
    assert tool.missing(files, [Entry("20260101", UNDONE)]) == []


def test_a_late_older_file_is_out_of_order(tool: history.History, tmp_path: Path) -> None:
    files = tool.files(folder_of(tool, tmp_path))
    a, b, c = told(files)
    entries = [Entry(b, APPLIED)]
    if tool.name == "Atlas":
        # What is older than the first revision was there before Atlas.
        entries = [Entry(a, APPLIED), Entry(c, APPLIED)]
        assert told(tool.out_of_order(files, entries)) == [b]
        return
    assert told(tool.out_of_order(files, entries)) == [a]
    passed = tool.late == interface.IGNORED
    assert told(tool.pending(files, entries)) == ([c] if passed else [a, c])


def test_an_applied_file_that_was_edited_is_changed(tool: history.History, tmp_path: Path) -> None:
    files = tool.files(folder_of(tool, tmp_path))
    a, b, c = told(files)
    checksum = next(iter(files[0].checksums), None)
    if checksum is None:
        # A tool that compares nothing.
        assert tool.changed(files, [Entry(a, APPLIED, "0")]) == []
        return
    entries = [
        Entry(a, APPLIED, "0"),
        Entry(b, APPLIED, files[1].checksums[0]),
        Entry(c, FAILED, "0"),
    ]
    assert told(tool.changed(files, entries)) == [a]
    # One of its rows is of this file.
    assert tool.changed(files, [*entries, Entry(a, APPLIED, checksum)]) == []
    assert tool.changed(files, [Entry(a, APPLIED, None)]) == []


def test_a_tool_can_record_its_newest_version_alone(tmp_path: Path) -> None:
    tool = Newest("public")
    files = tool.files(folder_of(tool, tmp_path))
    a, b, c = told(files)
    assert tool.applied(files, [Entry(b, APPLIED)]) == [a, b]
    assert told(tool.pending(files, [Entry(b, APPLIED)])) == [c]


def test_a_tool_can_pass_over_a_late_older_file(tmp_path: Path) -> None:
    class Passing(Plain):
        late = interface.IGNORED

    tool = Passing("public")
    files = tool.files(folder_of(tool, tmp_path))
    a, b, c = told(files)
    assert told(tool.out_of_order(files, [Entry(b, APPLIED)])) == [a]
    assert told(tool.pending(files, [Entry(b, APPLIED)])) == [c]


# --- which tool --------------------------------------------------------------------------------


def test_a_plan_names_its_tool() -> None:
    known = Recorded("n", "f.sql", ["c"])
    tool, migrations = history.of(HistoryPlan("prisma", "app", [known]))
    assert isinstance(tool, Prisma)
    assert tool.tables == (("app", "_prisma_migrations"),)
    assert migrations == [Migration("n", "f.sql", checksums=("c",))]


def test_a_tool_that_is_not_known_is_one_error() -> None:
    with pytest.raises(GonogoError, match="there is no migration tool os") as caught:
        history.find("os\x1b[31m", schema="public")
    assert "\x1b" not in caught.value.render()


@pytest.mark.parametrize("name", ["__init__", "interface", "prisma.Prisma", "..contradictions", ""])
def test_what_is_no_file_of_a_tool_is_none(name: str) -> None:
    with pytest.raises(GonogoError, match="there is no migration tool") as caught:
        history.find(name, schema="public")
    assert caught.value.detail == f"There is: {', '.join(history.TOOLS)}."


def test_a_target_host_finds_a_tool_by_its_name() -> None:
    """It has the package in memory, and no folder in which it could look."""
    code = (
        "import json, sys; from pathlib import Path; root = Path('module_utils')\n"
        "sys.path[:0] = ['module_utils']\n"
        "from gonogo.host.transport import bundle\n"
        "files = {str(f.relative_to(root)): f.read_text() for f in root.rglob('*.py')}\n"
        "sys.path.remove('module_utils'); bundle.install(json.dumps(files).encode(), 'memory')\n"
        "from gonogo.host.migrate import history\n"
        "print(history.TOOLS, *(history.find(t, schema='s').name for t in ('plain', 'prisma')))\n"
        "try: history.find('other', schema='s')\n"
        "except Exception as error: print(error)"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert outcome.stdout == "() plain SQL Prisma\nthere is no migration tool other\n"


def test_the_controller_needs_no_driver() -> None:
    """It asks about files in every stage, and a driver takes longer to load than that."""
    code = (
        "import sys; sys.path[:0] = ['module_utils']\n"
        "from gonogo.host.migrate import history\n"
        "for tool in history.TOOLS: history.find(tool, schema='public')\n"
        "print(sorted(name for name in sys.modules if name.startswith('psycopg')))"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert outcome.stdout == "[]\n"


# --- Prisma ------------------------------------------------------------------------------------


def test_prisma_s_checksum_is_that_of_the_bytes() -> None:
    crlf = UNIX.replace(b"\n", b"\r\n")
    tool = Prisma("public")
    assert tool.checksums(UNIX)[0] == hashlib.sha256(UNIX).hexdigest()
    assert tool.checksums(crlf)[0] == hashlib.sha256(crlf).hexdigest()
    assert {*tool.checksums(UNIX)} == {*tool.checksums(crlf)}


def test_prisma_refuses_a_folder_without_its_file(tmp_path: Path) -> None:
    tool = Prisma("public")
    folder_of(tool, tmp_path)
    (tmp_path / "20260104000000_d").mkdir()
    with pytest.raises(InputError, match=r"20260104000000_d has no migration\.sql"):
        tool.files(tmp_path)


def test_a_command_for_a_person_is_one_command() -> None:
    """Whatever stands in a name."""
    tool = Prisma('a"b')
    assert tool.stamp("x; rm") == "npx prisma migrate resolve --applied 'x; rm'"
    hint = tool.unstamp(Entry("it's", APPLIED)) or ""
    assert hint.startswith('UPDATE "a""b"._prisma_migrations SET rolled_back_at = now()')
    assert "migration_name = 'it''s'; --" in hint


# --- contradictions ----------------------------------------------------------------------------

OWN = Migration("n", "f.sql", checksums=("here", "also"))


def found(
    state: str, *entries: Entry, tool: history.History | None = None
) -> tuple[Contradiction, ...]:
    return contradictions(tool or Prisma("public"), [OWN], state, entries)


@pytest.mark.parametrize(
    ("state", "entries"),
    [
        ("absent", []),
        ("absent", [Entry("n", UNDONE, "there")]),
        ("absent", [Entry("other", FAILED)]),
        ("applied", [Entry("n", APPLIED, "here")]),
        ("applied", [Entry("n", APPLIED, "also")]),
        ("partial", []),
    ],
)
def test_record_and_schema_agree(state: str, entries: list[Entry]) -> None:
    assert found(state, *entries) == ()


def test_without_a_record_nothing_contradicts_it(tool: history.History) -> None:
    assert contradictions(tool, [OWN], "applied", None) == ()
    assert about([OWN], None) is None


@pytest.mark.parametrize(
    ("state", "entry", "text", "hint", "blocks"),
    [
        (
            "absent",
            Entry("n", FAILED, "here"),
            "Prisma's record calls n begun and not finished; every later deployment of Prisma's stops there (P3009)",
            "npx prisma migrate resolve --rolled-back n",
            True,
        ),
        (
            "applied",
            Entry("n", FAILED, "here"),
            "Prisma's record calls n begun and not finished; every later deployment of Prisma's stops there (P3009)",
            "npx prisma migrate resolve --applied n",
            False,
        ),
        (
            "absent",
            Entry("n", APPLIED, "here"),
            "Prisma's record calls n applied, but none of its objects is there",
            "UPDATE public._prisma_migrations SET rolled_back_at = now() WHERE migration_name = 'n'; -- then deploy again",
            True,
        ),
        (
            "applied",
            Entry("n", UNDONE, "here"),
            "n is there, but not in Prisma's record; its next deployment would try to apply it again",
            "npx prisma migrate resolve --applied n",
            False,
        ),
        (
            "applied",
            Entry("n", APPLIED, "there"),
            "Prisma's record of n is of another f.sql",
            "Compare the file with the one that was applied: SHA-256 there there, here here.",
            False,
        ),
    ],
)
def test_a_contradiction_names_what_settles_it(
    state: str, entry: Entry, text: str, hint: str, blocks: bool
) -> None:
    assert found(state, entry) == (Contradiction(text, hint, blocks),)


def test_the_evidence_has_the_entries_of_this_migration_alone() -> None:
    entries = [Entry("other", APPLIED, "x"), Entry("n", APPLIED, "here", {"steps": 1})]
    assert about([OWN], entries) == (HistoryEntry("n", "applied", "here", {"steps": 1}),)
