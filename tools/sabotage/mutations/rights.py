"""Privileges, ownership, settings of logins and databases, roles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.runbooks.master_tables import BYSTANDER
from tools.sabotage.change import Mutation
from tools.sabotage.mutations.text import database_starts_with, login_starts_with, with_database
from tools.sabotage.shape import Shape

__all__ = ["rights"]

_APPLICATION, _OWNER = "apms_app", "apms_sandbox"


def rights(shape: Shape) -> Iterator[Mutation]:
    for table in shape.tables:
        yield from _of_table(shape, table)
    for table in shape.manifest["existing_tables"]:
        for privilege in table["privileges"]:
            yield Mutation(
                id=f"login's right missing: {privilege} on {table['name']}",
                words=f"the run's login has no {privilege} on {table['name']}",
                sql=f"REVOKE {privilege} ON {shape.name(table['name'])} FROM {_OWNER}",
                kind="rights of the run",
                right=("0.9",),
            )
    yield from _of_application()
    yield from _of_run()


def _of_table(shape: Shape, table: str) -> Iterator[Mutation]:
    at = shape.name(table)
    rest: dict[str, Any] = {"kind": "rights of the application", "right": ("C1.10",)}
    privileges = shape.manifest["privileges"]
    for privilege in privileges:
        yield Mutation(
            id=f"application's right missing: {privilege} on {table}",
            words=f"the application has no {privilege} on {table}",
            sql=f"REVOKE {privilege} ON {at} FROM {_APPLICATION}",
            **rest,
        )
    # Each privilege in turn, not all of them on every table.
    privilege = privileges[list(shape.tables).index(table) % len(privileges)]
    yield Mutation(
        id=f"everybody's right: {privilege} on {table}",
        words=f"everybody has {privilege} on {table}",
        sql=f"GRANT {privilege} ON {at} TO PUBLIC",
        **rest,
    )
    yield Mutation(
        id=f"login's right missing: {privilege} on {table}",
        words=f"the run's login has no {privilege} on {table}",
        sql=f"REVOKE {privilege} ON {at} FROM {_OWNER}",
        kind="rights of the run",
        right=("0.9",),
    )
    yield Mutation(
        id=f"everybody's right on a column: {table}",
        words=f"everybody may change one column of {table}",
        sql=f"GRANT UPDATE (created_at) ON {at} TO PUBLIC",
        **rest,
    )
    if any(key["table"] == table for key in shape.foreign_keys) or shape.keys_to(table):
        yield Mutation(
            id=f"owner without the schema: {table}",
            words=f"{table} belongs to a role that may not use the schema: its keys fail",
            admin=f"ALTER TABLE {at} OWNER TO {BYSTANDER};"
            f"GRANT ALL ON {at} TO {_OWNER}, {_APPLICATION};"
            f"GRANT USAGE ON SCHEMA public TO {_OWNER}, {_APPLICATION};"
            "REVOKE ALL ON SCHEMA public FROM PUBLIC",
            kind="ownership",
            right=("C1.3",),
        )


def _of_application() -> Iterator[Mutation]:
    rest: dict[str, Any] = {"kind": "rights of the application", "right": ("C1.10",)}
    one_by_one: dict[str, dict[str, Any]] = {
        "may not use the schema": {
            "sql": f"REVOKE USAGE ON SCHEMA public FROM PUBLIC, {_APPLICATION}"
        },
        "may not connect": {
            "sql": with_database("REVOKE CONNECT ON DATABASE %I FROM PUBLIC, apms_app")
        },
        "may not make ids": {
            "admin": "REVOKE EXECUTE ON FUNCTION pg_catalog.gen_random_uuid() FROM PUBLIC;"
            f"GRANT EXECUTE ON FUNCTION pg_catalog.gen_random_uuid() TO {_OWNER}"
        },
        "cannot log in": {"admin": f"ALTER ROLE {_APPLICATION} NOLOGIN", "whole_server": True},
        "is too late: its login has expired": {
            "admin": f"ALTER ROLE {_APPLICATION} VALID UNTIL '2020-01-01'",
            "whole_server": True,
        },
        "may have no connection": {
            "admin": f"ALTER ROLE {_APPLICATION} CONNECTION LIMIT 0",
            "whole_server": True,
        },
        "has another name": {
            "admin": f"ALTER ROLE {_APPLICATION} RENAME TO apms_application",
            "whole_server": True,
        },
        "can only read": {"admin": login_starts_with("default_transaction_read_only = on")},
        "can only read, by its role": {
            "admin": f"ALTER ROLE {_APPLICATION} SET default_transaction_read_only = on",
            "whole_server": True,
        },
        "fails at row-level security": {
            "admin": "CREATE POLICY everything ON public.punchlists USING (true);"
            "ALTER TABLE public.punchlists ENABLE ROW LEVEL SECURITY;"
            + login_starts_with("row_security = off")
        },
    }
    for words, how in one_by_one.items():
        yield Mutation(id=f"application {words}", words=f"the application {words}", **how, **rest)
    yield Mutation(
        id="triggers switched off by a setting of its login",
        words="a setting of its login switches the application's triggers off",
        admin=login_starts_with("session_replication_role = replica"),
        kind="settings",
        right=("C1.9",),
    )
    # It is the run's own setting too, and the run refuses to be blind.
    yield Mutation(
        id="triggers switched off by a setting of the database",
        words="a setting of the database switches everybody's triggers off",
        admin=database_starts_with("session_replication_role = replica"),
        kind="settings",
        right=("target", "C1.9"),
    )
    yield Mutation(
        id="triggers switched off by a setting of its role",
        words="a setting of the role switches the application's triggers off",
        admin=f"ALTER ROLE {_APPLICATION} SET session_replication_role = replica",
        whole_server=True,
        kind="settings",
        right=("C1.9",),
    )
    yield Mutation(
        id="application can only read, by the database",
        words="a setting of the database lets everybody only read",
        admin=database_starts_with("default_transaction_read_only = on"),
        kind="settings",
        right=("C1.10", "target"),
    )


def _of_run() -> Iterator[Mutation]:
    rest: dict[str, Any] = {"kind": "rights of the run", "right": ("0.9",)}
    yield Mutation(
        id="login may not use the schema",
        words="the run's login may not use the schema",
        admin=f"REVOKE ALL ON SCHEMA public FROM PUBLIC, pg_database_owner, {_OWNER}",
        since=14,
        **rest,
    )
    yield Mutation(
        id="login may make no temporary tables",
        words="the run's login may make no temporary tables",
        sql=with_database(f"REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC, {_OWNER}"),
        **rest,
    )
    yield Mutation(
        id="login may not make ids",
        words="the run's login may not call gen_random_uuid()",
        admin="REVOKE EXECUTE ON FUNCTION pg_catalog.gen_random_uuid() FROM PUBLIC",
        kind="rights of the run",
        right=("0.1.1",),
    )
    yield Mutation(
        id="run's triggers switched off by its login",
        words="a setting of the run's login switches its triggers off",
        admin=login_starts_with("session_replication_role = replica", login=_OWNER),
        kind="settings",
        right=("target",),
    )
