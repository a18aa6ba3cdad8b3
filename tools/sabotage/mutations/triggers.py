"""Every trigger: there, when it fires and under which condition; every function: what it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.sabotage.change import Mutation
from tools.sabotage.mutations.text import GUARDED
from tools.sabotage.mutations.turns import turns
from tools.sabotage.shape import Shape, ident

__all__ = ["triggers"]

Trigger = Mapping[str, Any]

_ANYTHING = """
CREATE FUNCTION public.anything() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RETURN coalesce(NEW, OLD); END $$;
"""

# Checks that try what a trigger of the table is there for.
_TRIED = {
    "config_versions_active_guard": ("0.8", "V1.1"),
    "workflow_instances_frozen_guard": ("V3.2",),
    "workflow_stages_frozen_guard": ("V3.3",),
}


def triggers(shape: Shape) -> Iterator[Mutation]:
    for number, table in enumerate(shape.tables):
        for trigger in shape.tables[table]["triggers"]:
            found = list(_of(shape, table, trigger))
            # The three guards are worth everything; the many that touch are all alike.
            share = 3 if trigger["purpose"] == "touch" else len(found)
            yield from found[:2]
            yield from turns(found[2:], number, share)
    yield from _functions(shape)


def _of(shape: Shape, table: str, trigger: Trigger) -> Iterator[Mutation]:
    name, function = trigger["name"], shape.name(trigger["function"])
    at = shape.name(table)
    drop = f"DROP TRIGGER {ident(name)} ON {at};\n"
    events = " OR ".join(trigger["events"])
    condition = GUARDED.get(trigger["function"], ("",))[0]
    tried = _TRIED.get(name, ("C6.9",))
    rest: dict[str, Any] = {"kind": "trigger", "right": ("C1.9", *tried)}

    def anew(
        timing: str = trigger["timing"],
        events: str = events,
        level: str = "ROW",
        condition: str = condition,
        function: str = function,
    ) -> str:
        when = f" WHEN ({condition})" if condition else ""
        return (
            f"{drop}CREATE TRIGGER {ident(name)} {timing} {events} ON {at}"
            f" FOR EACH {level}{when} EXECUTE FUNCTION {function}()"
        )

    yield Mutation(
        id=f"trigger missing: {name}", words=f"the trigger {name} is missing", sql=drop, **rest
    )
    for mode, words in (("DISABLE", "disabled"), ("ENABLE REPLICA", "for replicas only")):
        yield Mutation(
            id=f"trigger {words}: {name}",
            words=f"the trigger {name} is {words}",
            sql=f"ALTER TABLE {at} {mode} TRIGGER {ident(name)}",
            **rest,
        )
    yield Mutation(
        id=f"trigger too late: {name}",
        words=f"the trigger {name} fires AFTER the change",
        sql=anew(timing="AFTER"),
        kind="trigger",
        right=("C1.9",),
    )
    other = "INSERT" if trigger["purpose"] == "touch" else "TRUNCATE"
    level = "STATEMENT" if other == "TRUNCATE" else "ROW"
    yield Mutation(
        id=f"trigger on another event: {name}",
        words=f"the trigger {name} fires on {other}",
        sql=anew(events=other, condition="", level=level),
        **rest,
    )
    if "UPDATE" in trigger["events"]:
        yield Mutation(
            id=f"trigger on one column: {name}",
            words=f"the trigger {name} fires when the id is set",
            sql=anew(events="UPDATE OF id"),
            **rest,
        )
    yield Mutation(
        id=f"trigger never: {name}",
        words=f"the trigger {name} fires under a condition that never holds",
        sql=anew(condition="OLD.id IS NULL"),
        **rest,
    )
    if condition:
        yield Mutation(
            id=f"trigger sometimes: {name}",
            words=f"the trigger {name} fires under one condition more",
            sql=anew(condition=f"{condition} AND OLD.created_at < '2000-01-01'"),
            **rest,
        )
        yield Mutation(
            id=f"trigger always: {name}",
            words=f"the trigger {name} has lost its condition and refuses everything",
            sql=anew(condition=""),
            kind="trigger refuses too much",
            right=_REFUSES_ALL[name],
            # What should have been deleted was refused, so nothing is known of the keys.
            unknown=_REFUSES_ALL[name],
        )
        yield Mutation(
            id=f"trigger turned round: {name}",
            words=f"the condition of the trigger {name} is turned round",
            sql=anew(condition=f"NOT ({condition})"),
            kind="trigger",
            right=(*tried, *_REFUSES_ALL[name]),
        )
    yield Mutation(
        id=f"trigger of another function: {name}",
        words=f"the trigger {name} calls another function",
        sql=_ANYTHING + anew(function="public.anything"),
        **rest,
    )
    yield Mutation(
        id=f"trigger of a namesake: {name}",
        words=f"the trigger {name} calls the function of that name in another schema",
        sql=f"CREATE SCHEMA tools;{_ANYTHING}ALTER FUNCTION public.anything() SET SCHEMA tools;"
        f"ALTER FUNCTION tools.anything() RENAME TO {ident(trigger['function'])};"
        + anew(function=f"tools.{ident(trigger['function'])}"),
        **rest,
    )


# What can no longer be done where a guard refuses everything.
_REFUSES_ALL = {
    "config_versions_active_guard": ("C5.3", "C1.9"),
    "workflow_instances_frozen_guard": ("E3.1", "E3.2", "C6.9"),
    "workflow_stages_frozen_guard": ("C6.5", "C6.9"),
}

# Function → what it may have become, in words and as the body, and who tries what it should do.
_BODIES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "trg_touch_updated_at": (
        {
            "does nothing": "RETURN NEW;",
            "sets a time long ago": "NEW.updated_at := '2000-01-01'; RETURN NEW;",
            "keeps the old time": "NEW.updated_at := OLD.updated_at; RETURN NEW;",
            "sets the time of creation": "NEW.updated_at := NEW.created_at; RETURN NEW;",
            "sets another column": "NEW.created_at := now(); RETURN NEW;",
            "touches nothing that is new": "IF NEW.created_at < '2000-01-01' THEN"
            " NEW.updated_at := now(); END IF; RETURN NEW;",
            "empties the time": "NEW.updated_at := NULL; RETURN NEW;",
            "swallows the change": "RETURN NULL;",
            "takes the change back": "OLD.updated_at := now(); RETURN OLD;",
            "fails": "RAISE EXCEPTION 'not now';",
        },
        # What refuses or swallows every UPDATE is in the way of the first one there is.
        ("C6.9", "C3.2"),
    ),
    "config_versions_active_guard": (
        {
            "lets everything go": "RETURN OLD;",
            "swallows the deletion": "RETURN NULL;",
            "only warns": "RAISE WARNING 'ACTIVE'; RETURN OLD;",
            "minds large versions only": "IF OLD.row_count > 1000000 THEN"
            " RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE = 'ACTIVE',"
            " CONSTRAINT = TG_NAME; END IF; RETURN OLD;",
            "minds a superuser's deletions only": "IF current_setting('is_superuser') = 'on' THEN"
            " RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE = 'ACTIVE',"
            " CONSTRAINT = TG_NAME; END IF; RETURN OLD;",
        },
        ("0.8", "V1.1"),
    ),
    "frozen_config_version_guard": (
        {
            "lets everything go": "RETURN NEW;",
            "puts the old value back": "NEW.config_version_id := OLD.config_version_id;"
            " RETURN NEW;",
            "swallows the change": "RETURN NULL;",
            "only warns": "RAISE WARNING 'frozen'; RETURN NEW;",
            "minds stages only": "IF TG_TABLE_NAME = 'workflow_stages' THEN"
            " RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE = 'frozen',"
            " CONSTRAINT = TG_NAME; END IF; RETURN NEW;",
            "minds workflows only": "IF TG_TABLE_NAME = 'workflow_instances' THEN"
            " RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE = 'frozen',"
            " CONSTRAINT = TG_NAME; END IF; RETURN NEW;",
            "refuses in its own words": "RAISE EXCEPTION 'no';",
        },
        ("V3.2", "V3.3"),
    ),
}


def _functions(shape: Shape) -> Iterator[Mutation]:
    for function in shape.manifest["functions"]:
        name = function["name"]
        bodies, tried = _BODIES[name]
        for words, body in bodies.items():
            yield Mutation(
                id=f"function {words}: {name}",
                words=f"the function {name} {words}",
                sql=f"CREATE OR REPLACE FUNCTION {shape.name(name)}() RETURNS trigger"
                f" LANGUAGE plpgsql AS $body$ BEGIN {body} END $body$",
                kind="function body",
                right=tried,
                # Refused, swallowed or for another reason: nothing is known of what was asked.
                unknown=tried,
            )
        yield Mutation(
            id=f"function missing: {name}",
            words=f"the function {name} is missing",
            sql=f"DROP FUNCTION {shape.name(name)}() CASCADE",
            kind="function body",
            right=("C1.9", *tried),
        )
        yield Mutation(
            id=f"function renamed: {name}",
            words=f"the function {name} has another name",
            sql=f"ALTER FUNCTION {shape.name(name)}() RENAME TO {ident(name + '_old')}",
            kind="function body",
            right=("C1.9", "C1.11"),
        )
        yield Mutation(
            id=f"function not to be found: {name}",
            words=f"the function {name} names a table without its schema",
            sql=f"CREATE OR REPLACE FUNCTION {shape.name(name)}() RETURNS trigger"
            " LANGUAGE plpgsql AS $body$ BEGIN PERFORM 1 FROM users LIMIT 1; RETURN NULL;"
            " END $body$",
            kind="function body",
            right=tried,
            unknown=tried,
        )
