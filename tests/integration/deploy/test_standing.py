"""What is not there, or not as the files make it, is never called applied."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.records.deployment import Inspection
from gonogo.contract.records.migration import Plan, Statement
from gonogo.contract.records.rehearsal import Rehearsal, Retried
from gonogo.contract.records.standing import Standing
from gonogo.controller import runbook
from gonogo.controller.invocation.commands import Caller
from gonogo.controller.outcome import standing
from gonogo.controller.runbook import migration
from gonogo.host.migrate import standing as on_target
from gonogo.host.migrate.again import again
from gonogo.host.migrate.deployment import inspect
from gonogo.host.session.connection import connect
from tests.integration.deploy.test_deploy_recognition import SECOND
from tests.integration.support.harness import RUNBOOK, Controller, Database
from tests.integration.support.migrations import deployed, plan_of
from tests.runbooks.master_tables import make_roles
from tests.runbooks.master_tables.variants import VARIANTS, Variant
from tests.unit.deployments import deployment

SCENE = """
CREATE TABLE public.gonogo_t (n int, m int);
CREATE TABLE public.gonogo_u (n int, m int);
CREATE TYPE public.gonogo_e AS ENUM ('a');
CREATE FUNCTION public.gonogo_f(n int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION public.gonogo_g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE VIEW public.gonogo_v AS SELECT n FROM public.gonogo_t;
"""
FUNCTION = "CREATE FUNCTION public.gonogo_f({}) RETURNS int LANGUAGE sql AS 'SELECT 1'"
T, U = "public.gonogo_t", "public.gonogo_u"

# The migration, and what is there that only looks like it.
ALIKE: dict[str, tuple[str, str]] = {
    "argument": (FUNCTION.format("a text"), ""),
    "arguments": (FUNCTION.format("int, VARIADIC b text[] DEFAULT NULL"), ""),
    "quoted": (FUNCTION.format('"int" text'), ""),
    "long type": (FUNCTION.format("double precision"), ""),
    "named long type": (FUNCTION.format("at timestamp with time zone"), ""),
    "no argument": (FUNCTION.format("OUT n int").replace("RETURNS int ", ""), ""),
    "type to come": (
        "CREATE TYPE public.gonogo_new AS (n int);" + FUNCTION.format("public.gonogo_new"),
        "CREATE TYPE public.gonogo_new AS (n int)",
    ),
    "replaced body": (
        FUNCTION.format("n int").replace("CREATE", "CREATE OR REPLACE").replace(" 1'", " 2'"),
        "",
    ),
    "procedure": (
        "CREATE PROCEDURE public.gonogo_p(n text) LANGUAGE sql AS 'SELECT 1'",
        "CREATE PROCEDURE public.gonogo_p(n int) LANGUAGE sql AS 'SELECT 1'",
    ),
    "aggregate": (
        "CREATE AGGREGATE public.gonogo_sum(bigint) (SFUNC = int8pl, STYPE = bigint)",
        "CREATE AGGREGATE public.gonogo_sum(int) (SFUNC = int4pl, STYPE = int)",
    ),
    "dropped overload": (
        "DROP FUNCTION public.gonogo_f(int)",
        "CREATE FUNCTION public.gonogo_f(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ),
    "policy": (
        f"CREATE POLICY p ON {T} USING (true)",
        f"CREATE POLICY p ON {U} USING (true)",
    ),
    "rule": (
        f"CREATE RULE r AS ON DELETE TO {T} DO INSTEAD NOTHING",
        f"CREATE RULE r AS ON DELETE TO {U} DO INSTEAD NOTHING",
    ),
    "trigger": (
        f"CREATE TRIGGER g BEFORE UPDATE ON {T} FOR EACH ROW EXECUTE FUNCTION public.gonogo_g()",
        f"CREATE TRIGGER g BEFORE UPDATE ON {U} FOR EACH ROW EXECUTE FUNCTION public.gonogo_g()",
    ),
    "value": ("ALTER TYPE public.gonogo_e ADD VALUE 'b'", ""),
    "not null": (f"ALTER TABLE {T} ALTER n SET NOT NULL", f"ALTER TABLE {U} ALTER n SET NOT NULL"),
    "primary key": (f"ALTER TABLE {T} ADD PRIMARY KEY (n)", f"ALTER TABLE {U} ADD PRIMARY KEY (n)"),
    "unique": (f"ALTER TABLE {T} ADD UNIQUE (n)", f"ALTER TABLE {T} ADD UNIQUE (m)"),
    "index": (f"CREATE INDEX ON {T} (n, m)", f"CREATE INDEX ON {T} (m, n)"),
    "view renamed": ("ALTER VIEW public.gonogo_v RENAME TO gonogo_w", ""),
}


@pytest.fixture
def scene(database: Database) -> Database:
    with database.owner() as owner:
        owner.execute(SCENE)
    return database


def inspected(database: Database, plan: Plan) -> Inspection:
    with connect(database.login(), name="gonogo:test:look", read_only=True) as connection:
        return inspect(connection, plan)


def state(database: Database, plan: Plan) -> str:
    return inspected(database, plan).state


def _marked(names: dict[str, Any], *sample: str) -> list[Any]:
    return [
        pytest.param(name, marks=() if name in sample else pytest.mark.attack) for name in names
    ]


@pytest.mark.parametrize("name", _marked(ALIKE, "argument", "replaced body", "policy"))
def test_what_only_looks_like_it_is_not_it(scene: Database, tmp_path: Path, name: str) -> None:
    text, there = ALIKE[name]
    with scene.owner() as owner:
        if there:
            owner.execute(there)
    plan = plan_of(tmp_path, m=f"{text};")
    assert state(scene, plan) == ("partial" if name == "type to come" else "absent")
    if name == "type to come":
        return
    assert deployed(scene, plan).action == "applied"
    assert state(scene, plan) == "applied"


def test_a_function_with_another_body_is_partial(scene: Database, tmp_path: Path) -> None:
    """It could not be made, and is not what the file makes."""
    plan = plan_of(tmp_path, m=f"{FUNCTION.format('n int')[:-2]}2';")
    assert state(scene, plan) == "partial"


# A column of that name is there, and is another one: what is added → what is there → in what.
COLUMNS: dict[str, tuple[str, str, str]] = {
    "type": ("c text", "c int", "has the type integer, not text"),
    "length": ("c varchar(20)", "c varchar(10)", "has the type character varying(10)"),
    "no length": ("c varchar", "c varchar(10)", "has the type character varying(10)"),
    "scale": ("c numeric(10, 2)", "c numeric(10,3)", "has the type numeric(10,3)"),
    "fraction": ("c timestamp(3) with time zone", "c timestamptz", "has the type timestamp"),
    "zone": ("c timestamp", "c timestamptz", "has the type timestamp with time zone"),
    "array": ("c int[]", "c int", "has the type integer, not integer[]"),
    "own type": ("c public.gonogo_e", "c text", "has the type text, not public.gonogo_e"),
    "serial": ("c bigserial", "c int NOT NULL DEFAULT 1", "has the type integer, not bigint"),
    "default": ("c int DEFAULT 5", "c int DEFAULT 6", "has the default 6, not 5"),
    "default of a text": ("c text DEFAULT 'a'", "c text DEFAULT 'A'", "has the default 'A'::text"),
    "no default": ("c int DEFAULT 5", "c int", "has no default"),
    "default more": ("c int", "c int DEFAULT 5", "has the default 5, not none"),
    "computed default": ("c timestamptz DEFAULT now()", "c timestamptz", "has no default"),
    "nullable": ("c int NOT NULL DEFAULT 5", "c int DEFAULT 5", "may be empty"),
    "required": ("c int DEFAULT 5", "c int NOT NULL DEFAULT 5", "may not be empty"),
    "identity": (
        "c int GENERATED BY DEFAULT AS IDENTITY",
        "c int NOT NULL DEFAULT 5",
        "is no identity column",
    ),
    "generated": ("c int GENERATED ALWAYS AS (n + 1) STORED", "c int", "is not generated"),
}
# The same columns, written otherwise.
ALIKE_COLUMNS: dict[str, tuple[str, str]] = {
    "type": ("c varchar(20) NOT NULL DEFAULT 'a'", "c character varying(20) DEFAULT 'a' NOT NULL"),
    "number": ("c numeric(10,2) DEFAULT -1.50", "c decimal(10, 2) DEFAULT '-1.50'"),
    "truth": ("c boolean DEFAULT false", "c bool DEFAULT 'f'::boolean"),
    "nothing": ("c int DEFAULT NULL", "c int"),
    "key": ("c int PRIMARY KEY", "c int PRIMARY KEY"),
    "serial": ("c serial", "c serial"),
    "identity": ("c bigint GENERATED ALWAYS AS IDENTITY", "c int8 GENERATED ALWAYS AS IDENTITY"),
    "check": ("c int CHECK (c > 0) DEFAULT 5", "c int DEFAULT 5 CHECK (c > 0)"),
    "computed": ("c timestamptz DEFAULT CURRENT_TIMESTAMP", "c timestamptz DEFAULT now()"),
    "changed later": (f"c int; ALTER TABLE {T} ALTER COLUMN c TYPE text", "c text"),
    "filled later": (f"c int; ALTER TABLE {T} ALTER c SET DEFAULT 7", "c int DEFAULT 7"),
    "required later": (f"c int; ALTER TABLE {T} ALTER c SET NOT NULL", "c int NOT NULL"),
    "key later": (f"c int; ALTER TABLE {T} ADD CONSTRAINT k PRIMARY KEY (c)", "c int PRIMARY KEY"),
    "by a block": (
        f"c int; DO $$ BEGIN EXECUTE 'ALTER TABLE {T} ALTER c TYPE text'; END $$",
        "c text",
    ),
    "renamed later": (f"b text; ALTER TABLE {T} RENAME COLUMN b TO c", "c text"),
}


@pytest.mark.parametrize("name", _marked(COLUMNS, "type", "default of a text", "required"))
def test_a_column_of_that_name_is_not_the_column(
    scene: Database, tmp_path: Path, name: str
) -> None:
    wanted, there, but = COLUMNS[name]
    with scene.owner() as owner:
        owner.execute(f"ALTER TABLE {T} ADD {there}".encode())
    found = inspected(scene, plan_of(tmp_path, m=f"ALTER TABLE {T} ADD COLUMN {wanted};"))
    assert found.state == "partial"
    (column,) = found.objects
    assert not column.matches
    assert str(column.difference).startswith(but)


@pytest.mark.parametrize("name", _marked(ALIKE_COLUMNS, "number", "changed later"))
def test_the_column_written_otherwise_is_the_column(
    scene: Database, tmp_path: Path, name: str
) -> None:
    wanted, there = ALIKE_COLUMNS[name]
    with scene.owner() as owner:
        if " k " in wanted:
            owner.execute(f"ALTER TABLE {T} ADD c int, ADD CONSTRAINT k PRIMARY KEY (c)".encode())
        else:
            owner.execute(f"ALTER TABLE {T} ADD {there}".encode())
    found = inspected(scene, plan_of(tmp_path, m=f"ALTER TABLE {T} ADD COLUMN {wanted};"))
    assert [one.difference for one in found.objects if one.difference] == []
    assert found.state == "applied"


@pytest.mark.attack
def test_a_column_that_was_there_before_stays_another_one(scene: Database, tmp_path: Path) -> None:
    """The server passes over it with a notice."""
    plan = plan_of(
        tmp_path,
        m=f"ALTER TABLE {T} ADD COLUMN IF NOT EXISTS c text; CREATE TABLE public.gonogo_n (n int);",
    )
    with scene.owner() as owner:
        owner.execute(f"ALTER TABLE {T} ADD c int; CREATE TABLE public.gonogo_n (n int)".encode())
    found = inspected(scene, plan)
    assert found.state == "partial"
    assert found.objects[0].difference == "has the type integer, not text"


def test_a_table_of_that_name_is_not_the_table(scene: Database, tmp_path: Path) -> None:
    """Column by column, where no manifest says what the table is like."""
    plan = plan_of(
        tmp_path,
        m="CREATE TABLE public.gonogo_n (id int PRIMARY KEY, word varchar(10) DEFAULT 'a',"
        " CONSTRAINT few CHECK (id < 5), at timestamptz NOT NULL, UNIQUE (word));",
    )
    assert state(scene, plan) == "absent"
    assert deployed(scene, plan).action == "applied"
    assert state(scene, plan) == "applied"
    with scene.owner() as owner:
        owner.execute("ALTER TABLE public.gonogo_n ALTER word TYPE text, DROP at")
    found = inspected(scene, plan)
    assert found.state == "partial"
    (table,) = [one for one in found.objects if not one.matches]
    assert (table.object, table.difference) == ("table public.gonogo_n", "lacks the columns at")
    with scene.owner() as owner:
        owner.execute("ALTER TABLE public.gonogo_n ADD at timestamptz NOT NULL")
    (table,) = [one for one in inspected(scene, plan).objects if not one.matches]
    assert table.difference == "column word has the type text, not character varying(10)"


# What no object tells: applied again, it changes nothing.
UNTOLD: dict[str, str] = {
    "type": f"ALTER TABLE {T} ALTER m TYPE bigint",
    "default": f"ALTER TABLE {T} ALTER n SET DEFAULT 5",
    "comment": f"COMMENT ON TABLE {T} IS 'x'",
    "grant": f"GRANT SELECT ON {T} TO PUBLIC",
    "view": "CREATE OR REPLACE VIEW public.gonogo_v AS SELECT n, 1 AS m FROM public.gonogo_t",
    "operator": ("CREATE OPERATOR public.|+| (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int)"),
    "cast": "CREATE CAST (public.gonogo_e AS int) WITH FUNCTION public.gonogo_c(public.gonogo_e)",
    "statistics": f"CREATE STATISTICS public.gonogo_s ON n, m FROM {T}",
    "publication": f"CREATE PUBLICATION gonogo_p FOR TABLE {T}",
    "function": "ALTER FUNCTION public.gonogo_f(int) STRICT",
    "row security": f"ALTER TABLE {T} ENABLE ROW LEVEL SECURITY",
    "block": f"DO $$ BEGIN EXECUTE 'ALTER TABLE {T} SET (fillfactor = 50)'; END $$",
    "dropped": "DROP OPERATOR IF EXISTS public.|+| (int, int)",
    "domain": "CREATE DOMAIN public.gonogo_d AS int; ALTER DOMAIN public.gonogo_d SET DEFAULT 1",
    "sequence": "CREATE SEQUENCE public.gonogo_q; ALTER SEQUENCE public.gonogo_q INCREMENT 5",
}
CAST = "CREATE FUNCTION public.gonogo_c(public.gonogo_e) RETURNS int LANGUAGE sql AS 'SELECT 1'"


def _untold(plan: Plan) -> list[Statement]:
    return [one for step in plan.steps for one in step.statements if not one.read]


@pytest.mark.parametrize("name", _marked(UNTOLD, "default", "view", "block"))
def test_what_no_object_tells_is_found_out_on_a_copy(
    scene: Database, tmp_path: Path, name: str
) -> None:
    text = f"{UNTOLD[name]};"
    plan = plan_of(tmp_path, left="CREATE TABLE public.gonogo_left (n int);", m=text)
    with scene.admin() as admin:
        # So that it is nobody's to refuse.
        admin.execute(f"{CAST}; GRANT CREATE ON DATABASE {scene.name} TO PUBLIC")
        admin.execute("ALTER TYPE public.gonogo_e OWNER TO CURRENT_USER" if name == "cast" else "")
    login = scene.admin if name == "cast" else scene.owner
    parts = [one.text for one in plan.steps[1].statements if one.read]
    with login() as session:
        session.execute("".join(parts).encode() or b"SELECT 1")
        session.execute("SET search_path TO ''")
        before = again(session, _untold(plan))
        assert before.changes or name == "dropped", before
        assert before.untried == ()
        for one in _untold(plan):
            session.execute(one.text.encode())
        assert again(session, _untold(plan)) == Retried((), ())


# --- at the end of a run ------------------------------------------------------------------------


def book(folder: Path = RUNBOOK, profile: str = "target") -> runbook.Runbook:
    return runbook.load(folder, profile=profile, parameters={}, templates=False)


def seen(database: Database, folder: Path = RUNBOOK, *, profile: str = "target") -> Standing:
    with connect(database.login(), name="gonogo:test:look") as connection:
        return on_target.standing(connection, standing.objects(book(folder, profile)))


def judged(found: Standing | None, folder: Path = RUNBOOK, **records: Any) -> str:
    given = {"rehearsal": None, "deploy": None, **records}
    problem = standing.problem(book(folder), found, **given, caller=Caller(inventories=["x"]))
    return "" if problem is None else problem.render()


def test_the_shipped_migrations_are_told_by_their_objects(database: Database) -> None:
    for folder in (RUNBOOK, SECOND):
        assert migration.untold(book(folder)) == ()
        found = seen(database, folder)
        assert found == Standing((), (), none=False)
        assert judged(found, folder) == ""


def test_a_profile_misses_only_what_it_has(make_database: Any) -> None:
    """What the hasty deployment brings has no guard, and so no function of one."""
    database = make_database("as_deployed")
    assert seen(database, profile="as_deployed") == Standing((), (), none=False)
    missing = seen(database).missing
    assert len([line for line in missing if line.startswith("function ")]) == 3
    assert any(line.startswith("constraint fk_") for line in missing)


@pytest.mark.parametrize(
    ("harm", "missing"),
    [
        ("DROP TABLE public.punchlist_items CASCADE", "table public.punchlist_items is missing"),
        (
            "ALTER TABLE public.vendor_master DROP COLUMN vendor_name",
            "column vendor_name on public.vendor_master is missing",
        ),
        (
            "DROP FUNCTION public.trg_touch_updated_at CASCADE",
            "function public.trg_touch_updated_at() is missing",
        ),
        (
            "DROP INDEX public.idx_workflow_stages_overdue",
            "index idx_workflow_stages_overdue on public.workflow_stages is missing",
        ),
        (
            "ALTER TABLE public.users RENAME TO persons",
            "table public.users is missing (manifest.yml)",
        ),
    ],
)
def test_what_is_missing_is_named_whatever_the_checks_ask(
    database: Database, harm: str, missing: str
) -> None:
    with database.owner() as owner:
        owner.execute(harm)
    found = seen(database)
    told = [*found.missing, *found.plain]
    assert any(line.startswith(missing) for line in told), found
    assert not found.none
    assert "not everything that the migration and its manifest say is there" in judged(found)


def test_an_absent_migration_is_named_with_the_command_that_deploys_it(make_database: Any) -> None:
    found = seen(make_database("as_deployed"), SECOND)
    assert found.none
    said = judged(found, SECOND)
    assert said.startswith("the migration is absent, and this run does not deploy it")
    assert "deploy_enabled=true" in said


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(v, marks=() if "renamed" in str(v) else pytest.mark.attack, id=str(v))
        for v in VARIANTS
    ],
)
def test_nobody_minds_a_benign_variant(variant: Variant, database: Database) -> None:
    make_roles(database.cluster)
    for session, sql in ((database.admin, variant.admin), (database.owner, variant.sql)):
        if sql:
            with session() as connection:
                connection.execute(sql.encode())
    assert seen(database).missing == ()


def test_of_what_nothing_tells_there_is_no_go(tmp_path: Path, database: Database) -> None:
    """Rows alone, or what only a copy can show."""
    good = seen(database)
    comment, unknown = "COMMENT ON TABLE public.users IS 'x';", "nothing tells whether"
    cases: list[tuple[str, Retried | None, str]] = [
        ("UPDATE public.users SET email = email;", None, unknown),
        (comment, None, unknown),
        (comment, Retried((), ()), ""),
        (comment, Retried(("c",), ()), "as its files make it"),
        (comment, Retried((), ("COMMENT",)), unknown),
    ]
    for text, retried, message in cases:
        folder = _with_migration(tmp_path, text)
        record = _rehearsed(retried)
        said = judged(good, folder, rehearsal=record)
        assert (message in said) if message else said == ""
        # What this run has applied, it knows.
        assert judged(good, folder, rehearsal=record, deploy=deployment()) == ""


def test_a_run_that_does_not_deploy_what_is_absent_is_no_go(
    make_database: Any, controller: Controller, tmp_path: Path
) -> None:
    """Every check passes, and what the migration makes is another function of the same name."""
    database = make_database()
    with database.owner() as owner:
        owner.execute(FUNCTION.format("n int"))
    folder = shutil.copytree(RUNBOOK.parent, tmp_path / "runbooks") / RUNBOOK.name
    (folder / "migration.sql").write_text(
        (folder / "migration.sql").read_text() + f"\n{FUNCTION.format('a text')};\n"
    )
    controller.aim(database)
    arguments = ("-i", "inventories/sandbox", "validate_staging.yml")
    outcome = controller.play(*arguments, "-e", f"gonogo_runbook={folder}")
    assert outcome.verdict["decision"] == "HOLD", outcome.output
    (reason,) = outcome.verdict["reasons"]
    assert reason["subject"] == "migration"
    assert "function public.gonogo_f(text) is missing (migration.sql:" in reason["observed"]


def _rehearsed(retried: Retried | None) -> Rehearsal:
    return Rehearsal(
        run_id="20260131T120000Z-0a1b2c",
        promoted=False,
        done=True,
        required=True,
        reason=None,
        hint=None,
        backup_sha256=None,
        retried=retried,
    )


def _with_migration(directory: Path, text: str) -> Path:
    folder = directory / RUNBOOK.name
    shutil.copytree(RUNBOOK, folder, dirs_exist_ok=True)
    for name in ("migration", "constraints", "performance_indexes", "foreign_keys", "guards"):
        (folder / f"{name}.sql").write_text(text)
    return folder
