"""Functions that do what they should in words that the runbook does not ship.

A trial cannot show what a function does on other rows, for other logins and on other days. So each
of these is a HOLD that names the function, and a GO once the manifest declares its text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.sabotage.change import Undeclared, Variant
from tools.sabotage.shape import Shape

__all__ = ["declared", "undeclared"]

# The check that compares functions with those of the runbook.
_RIGHT = ("C1.9",)
_RAISE = "RAISE restrict_violation USING MESSAGE = '{0}', CONSTRAINT = TG_NAME;"


@dataclass(frozen=True)
class _Way:
    """A body of a function that means the same, and what else is then different."""

    function: str
    words: str
    body: str
    besides: str = ""


_WAYS = (
    _Way(
        "config_versions_active_guard",
        "the guard has another name and other words",
        _RAISE.format("keep it"),
        "ALTER TRIGGER config_versions_active_guard ON public.config_versions RENAME TO guard;",
    ),
    _Way(
        "config_versions_active_guard",
        "the guard asks for the state itself",
        f"IF OLD.status = 'ACTIVE' THEN {_RAISE.format('keep it')} END IF; RETURN OLD;",
    ),
    _Way(
        "frozen_config_version_guard",
        "the guard has no condition of its own",
        f"IF NEW.config_version_id <> OLD.config_version_id THEN {_RAISE.format('frozen')}"
        " END IF; RETURN NEW;",
        "DROP TRIGGER workflow_stages_frozen_guard ON public.workflow_stages;"
        "CREATE TRIGGER workflow_stages_frozen_guard BEFORE UPDATE ON public.workflow_stages"
        " FOR EACH ROW EXECUTE FUNCTION public.frozen_config_version_guard();",
    ),
    _Way(
        "frozen_config_version_guard",
        "the guard names the table in its message",
        "RAISE EXCEPTION 'the version of % is frozen', TG_TABLE_NAME"
        " USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;",
    ),
    _Way(
        "trg_touch_updated_at",
        "only what changes is touched",
        "IF NEW IS DISTINCT FROM OLD THEN NEW.updated_at := clock_timestamp(); END IF; RETURN NEW;",
    ),
    _Way(
        "trg_touch_updated_at",
        "the time is kept in a variable",
        "DECLARE moment timestamptz := now(); BEGIN NEW.updated_at := moment; RETURN NEW; END;",
    ),
)


def undeclared(shape: Shape) -> Iterator[Undeclared]:
    for way in _WAYS:
        yield Undeclared(
            id=f"undeclared: {way.words}: {way.function}",
            words=f"{way.function}: {way.words}",
            sql=_sql(shape, way),
            right=_RIGHT,
        )
    for function in shape.manifest["functions"]:
        name = function["name"]
        yield Undeclared(
            id=f"undeclared: its search path is the session's: {name}",
            words=f"{name}: its search path is the session's",
            sql=f"ALTER FUNCTION {shape.name(name)}() RESET search_path",
            right=_RIGHT,
        )


def declared(shape: Shape) -> Iterator[Variant]:
    """The same functions, with their texts in the manifest."""
    for way in _WAYS:
        yield Variant(
            id=f"benign: {way.words}, as the runbook declares: {way.function}",
            words=f"{way.words}, as the runbook declares",
            sql=_sql(shape, way),
            declares={way.function: {"bodies": [f"BEGIN {way.body} END"]}},
        )


def _sql(shape: Shape, way: _Way) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {shape.name(way.function)}() RETURNS trigger LANGUAGE plpgsql"
        f" SET search_path = '' AS $body$ BEGIN {way.body} END $body$;{way.besides}"
    )
