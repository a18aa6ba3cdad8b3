"""Every migration tool: what is read of its files and written in its record, and who says so."""

from __future__ import annotations

from dataclasses import dataclass

from gonogo.host.migrate import history
from gonogo.host.migrate.history import History
from gonogo.host.migrate.history.detection import PROGRAMS
from gonogo.host.migrate.history.interface import APPLIED, IGNORED
from tests.migration_tools import REAL
from tests.pages import Page, Row, Table

__all__ = ["MIGRATION_TOOLS"]

_CONTENT = "test_history_tools.py::test_a_tool_is_content_with_what_was_recorded_for_it"
_RECORD = "test_history_tools.py::test_a_record_is_written_and_taken_back"
_LATE = {APPLIED: "applied", IGNORED: "never applied, and not said"}


@dataclass(frozen=True)
class _Told:
    """What a class cannot say of itself: `mark` is what tells a folder of the tool's."""

    mark: str
    files: str
    alone: str
    checked: str
    test: str = _RECORD


_TOLD = {
    "atlas": _Told(
        "`atlas.sum`",
        "`<version>_<description>.sql`; `atlas.sum` has to be that of the files; checkpoints; one "
        "with a delimiter of its own is not read",
        "`-- atlas:txmode none` at the top",
        "source of June 2026, and the 19 folders with their `atlas.sum` that are in it",
        "unit/test_history_tools.py::test_atlas_digests_all_files_so_far",
    ),
    "dbmate": _Told(
        "`-- migrate:up`",
        "`<digits>….sql` with both ways",
        "`-- migrate:up transaction:false`",
        "dbmate 2.36",
    ),
    "diesel": _Told(
        "`up.sql` in folders",
        "`<version>_<name>/up.sql`, `down.sql`",
        "`run_in_transaction` in `metadata.toml`; such a file that does not say `true` says "
        "`false`",
        "source of 2.3",
        "unit/test_history_tools.py::test_diesel_s_metadata_says_whether_there_is_a_transaction",
    ),
    "drizzle": _Told(
        "`meta/_journal.json`",
        "the journal, and the file of each entry; folders of Drizzle 1 are not read",
        "no",
        "drizzle-orm 0.45",
    ),
    "flyway": _Told(
        "`V1__x.sql`, `R__x.sql`",
        "V, U, B and R with their usual prefixes, in all folders below; one with placeholders is "
        "not read",
        "`executeInTransaction=false` in `<file>.conf`; statements that Flyway itself runs so",
        "source of 13.0, and Java's own CRC32 and hashCode",
        "unit/test_history_tools.py::test_flyway_sums_up_the_lines",
    ),
    "golang_migrate": _Told(
        "`000001_x.up.sql`; other digits outside of Rust",
        "`<version>_<title>.up.sql`, `.down.sql`",
        "no",
        "source of July 2026",
        "unit/test_history_tools.py::test_golang_migrate_knows_its_newest_version_alone",
    ),
    "goose": _Told(
        "`-- +goose`",
        "`<version>_<name>.sql` with both ways; `.go`, and files with ENVSUB, are not read",
        "`-- +goose NO TRANSACTION`",
        "source of 3.27",
        "unit/test_history_tools.py::test_goose_has_both_ways_in_a_file",
    ),
    "node_pg_migrate": _Told(
        "`-- Up Migration`",
        "`<number>_<name>.sql` with both ways; JavaScript and TypeScript are not read",
        "no",
        "node-pg-migrate 9.0",
    ),
    "plain": _Told(
        "`*.sql`, where it can be nobody's",
        "`*.sql`, in the order of their names",
        "what the file divides itself into",
        "nobody keeps a record",
        "unit/test_history.py::test_files_come_in_the_order_of_the_tool",
    ),
    "prisma": _Told(
        "`migration_lock.toml`; `migration.sql` in folders",
        "`<name>/migration.sql`",
        "no",
        "source of 6 and 7",
        "test_history.py::test_prisma_s_record_is_written_and_taken_back",
    ),
    "sqitch": _Told(
        "`sqitch.plan`",
        "the plan, `deploy/<change>.sql`, `revert/<change>.sql`; other places that `sqitch.conf` "
        "names are refused",
        "what BEGIN and COMMIT in the script say",
        "Sqitch 1.3",
    ),
    "sqlx": _Told(
        "`-- no-transaction`; `.sqlx` beside it",
        "`<version>_<description>.sql`, or `.up.sql` and `.down.sql`",
        "`-- no-transaction` at the very begin",
        "source of 0.9, and coreutils' sha384sum",
        "unit/test_history_tools.py::test_sqlx_compares_sha_384_of_the_file",
    ),
    "supabase": _Told(
        "`supabase/` around it",
        "`<version>_<name>.sql`",
        "no",
        "Supabase's command 3.1",
    ),
}


_BACK_TEST = "test_tool_undo.py::test_what_is_pending_goes_there_and_back_and_there_again"
_NO_BACK_TEST = "test_tool_undo.py::test_a_tool_without_such_files_has_no_undo"
_ITSELF = "test_tool_undo.py::test_the_tool_itself_goes_on_from_what_was_taken_back"
_ROW_GONE = "the row is gone"
# Tool → where it keeps what takes a migration back, and what its record says afterwards.
_BACK = {
    "dbmate": ("`-- migrate:down` in the file", _ROW_GONE),
    "diesel": ("`down.sql`", _ROW_GONE),
    "flyway": (
        "`U<version>__<description>.sql`; one with placeholders is not read",
        "the row is gone; Flyway itself would add one of the type `UNDO_SQL`",
    ),
    "golang_migrate": ("`.down.sql`", "the version before is the newest"),
    "goose": ("`-- +goose Down` in the file", _ROW_GONE),
    "node_pg_migrate": ("`-- Down Migration` in the file", _ROW_GONE),
    "sqitch": ("`revert/<change>.sql`", "the change is gone, an event `revert` is there"),
    "sqlx": ("`.down.sql`", _ROW_GONE),
}


def _row(key: str) -> Row:
    tool, told = history.find(key, schema="public"), _TOLD[key]
    lock = tool.lock_name if tool.lock_scope else "none"
    checked = f"the tool: {told.checked}" if key in REAL else told.checked
    return Row(
        (
            f"{tool.name} (`{key}`)",
            told.mark,
            told.files,
            tool.digest or "none",
            lock,
            _LATE.get(tool.late, "refused"),
            checked,
        ),
        _CONTENT if key in REAL else told.test,
    )


def _transaction(key: str) -> Row:
    tool: History = history.find(key, schema="public")
    own = f"`{tool.own_schema}`" if tool.own_schema else "the application's"
    tables = ", ".join(f"`{name}`" for _, name in tool.tables) or "none"
    return Row((tool.name, tool.transaction, _TOLD[key].alone, own, tables), _RECORD)


def _way_back(key: str) -> Row:
    name = history.find(key, schema="public").name
    if key not in _BACK:
        return Row((name, "nothing: the backup is the way back", ""), _NO_BACK_TEST)
    return Row((name, *_BACK[key]), _ITSELF if key in REAL else _BACK_TEST)


# Tool → what it was asked, and where.
_ASKED = {
    "Alembic": (
        "`alembic current`, of Alembic 1.20",
        "test_programs.py::test_alembic_is_content",
    ),
    "Knex": ("no; what Knex 3.3 says is heard", "test_capture.py::test_knex"),
    "TypeORM": ("no; what TypeORM 1.1 says is heard", "test_capture.py::test_typeorm"),
    "Rails": (
        "`needs_migration?` and `migrations_status`, of ActiveRecord 6.1",
        "test_programs.py::test_rails_is_content",
    ),
    "Django": (
        "`showmigrations` and `migrate --check`, of Django 5.2",
        "test_programs.py::test_django_is_content",
    ),
}
_COMMAND = """\
### The tool's own command

```yaml
gonogo_migrations: /srv/application
gonogo_migrate_command: [alembic, upgrade, head]
gonogo_migrate_environment:
  SQLALCHEMY_URL: "postgresql+psycopg://{address}"
```

The command runs on the target host, in that folder, which has to be there as it is on the \
controller. The backup is restored twice for it, each time into a cluster of its own, and the \
command is given the socket of that copy: in `DATABASE_URL`, `PGHOST`, `PGPORT`, `PGUSER` and \
`PGDATABASE`, and in whatever `gonogo_migrate_environment` makes of `{url}`, `{address}`, \
`{host}`, `{port}`, `{user}` and `{database}`. What it sends through that socket is heard, \
statement by statement, with the values of prepared statements, and judged, approved and applied \
as if it were a file of SQL: `captured.json` has it.

| What it says | What becomes of it |
| --- | --- |
| statements that only read | are left out: SELECT and the like, unless they call a function \
that may change something |
| BEGIN, COMMIT, what is sent at once | is the same transaction; what was rolled back, to a \
savepoint as well, is left out |
| settings of the session | are kept, in front of what they are in force for |
| writes to the tool's own record | are kept, so nothing has to be stamped afterwards. Whether \
they are applied is read from the rows of these tables, without columns of times and of \
sequences |
| advisory locks of the tool | are left out: the run has its own lock |
| another statement in the second run | is a HOLD that shows both. In the tool's own record \
values may differ, and a time is then `now()` |
| nothing that changes anything | is a database where nothing is pending: \
[rollout.md](rollout.md). That is the tool's own word, so the command is run once more, \
on an empty database beside a third copy, and the copy compared with what it makes there. Where it \
fails there, or makes no record, nobody could compare them: a HOLD |
| rows that are streamed into COPY, two-phase commit, changes from several sessions with \
different settings | are refused |

The tool's own record is known by the names of its tables (`alembic_version`, \
`django_migrations`, `schema_migrations`, `ar_internal_metadata`, `knex_migrations`, \
`migrations`, `databasechangelog`, `__EFMigrationsHistory` and others); `gonogo_migrate_records` \
names further ones.

It has no terminal and nobody to ask, `gonogo_migrate_timeout` seconds, an empty home directory, \
and of this project's environment only the path and the language. Where the kernel can (Linux \
6.7), the network is taken from it, and so is writing to files that are not below its folder or \
its home directory; `TMPDIR` is the latter. A command that fails, asks, does not end, speaks to \
another database or to none is one error, and nothing was touched. As its address is a socket, a \
driver that knows TCP alone (JDBC) cannot be used."""

MIGRATION_TOOLS = Page(
    "migration-tools.md",
    "Migration tools",
    (
        "What is read of each tool's files, and how its record is kept, so that the tool itself is "
        "content with it. A folder is told by what only that tool's has; one that fits several "
        "asks for `gonogo_migration_tool`, with the candidates.",
        Table(
            (
                "Tool and its key",
                "Told by",
                "Files",
                "Checksum",
                "Lock, ours for the whole deployment",
                "A file that comes late",
                "Checked against",
            ),
            [_row(key) for key in history.TOOLS],
            "Files and locks",
            "The lock is the advisory lock with that number. dbmate, Diesel, Drizzle and Supabase "
            "take none, and goose's command does not take the one of its library. golang-migrate's "
            "is held under both of its names: its command calls the database by the path of the "
            "URL, a program by its name.",
        ),
        Table(
            ("Tool", "Transaction", "Outside of one", "Schema of the record", "Tables"),
            [_transaction(key) for key in history.TOOLS if key != history.PLAIN],
            "Transactions and records",
            "Where the record has a column for how long it took, it says 0; Supabase's statements "
            "are there as one. Flyway's placeholders, "
            "goose's ENVSUB and Atlas' delimiters make another SQL of a file than what stands in "
            "it; such a file has no text here, and cannot be deployed.",
        ),
        Table(
            ("Tool", "Kept in", "The record afterwards"),
            [_way_back(key) for key in history.TOOLS],
            "The way back",
            "What a tool keeps to take its migrations back is the undo of all that is pending, the "
            "newest first. It is tried on the copy, where it has to leave schema, rows, sequences "
            "and rights as they were (that a column comes back behind the others is named, and is "
            "no fault), and `playbooks/undo.yml` carries it out. That is one "
            "transaction, whatever the tool would make of it, so that it can be tried before it is "
            "approved; `CONCURRENTLY` is left out. Rows of the migration's own may go with it; "
            "rows that the file changes in tables that stay are named in what is approved. Where "
            "a migration has no such file, or no statement is in it, and where it is named in "
            "`gonogo_irreversible`, the way back is the proven backup: the check D9.1 says in how "
            "many seconds it was restored.",
        ),
        Table(
            ("Tool", "Asked itself, of a database that a run has deployed to"),
            [
                Row(
                    (name, *_ASKED.get(name, ("no",))[:1]),
                    _ASKED[name][1]
                    if name in _ASKED
                    else "unit/test_history_detect.py::test_programs_are_named_and_not_read",
                )
                for name in PROGRAMS
            ],
            "Programs",
            "The migrations of these are programs, so their folders are refused without "
            "`gonogo_migrate_command`.",
        ),
        _COMMAND,
        "The tests that ask a tool itself run where it is there: `make servers` gets dbmate, "
        "Drizzle, Knex, node-pg-migrate, Supabase and TypeORM from npm and Alembic and Django "
        "from PyPI, pinned by hash, and ActiveRecord and Sqitch from the distribution. The others "
        "come from places that a test machine may not reach, so they were measured against their "
        "source.",
    ),
)
