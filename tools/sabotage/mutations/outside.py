"""What acts on the tables from elsewhere: triggers of other tables, event triggers, settings in
another spelling, conditions over whole rows, the catalog edited, indexes that hide rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.sabotage.change import OLDEST, Mutation, past_triggers
from tools.sabotage.mutations.text import database_starts_with, login_starts_with
from tools.sabotage.shape import Shape, ident, literal
from tools.sabotage.subjects import reference_checks

__all__ = ["outside"]

_APPLICATION = "apms_app"
_OUTSIDE = ("users", "workspaces", "sites")

# Words → what a trigger of another table does to ours.
_WRITES = {
    "decides stages": "UPDATE public.workflow_stages SET decision_comments = 'x';",
    "writes into the trail": "INSERT INTO public.workflow_stage_actions (workflow_stage_id,"
    " action_type) SELECT min(s.id), 'COMMENT' FROM public.workflow_stages AS s;",
    "removes defects": "DELETE FROM public.punchlist_items;",
    "makes versions": "INSERT INTO public.config_versions (workspace_id, source_file_name,"
    " source_type, version_number, imported_by) SELECT w.id, 'x', 'SCOPE_CONFIG', 9, 'admin-001'"
    " FROM public.workspaces AS w;",
    "writes by a text": "EXECUTE 'UPDATE public.' || 'workflow_stages"
    " SET decision_comments = NULL';",
}

# Setting → spellings of a value that the server takes for the same.
_SPELLED = {
    "session_replication_role": (("'REPLICA'", "'Replica'"), ("C1.9",)),
    "default_transaction_read_only": (
        ("'ON'", "'t'", "'TRUE'", "'yes'", "'1'", "'tru'", "'On'"),
        ("C1.10",),
    ),
    "row_security": (("'OFF'", "'f'", "'False'", "'no'", "'0'", "'of'"), ("C1.10",)),
    "role": (("'\"apms_bystander\"'", "apms_bystander"), ("C1.10",)),
    "search_path": (("'\"Public\"'", "'\"public \"'", 'nowhere, "$user"'), ("C1.2",)),
}
_POLICY = (
    "CREATE POLICY everything ON public.punchlists USING (true);"
    "ALTER TABLE public.punchlists ENABLE ROW LEVEL SECURITY;"
)


def outside(shape: Shape) -> Iterator[Mutation]:
    yield from _triggers()
    yield from _event_triggers()
    yield from _settings()
    yield from _whole_rows(shape)
    yield from _exchanged(shape)
    yield from _hidden(shape)


def _triggers() -> Iterator[Mutation]:
    for number, (words, command) in enumerate(_WRITES.items()):
        table = _OUTSIDE[number % len(_OUTSIDE)]
        for event in ("INSERT", "UPDATE", "DELETE"):
            yield Mutation(
                id=f"trigger outside {words}: {event} of {table}",
                words=f"a trigger on {event} of {table} {words}",
                sql="CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql AS $b$"
                f" BEGIN {command} RETURN coalesce(NEW, OLD); END $b$;"
                f"CREATE TRIGGER spoil AFTER {event} ON public.{table}"
                " FOR EACH ROW EXECUTE FUNCTION public.spoil()",
                kind="trigger outside",
                right=("C1.11",),
                unknown=("C1.11",),
            )


def _event_triggers() -> Iterator[Mutation]:
    events = {"ddl_command_end": OLDEST, "sql_drop": OLDEST, "table_rewrite": OLDEST, "login": 17}
    for event, since in events.items():
        for words, command in _WRITES.items():
            yield Mutation(
                id=f"event trigger {words}: {event}",
                words=f"an event trigger on {event} {words}",
                admin="CREATE FUNCTION public.spoil() RETURNS event_trigger LANGUAGE plpgsql"
                f" SECURITY DEFINER AS $b$ BEGIN {command} END $b$;"
                f"CREATE EVENT TRIGGER spoil ON {event} EXECUTE FUNCTION public.spoil()",
                since=since,
                kind="event trigger",
                right=("C1.11",),
                unknown=("C1.11",),
            )


def _settings() -> Iterator[Mutation]:
    for setting, (values, right) in _SPELLED.items():
        for value in values:
            before = _POLICY if setting == "row_security" else ""
            yield Mutation(
                id=f"setting spelt otherwise: {setting} = {value}",
                words=f"the application's login starts with {setting} = {value}",
                admin=before + login_starts_with(f"{setting} = {value}"),
                kind="setting spelt otherwise",
                right=right,
                unknown=right,
            )
    # By the role in every database, where it is no setting of this one.
    for setting, value, right in (
        ("session_replication_role", "'REPLICA'", ("C1.9",)),
        ("default_transaction_read_only", "'T'", ("C1.10",)),
    ):
        yield Mutation(
            id=f"setting of the role spelt otherwise: {setting} = {value}",
            words=f"the application's login starts everywhere with {setting} = {value}",
            admin=f"ALTER ROLE {_APPLICATION} SET {setting} = {value}",
            whole_server=True,
            kind="setting spelt otherwise",
            right=right,
            unknown=right,
        )


# Words → a condition over the whole row: it names no column.
_ROWS = {
    "by the text of the row": "OLD::text NOT LIKE '%maintenance%'",
    "by the row as a value": "OLD IS DISTINCT FROM NULL AND OLD::text <> ''",
    "by whether the row is full": "NOT (OLD IS NOT NULL)",
}


def _whole_rows(shape: Shape) -> Iterator[Mutation]:
    guards = {
        "config_versions": ("config_versions_active_guard", "DELETE", "OLD.status = 'ACTIVE'"),
        "workflow_instances": (
            "workflow_instances_frozen_guard",
            "UPDATE",
            "OLD.config_version_id IS DISTINCT FROM NEW.config_version_id",
        ),
        "workflow_stages": (
            "workflow_stages_frozen_guard",
            "UPDATE",
            "OLD.config_version_id IS DISTINCT FROM NEW.config_version_id",
        ),
    }
    tried: Mapping[str, tuple[str, ...]] = {
        "config_versions": ("C1.9", "0.8", "V1.1"),
        "workflow_instances": ("C1.9", "V3.2"),
        "workflow_stages": ("C1.9", "V3.3"),
    }
    for table, (name, event, condition) in guards.items():
        function = next(g["function"] for g in shape.tables[table]["triggers"] if g["name"] == name)
        for words, row in _ROWS.items():
            yield Mutation(
                id=f"whole row, {words}: {name}",
                words=f"the guard {name} fires {words} too",
                sql=f"DROP TRIGGER {name} ON {shape.name(table)};"
                f"CREATE TRIGGER {name} BEFORE {event} ON {shape.name(table)} FOR EACH ROW"
                f" WHEN ({condition} AND {row}) EXECUTE FUNCTION {shape.name(function)}()",
                kind="whole row in a condition",
                right=tried[table],
                unknown=tried[table],
            )


# Function of a foreign key's own trigger → another with the same arguments.
_OTHERS = {
    "RI_FKey_check_ins": "RI_FKey_noaction_upd",
    "RI_FKey_check_upd": "RI_FKey_noaction_upd",
    "RI_FKey_restrict_del": "RI_FKey_noaction_upd",
    "RI_FKey_cascade_del": "RI_FKey_noaction_del",
    "RI_FKey_setnull_del": "RI_FKey_cascade_del",
    "RI_FKey_cascade_upd": "RI_FKey_noaction_upd",
}


def _routine(name: str) -> str:
    """Its OID in SQL. The names have capital letters."""
    return literal(f'pg_catalog."{name}"') + "::regproc"


def _exchanged(shape: Shape) -> Iterator[Mutation]:
    for number, key in enumerate(shape.foreign_keys):
        own = {"RESTRICT": "restrict", "CASCADE": "cascade", "SET NULL": "setnull"}
        functions = ["RI_FKey_check_ins", "RI_FKey_check_upd", "RI_FKey_cascade_upd"]
        functions.append(f"RI_FKey_{own[key['on_delete']]}_del")
        function = functions[number % len(functions)]
        yield Mutation(
            id=f"key's trigger exchanged, {function}: {key['name']}",
            words=f"the trigger {function} of {key['name']} calls another function",
            admin=f"UPDATE pg_trigger SET tgfoid = {_routine(_OTHERS[function])}"
            f" WHERE tgfoid = {_routine(function)} AND tgconstraint = ("
            f"SELECT oid FROM pg_constraint WHERE conname = {literal(key['name'])})",
            kind="foreign key's trigger exchanged",
            right=("C1.3", "C5.3"),
            unknown=("C1.3", "C5.3"),
        )


def _hidden(shape: Shape) -> Iterator[Mutation]:
    """An index that has missed rows, and a planner that uses nothing else."""
    rest: dict[str, Any] = {"kind": "rows hidden by an index"}
    for relation in shape.relations:
        table, (column,) = relation["table"], relation["columns"]
        if relation["references"]["table"] == "workspaces":
            continue
        row = f"(SELECT min(id) FROM {shape.name(table)})"
        yield Mutation(
            id=f"hidden orphan: {table}.{column}",
            words=f"a row of {table} that refers to nothing is in no index of {table}",
            admin=past_triggers(
                f"UPDATE {shape.name(table)} SET {ident(column)} = 'nothing' WHERE id = {row};"
            )
            + _hiding(shape, table, column, "'nothing'"),
            right=reference_checks(table, column),
            **rest,
        )


def _hiding(shape: Shape, table: str, column: str, value: str) -> str:
    return (
        f"CREATE INDEX hiding ON {shape.name(table)} ({ident(column)}, id)"
        f" WHERE {ident(column)} <> {value};"
        "UPDATE pg_index SET indpred = NULL WHERE indexrelid = 'public.hiding'::regclass;"
        + database_starts_with("enable_seqscan = off")
        + database_starts_with("enable_bitmapscan = off")
    )
