"""Functions that do what they should, but not always: conditions that no single try varies."""

from __future__ import annotations

from collections.abc import Iterator

from tools.sabotage.change import Mutation
from tools.sabotage.shape import Shape

__all__ = ["conditions"]

# Words → a condition that is false for one session at one time with one row, and true for another.
_ELSEWHERE = {
    "for one login": "current_user = 'apms_import'",
    "for every login but the one that asks": "session_user <> 'apms_sandbox'",
    "for the members of a group": "pg_has_role(session_user, 'pg_monitor', 'MEMBER')"
    " AND session_user <> 'postgres'",
    "by a setting": "current_setting('apms.maintenance', true) = 'on'",
    "by the time zone of the session": "current_setting('TimeZone') <> 'UTC'",
    "by the search path of the session": "current_setting('search_path') LIKE '%public%'",
    "by the time it may wait for a lock": "current_setting('lock_timeout') = '0'",
    "by the isolation of the transaction": "current_setting('transaction_isolation')"
    " = 'serializable'",
    "by the name of the session": "coalesce(current_setting('application_name'), '')"
    " NOT LIKE 'gonogo%'",
    "by the name of the session, backwards": "reverse(current_setting('application_name'))"
    " NOT LIKE '%ogonog'",
    "by the address of the client": "inet_client_addr() = '10.0.0.1'",
    "by the process of the server": "pg_backend_pid() % 100000 = 99999",
    "by the age of the row": "{row}.created_at < now() - interval '1 day'",
    "by the age of the row, from a day on": "{row}.created_at < '2026-01-01'",
    "by another column": "{row}.updated_at IS NULL",
    "by the id of the row": "{row}.id ~ '^0000'",
    "by the length of the id": "length({row}.id) <> 36",
    "by the marks of test rows": "to_jsonb({row})::text NOT LIKE '%GONOGO-%'",
    "by a row of another table": "EXISTS (SELECT FROM public.users AS u WHERE u.id = 'root-1')",
    "by the number of rows": "(SELECT count(*) FROM public.users) > 1000000",
    "by a day": "now() > '2100-01-01'",
    "by the day of the week": "extract(isodow FROM now()) = 8",
    "by the hour": "extract(hour FROM clock_timestamp()) = 24",
    "inside another trigger": "pg_trigger_depth() > 1",
    "by chance": "random() < 0.000001",
    "by the number of the transaction": "txid_current() % 1000003 = 1",
    "by a table that is not there": "to_regclass('public.maintenance') IS NOT NULL",
    "by a lock that somebody has": "EXISTS (SELECT FROM pg_locks AS l"
    " WHERE l.locktype = 'advisory' AND l.objid = 4711)",
}

_RAISE = (
    "RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE = 'no', CONSTRAINT = TG_NAME;"
)

# Function → the row that a condition is about, what it does where it holds, what it does else, and
# the checks whose subject it is: the triggers, and what they have to refuse or to do.
_FUNCTIONS = {
    "config_versions_active_guard": (
        "OLD",
        "RETURN OLD;",
        _RAISE,
        ("C1.9", "C1.11", "0.8", "V1.1", "V1.2"),
    ),
    "frozen_config_version_guard": (
        "OLD",
        "RETURN NEW;",
        _RAISE,
        ("C1.9", "C1.11", "C4.2", "V3.1", "V3.2", "V3.3"),
    ),
    "trg_touch_updated_at": (
        "NEW",
        "RETURN NEW;",
        "NEW.updated_at := now(); RETURN NEW;",
        ("C1.9", "C1.11", "C6.9"),
    ),
}

# Words → what is done beside what should be done.
_BESIDE = {
    "writes another column": "{new}.created_at := '2000-01-01';",
    "empties a column that may be empty": "IF to_jsonb({new}) ? 'notes' THEN"
    " {new} := jsonb_populate_record({new}, '{{\"notes\": null}}'); END IF;",
    "writes into another table": "UPDATE public.workspaces SET name = name || '!'"
    " WHERE code LIKE 'XL%';",
    "writes a row of the trail": "INSERT INTO public.workflow_stage_actions (workflow_stage_id,"
    " action_type) SELECT min(s.id), 'COMMENT' FROM public.workflow_stages AS s;",
    "removes rows of another table": "DELETE FROM public.punchlist_items"
    " WHERE item_code = 'PL-03';",
    "sets something for the session": "PERFORM set_config('search_path', 'pg_temp', true);",
    "sets something for a while": "PERFORM"
    " set_config('session_replication_role', 'replica', true);",
    "grants something": "GRANT SELECT ON public.users TO PUBLIC;",
    "calls another function": "PERFORM public.beside();",
    "sends a message": "PERFORM pg_notify('apms', {new}.id);",
}


_HELPER = """
CREATE FUNCTION public.beside() RETURNS void LANGUAGE sql
    AS $$ UPDATE public.sites SET city = upper(city) WHERE site_name LIKE 'A%' $$;
"""


def conditions(shape: Shape) -> Iterator[Mutation]:
    for function in shape.manifest["functions"]:
        name = function["name"]
        row, otherwise, does, right = _FUNCTIONS[name]
        for words, condition in _ELSEWHERE.items():
            body = f"IF {condition.format(row=row)} THEN {otherwise} END IF; {does}"
            yield Mutation(
                id=f"function not always, {words}: {name}",
                words=f"the function {name} does not do its work {words}",
                sql=_function(shape, name, body),
                kind="function not always",
                right=right,
                unknown=right,
            )
    yield from _beside(shape, "trg_touch_updated_at")
    yield from _attributes(shape)


def _function(shape: Shape, name: str, body: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {shape.name(name)}() RETURNS trigger LANGUAGE plpgsql"
        f" SET search_path = '' AS $body$ BEGIN {body} END $body$"
    )


def _beside(shape: Shape, name: str) -> Iterator[Mutation]:
    """A guard has no such thing: what it does before it refuses is taken back with the rest."""
    _row, _otherwise, does, right = _FUNCTIONS[name]
    for words, command in _BESIDE.items():
        yield Mutation(
            id=f"function does more, {words}: {name}",
            words=f"the function {name} {words} as well",
            sql=_HELPER + _function(shape, name, f"{command.format(new='NEW')} {does}"),
            kind="function does more",
            right=right,
            unknown=right,
        )


def _attributes(shape: Shape) -> Iterator[Mutation]:
    """What a function is beside its body."""
    for name, (_row, _otherwise, _does, right) in _FUNCTIONS.items():
        at = f"ALTER FUNCTION {shape.name(name)}()"
        ways = {
            "switches triggers off for itself": f"{at} SET session_replication_role = replica",
            "finds its names elsewhere": f"{at} SET search_path = evil, pg_catalog",
        }
        for words, command in ways.items():
            yield Mutation(
                id=f"function otherwise, {words}: {name}",
                words=f"the function {name} {words}",
                admin=command,
                kind="function otherwise",
                right=right,
                unknown=right,
            )
