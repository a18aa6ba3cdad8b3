# ruff: noqa: S608 - whatever is put into a query is a constant of this project
"""Stand-ins: roles that are made for one restore, one for each owner of something in the archive.

Code of an owner runs in the session of his stand-in, which owns what it makes and has no other
rights: neither those of other owners nor those of the owner himself elsewhere on the server. When
all is made and filled, it is handed over. One more, the reader, may read all and change nothing.

Every function takes a superuser's session in the database that is being restored, in which nothing
of the archive is evaluated.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from psycopg import sql

from ...contract import session_settings
from ...contract.errors import GonogoError
from ...contract.login import Login, Timeouts, application_name
from ...contract.schemas import OF_USERS
from ...contract.session_settings import without_limits
from ..session.connection import DatabaseError, connect, no_event_triggers, reached
from .lending import PUBLIC, Grant

__all__ = [
    "Doors",
    "allow_to_make",
    "doors_of",
    "hand_over",
    "lend",
    "let_read_all",
    "make",
    "names",
    "new_prefix",
    "owner_for_the_moment",
    "remove",
    "rights_for_the_moment",
    "with_rights_of",
]

_PATIENT = Timeouts(statement="0", idle_in_transaction="0")
# The first version with a role that may read everything.
_READ_ALL = 140000
# So many tables change their owner in one transaction: each takes a lock.
_BATCH = 200
_VALID = "7 days"
# Roles of ours that a killed restore has left: they own nothing, and nobody is logged in as one.
# Nobody is about to log in, either, where no other run is at work on the server: whoever makes
# roles has a session as long as it needs them. With others at work, none is younger than an hour.
_LEFT = """
SELECT r.rolname::text FROM pg_catalog.pg_roles AS r
WHERE r.rolname ~ '^gonogo_restorer_[0-9a-f]{12}_[0-9]+$' AND NOT r.rolsuper
    AND (r.rolvaliduntil < pg_catalog.now() + interval '7 days' - interval '1 hour'
        OR NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS o
            WHERE o.application_name LIKE 'gonogo%%:%%'
                AND pg_catalog.split_part(o.application_name, ':', 2) <> %s))
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.usesysid = r.oid)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend AS d
        WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.refobjid = r.oid)
"""

# What a stand-in has to be allowed where it makes objects: in every schema, on every server.
_GRANTS = f"""
SELECT format('GRANT USAGE, CREATE ON SCHEMA %%I TO %%I', n.nspname, %(role)s::text)
FROM pg_catalog.pg_namespace AS n
WHERE {OF_USERS}
    AND NOT pg_catalog.has_schema_privilege(%(role)s, n.oid, 'CREATE')
UNION ALL
SELECT format('GRANT USAGE ON FOREIGN SERVER %%I TO %%I', s.srvname, %(role)s::text)
FROM pg_catalog.pg_foreign_server AS s
WHERE NOT pg_catalog.has_server_privilege(%(role)s, s.oid, 'USAGE')
UNION ALL
SELECT format('GRANT USAGE ON FOREIGN DATA WRAPPER %%I TO %%I', w.fdwname, %(role)s::text)
FROM pg_catalog.pg_foreign_data_wrapper AS w
WHERE NOT pg_catalog.has_foreign_data_wrapper_privilege(%(role)s, w.oid, 'USAGE')
"""
_REFERENCES = """
SELECT format('GRANT REFERENCES ON %%s TO %%I', c.oid::pg_catalog.regclass, %(role)s::text)
FROM pg_catalog.pg_class AS c
WHERE c.relkind IN ('r', 'p')
    AND NOT pg_catalog.has_table_privilege(%(role)s, c.oid, 'REFERENCES')
    AND pg_catalog.starts_with(pg_catalog.pg_get_userbyid(c.relowner)::text, %(prefix)s)
"""
_READ = f"""
SELECT format('GRANT USAGE ON SCHEMA %%I TO %%I', n.nspname, %(role)s::text)
FROM pg_catalog.pg_namespace AS n
WHERE {OF_USERS}
UNION ALL
SELECT format('GRANT SELECT ON %%s TO %%I', c.oid::pg_catalog.regclass, %(role)s::text)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname !~ '^pg_'
"""
# A routine's arguments and a table's columns are of types that not everybody may use.
_MAKE_TEMPORARY = """
SELECT format('GRANT TEMPORARY ON DATABASE %%I TO %%I', current_database(), %(role)s::text)
WHERE NOT pg_catalog.has_database_privilege(%(role)s, current_database(), 'TEMPORARY')
UNION ALL
SELECT format('GRANT USAGE ON LANGUAGE sql TO %%I', %(role)s::text)
WHERE NOT pg_catalog.has_language_privilege(%(role)s, 'sql', 'USAGE')
UNION ALL
SELECT format('GRANT USAGE ON TYPE %%s TO %%I', t.oid::pg_catalog.regtype, %(role)s::text)
FROM pg_catalog.pg_type AS t
WHERE t.typacl IS NOT NULL AND NOT pg_catalog.has_type_privilege(%(role)s, t.oid, 'USAGE')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS element WHERE element.typarray = t.oid)
"""
# Sequences of a column go with their table.
_RELATIONS = """
SELECT format('ALTER %%s %%s OWNER TO %%I',
    CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
        WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END,
    c.oid::pg_catalog.regclass, %(owner)s::text)
FROM pg_catalog.pg_class AS c
WHERE pg_catalog.pg_get_userbyid(c.relowner) = %(role)s
    AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND NOT (c.relkind = 'S' AND EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
            AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.deptype IN ('a', 'i')))
ORDER BY c.oid
"""
# Whether a role may connect to the database of the session, and that database as it reads its name.
_MAY_CONNECT = """
SELECT pg_catalog.has_database_privilege(%s, d.oid, 'CONNECT'), d.datname::text
FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
"""
_SUPERUSER = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = %s"


_SUPERUSERS = "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolsuper AND rolname = ANY (%s)"
# Pairs of which the first has the rights of the second, or is it.
_HAS_ROLE = """
SELECT o.rolname::text, g.rolname::text
FROM pg_catalog.pg_roles AS o
JOIN pg_catalog.pg_roles AS g ON pg_catalog.pg_has_role(o.oid, g.oid, 'USAGE')
WHERE o.rolname = ANY (%s) AND g.rolname = ANY (%s)
"""


def new_prefix() -> str:
    """Of names that no other role has."""
    return f"gonogo_restorer_{secrets.token_hex(6)}_"


@dataclass(frozen=True)
class Doors:
    """How to log in to the database that is being restored.

    `admin` is a superuser's login; `plain` leads to the same server and says nothing of who comes.
    A role is let in with its password where `passwords` is a mapping, which `make` fills, and
    without one otherwise. `version` is the server's, as a number.
    """

    admin: Login
    plain: Login
    database: str
    version: int
    run_id: str
    stage: str
    prefix: str = field(default_factory=new_prefix)
    passwords: dict[str, str] | None = field(default=None, repr=False)
    # Where `admin` has really gone, in libpq's words.
    place: Mapping[str, str] = field(default_factory=dict)
    # What each session begins with (`session_settings.restoring`).
    settings: Mapping[str, str] = field(default_factory=dict)

    def connect(self, role: str | None = None) -> Any:
        """A session of a role, or of the superuser: one in which no event trigger fires, where the
        server can be told so.
        """
        return connect(
            self._login(role),
            name=self._name,
            timeouts=_PATIENT,
            database=self.database,
            password=(self.passwords or {}).get(role or ""),
            options=self._own_options(role) or None,
        )

    def conninfo(self, role: str | None = None) -> str:
        """For a client program, with `environment` beside it."""
        words = {"dbname": self.database, "user": role, "options": self._options(role)}
        resolved = {**self.place, **{key: word for key, word in words.items() if word}}
        return self._login(role).conninfo(name=self._name, **resolved)

    def environment(self, role: str | None = None) -> dict[str, str]:
        """Its password among it, as nobody but the account can read it there."""
        password = (self.passwords or {}).get(role or "")
        return {
            **self._login(role).environment(),
            **({"PGPASSWORD": password} if password else {}),
        }

    def _options(self, role: str | None) -> str:
        """Of a client program's session. What limits it has none of, see `connect`."""
        return f"{without_limits(self.version)} {self._own_options(role)}"

    def _own_options(self, role: str | None) -> str:
        without = None if role else no_event_triggers(self.version)
        return " ".join(filter(None, (without, session_settings.options(self.settings))))

    def _login(self, role: str | None) -> Login:
        return replace(self.plain, user=role) if role else self.admin

    @property
    def reader(self) -> str:
        """Name of the role that may read everything."""
        return f"{self.prefix}0"

    @property
    def _name(self) -> str:
        return application_name(self.run_id, self.stage)


def doors_of(session: Any, login: Login, *, database: str, run_id: str, stage: str) -> Doors:
    """To another database on the server of this session, which is the superuser `login`'s."""
    told = session.info.get_parameters()
    authority = told.get("sslrootcert")
    return Doors(
        admin=login,
        plain=Login(
            db=database,
            host=told.get("host"),
            port=session.info.port,
            ssl_mode=told.get("sslmode"),
            ca_cert=authority if authority and Path(authority).is_file() else None,
            connect_timeout=login.connect_timeout,
        ),
        database=database,
        version=session.info.server_version,
        run_id=run_id,
        stage=stage,
        passwords={},
        place=reached(session),
    )


def names(prefix: str, owners: Sequence[str]) -> dict[str, str]:
    """Owner → name of his stand-in."""
    return {owner: f"{prefix}{number}" for number, owner in enumerate(owners, start=1)}


def make(session: Any, doors: Doors, owners: Sequence[str]) -> dict[str, str]:
    """Make the stand-ins and the reader; returns owner → name. The server gets no password, only
    what it needs to know one.
    """
    if doors.passwords is not None:
        for (left,) in session.execute(_LEFT, [doors.run_id]).fetchall():
            session.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(left)))
    made = names(doors.prefix, owners)
    for role in (doors.reader, *made.values()):
        # As the owner of a table that row-level security is forced for, it still fills it.
        statement = sql.SQL(
            "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION INHERIT"
            " BYPASSRLS {}"
        )
        session.execute(statement.format(sql.Identifier(role), _password(session, doors, role)))
        allowed, own = session.execute(_MAY_CONNECT, (role,)).fetchone()
        if not allowed:
            session.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                    sql.Identifier(own), sql.Identifier(role)
                )
            )
    _try_the_door(doors)
    return made


def _try_the_door(doors: Doors) -> None:
    try:
        doors.connect(doors.reader).close()
    except GonogoError as error:
        raise GonogoError(
            "the server does not let in the roles that are made to restore what others own",
            detail=f"{error.primary} {error.detail or ''}".strip(),
            hint="Let in roles whose names begin with gonogo_restorer_ as this login is, with "
            "scram-sha-256 (pg_hba.conf), or log in as the owner of everything in the database.",
        ) from error


def _password(session: Any, doors: Doors, role: str) -> sql.Composable:
    if doors.passwords is None:
        return sql.SQL("")
    password = doors.passwords[role] = secrets.token_urlsafe(24)
    verifier = session.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    until = session.execute("SELECT (now() + %s::interval)::text", (_VALID,)).fetchone()[0]
    return sql.SQL("PASSWORD {} VALID UNTIL {}").format(
        sql.Literal(verifier.decode()), sql.Literal(until)
    )


def allow_to_make(session: Any, doors: Doors, roles: Collection[str]) -> None:
    """Objects in the schemas that are there now, and, where there are several owners, foreign keys
    to one another's tables.
    """
    queries = [_GRANTS, _REFERENCES] if len(roles) > 1 else [_GRANTS]
    for role in roles:
        for query in queries:
            _run(session, query, role=role, prefix=doors.prefix)


def lend(session: Any, roles: Mapping[str, str], grants: Sequence[Grant]) -> None:
    """Let each stand-in (owner → its name) read what its owner may read of others, in this
    database. That of a superuser may read everything.
    """
    owners, grantees = list(roles), sorted({g.grantee for g in grants if g.grantee is not None})
    superusers = {name for (name,) in session.execute(_SUPERUSERS, (owners,)).fetchall()}
    has = set(session.execute(_HAS_ROLE, (owners, grantees)).fetchall())
    for owner, role in roles.items():
        if owner in superusers:
            _let_read(session, role)
            continue
        for grant in grants:
            if grant.grantee is PUBLIC or (owner, grant.grantee) in has:
                # What is not there to be granted needs no permission.
                with contextlib.suppress(DatabaseError):
                    statement = f"{grant.statement} {sql.Identifier(role).as_string(session)}"
                    session.execute(statement.encode())


@contextlib.contextmanager
def with_rights_of(session: Any, role: str, others: Sequence[str]) -> Iterator[None]:
    """Lend one stand-in the rights of others: only so can its tables inherit from theirs."""
    names_ = [(sql.Identifier(other), sql.Identifier(role)) for other in others]
    for pair in names_:
        session.execute(sql.SQL("GRANT {} TO {}").format(*pair))
    yield
    for pair in names_:
        session.execute(sql.SQL("REVOKE {} FROM {}").format(*pair))


def hand_over(session: Any, role: str, owner: str) -> None:
    """Give the owner everything that his stand-in has made."""
    _run(session, _RELATIONS, role=role, owner=owner)
    session.execute(
        sql.SQL("REASSIGN OWNED BY {} TO {}").format(sql.Identifier(role), sql.Identifier(owner))
    )


@contextlib.contextmanager
def rights_for_the_moment(session: Any, role: str, owner: str) -> Iterator[bool]:
    """Lend the stand-in its owner's rights, none where the owner is a superuser; says whether it
    has got them.
    """
    if session.execute(_SUPERUSER, (owner,)).fetchone()[0]:
        _let_read(session, role)
        yield False
        return
    names_ = {"owner": sql.Identifier(owner), "role": sql.Identifier(role)}
    session.execute(sql.SQL("ALTER ROLE {role} NOBYPASSRLS").format(**names_))
    session.execute(sql.SQL("GRANT {owner} TO {role}").format(**names_))
    try:
        yield True
    finally:
        session.execute(sql.SQL("REVOKE {owner} FROM {role}").format(**names_))


@contextlib.contextmanager
def owner_for_the_moment(
    session: Any, view: sql.Identifier, role: str, owner: str
) -> Iterator[None]:
    """The stand-in owns a materialized view: a superuser's own would be filled with his rights."""
    statement = sql.SQL("ALTER MATERIALIZED VIEW {} OWNER TO {}")
    session.execute(statement.format(view, sql.Identifier(role)))
    try:
        yield
    finally:
        session.execute(statement.format(view, sql.Identifier(owner)))


def let_read_all(session: Any, doors: Doors) -> None:
    """Let the reader read every table, and every definition by making a temporary copy of it."""
    _let_read(session, doors.reader)
    _run(session, _MAKE_TEMPORARY, role=doors.reader)


def remove(session: Any, doors: Doors) -> None:
    """Remove the roles and every privilege they were given in this database."""
    for (role,) in session.execute(
        "SELECT rolname FROM pg_catalog.pg_roles WHERE pg_catalog.starts_with(rolname, %s)",
        (doors.prefix,),
    ).fetchall():
        name = sql.Identifier(role)
        session.execute(sql.SQL("DROP OWNED BY {}").format(name))
        session.execute(sql.SQL("DROP ROLE {}").format(name))


def _let_read(session: Any, role: str) -> None:
    if session.info.server_version >= _READ_ALL:
        session.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(sql.Identifier(role)))
    else:
        _run(session, _READ, role=role)


def _run(session: Any, query: str, **parameters: str) -> None:
    """Run the statements that a query returns, some at a time."""
    statements = [row[0] for row in session.execute(query, parameters).fetchall()]
    for start in range(0, len(statements), _BATCH):
        session.execute(";\n".join(statements[start : start + _BATCH]))
