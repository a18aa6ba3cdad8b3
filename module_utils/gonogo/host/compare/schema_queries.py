# ruff: noqa: S608 - whatever is put into a query is a constant of this file
"""The catalog of a database as text: one query for each kind of object. No psycopg here.

Every query returns one JSON object, name → definition, or null where there is nothing: of the
objects a user has made, none of the system's, and none that an extension has brought. Nothing in
it differs after a dump has been restored: no OID, no file, no number of a dropped column.

They hold for PostgreSQL 13 to 18, and for the search_path of all sessions of this project.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...contract.schemas import OF_USERS

__all__ = ["queries"]

# The first OID that nothing of initdb has; for objects that are in no schema.
_FIRST_USER_OID = 16384


_RELATION_KIND = """CASE c.relkind
    WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
    WHEN 'S' THEN 'sequence' ELSE 'table' END"""
_ROUTINE_KIND = (
    "CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END"
)
_TYPE_KIND = "CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END"


def queries(version: int) -> Iterator[str]:
    """The queries for a server of this `server_version_num`."""
    for query in _named_definitions(version):
        # As one value, which Python's JSON reads many times faster than psycopg reads rows.
        yield (
            "SELECT json_object_agg(o.name, coalesce(o.definition, ''))::text"
            f" FROM ({query}) AS o (name, definition)"
        )


def _named_definitions(version: int) -> Iterator[str]:
    yield from _schemas()
    yield from _relations()
    yield from _columns(version)
    yield from _parts_of_tables()
    yield from _routines()
    yield from _types(version)
    yield from _publications(version)
    yield """
        SELECT 'subscription ' || quote_ident(s.subname), '' FROM pg_subscription AS s
        WHERE s.subdbid = (SELECT d.oid FROM pg_database AS d
            WHERE d.datname = current_database())"""
    yield from _others()
    yield from _large_objects()
    yield _DEPENDENCIES
    yield _LABELS
    yield _PRIVILEGES_OF_OTHERS
    yield _COMMENTS


# --- what the queries share ----------------------------------------------------------------------


def _own(catalog: str, oid: str) -> str:
    """Condition: no extension has brought it."""
    return (
        "NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.deptype = 'e'"
        f" AND e.classid = 'pg_catalog.{catalog}'::regclass AND e.objid = {oid})"
    )


def _of_user(namespace: str) -> str:
    return f"JOIN pg_namespace AS n ON n.oid = {namespace} AND {OF_USERS}"


def _list(privileges: str, but: str = "NULL") -> str:
    """Privileges as one text, but those of the role `but`. Who granted them is left out: a restore
    may name somebody else."""
    return f"""(
        SELECT string_agg(DISTINCT word COLLATE "C", ', ' ORDER BY word COLLATE "C")
        FROM aclexplode({privileges}) AS x
        CROSS JOIN LATERAL format('%s=%s%s',
            CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END,
            x.privilege_type, CASE WHEN x.is_grantable THEN '*' ELSE '' END) AS word
        WHERE x.grantee IS DISTINCT FROM {but}
    )"""


def _owner(name: str, source: str, owner: str) -> str:
    return f"SELECT 'owner of ' || {name}, pg_get_userbyid({owner})::text {source}"


def _privileges(name: str, source: str, *, owner: str, acl: str, kind: str) -> str:
    """Only where they are not those that everything of the kind has from the start."""
    return f"""
        SELECT name, coalesce(now, '') FROM (
            SELECT 'privileges of ' || {name} AS name,
                {_list(acl)} AS now, {_list(f"acldefault({kind}, {owner})")} AS initial
            {source} AND {acl} IS NOT NULL
        ) AS privileges WHERE now IS DISTINCT FROM initial"""


def _sorted(words: str) -> str:
    return f"(SELECT string_agg(w, ', ' ORDER BY w COLLATE \"C\") FROM unnest({words}) AS w)"


# --- schemas, relations, columns ------------------------------------------------------------------


def _schemas() -> Iterator[str]:
    name = "'schema ' || quote_ident(n.nspname)"
    source = f"FROM pg_namespace AS n WHERE {OF_USERS} AND {_own('pg_namespace', 'n.oid')}"
    yield f"SELECT {name}, '' {source}"
    yield _owner(name, source, "n.nspowner")
    yield _privileges(name, source, owner="n.nspowner", acl="n.nspacl", kind="'n'")


def _relations() -> Iterator[str]:
    own = _own("pg_class", "c.oid")
    users = f"FROM pg_class AS c {_of_user('c.relnamespace')}"
    name = f"{_RELATION_KIND} || format(' %I.%I', n.nspname, c.relname)"
    yield f"""
        SELECT {name}, concat_ws(', ',
            CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
            CASE c.relkind WHEN 'p' THEN 'partitioned by ' || pg_get_partkeydef(c.oid) END,
            'inherits ' || (
                SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
                FROM pg_inherits AS i WHERE i.inhrelid = c.oid),
            CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
            CASE WHEN c.reloftype <> 0 THEN 'of ' || c.reloftype::regtype END,
            CASE WHEN am.amname <> 'heap' THEN 'using ' || am.amname END,
            'with ' || {_sorted("c.reloptions")},
            'toast with ' || {_sorted("toast.reloptions")},
            CASE WHEN c.relrowsecurity THEN 'row level security' END,
            CASE WHEN c.relforcerowsecurity THEN 'force row level security' END,
            CASE c.relreplident WHEN 'f' THEN 'replica identity full'
                WHEN 'n' THEN CASE WHEN c.relkind IN ('r', 'p') THEN 'replica identity nothing' END
                WHEN 'i' THEN 'replica identity ' || (
                    SELECT i.indexrelid::regclass::text FROM pg_index AS i
                    WHERE i.indrelid = c.oid AND i.indisreplident) END,
            CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN 'without data' END,
            'server ' || (
                SELECT concat_ws(' ', quote_ident(s.srvname),
                    'options ' || md5({_sorted("f.ftoptions")}))
                FROM pg_foreign_table AS f JOIN pg_foreign_server AS s ON s.oid = f.ftserver
                WHERE f.ftrelid = c.oid),
            CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END)
        {users}
        LEFT JOIN pg_am AS am ON am.oid = c.relam
        LEFT JOIN pg_class AS toast ON toast.oid = c.reltoastrelid
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND {own}"""
    yield f"""
        SELECT {name}, concat_ws(', ', s.seqtypid::regtype, 'start ' || s.seqstart,
            'increment ' || s.seqincrement, 'from ' || s.seqmin, 'to ' || s.seqmax,
            'cache ' || s.seqcache, CASE WHEN s.seqcycle THEN 'cycle' END,
            CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
            'owned by ' || (
                SELECT d.refobjid::regclass::text || '.' || quote_ident(a.attname)
                FROM pg_depend AS d
                JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')))
        {users} JOIN pg_sequence AS s ON s.seqrelid = c.oid
        WHERE c.relpersistence <> 't' AND {own}"""
    all_of_them = (
        f"{users} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'"
        f" AND {own}"
    )
    yield _owner(name, all_of_them, "c.relowner")
    kind = "CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\""
    yield _privileges(name, all_of_them, owner="c.relowner", acl="c.relacl", kind=kind)
    yield f"""
        SELECT 'tablespace of ' || {name}, s.spcname::text
        FROM pg_class AS c {_of_user("c.relnamespace")}
        JOIN pg_tablespace AS s ON s.oid = c.reltablespace
        WHERE c.relkind IN ('r', 'p', 'm') AND {own}"""


def _columns(version: int) -> Iterator[str]:
    # A child of traditional inheritance gets its columns in another order when it is restored.
    position = "row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum)"
    child = """NOT c.relispartition AND EXISTS (
                SELECT FROM pg_inherits AS i WHERE i.inhrelid = a.attrelid)"""
    compression = (
        "CASE WHEN a.attcompression <> '' THEN 'compression ' || a.attcompression::text END,"
        if version >= 140000
        else ""
    )
    name = "format('column %I.%I.%I', n.nspname, c.relname, a.attname)"
    source = f"""
        FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid {_of_user("c.relnamespace")}
        JOIN pg_type AS t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
            AND c.relpersistence <> 't' AND {_own("pg_class", "c.oid")}"""
    yield f"""
        SELECT {name}, concat_ws(' ',
            CASE WHEN NOT ({child}) THEN {position} END,
            format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attcollation <> t.typcollation
                THEN 'collate ' || a.attcollation::regcollation END,
            CASE WHEN a.attnotnull THEN 'not null' END,
            CASE WHEN {child} AND a.attislocal THEN 'local' END,
            CASE a.attidentity WHEN 'a' THEN 'identity always' WHEN 'd' THEN 'identity' END,
            CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END,
            'default ' || pg_get_expr(d.adbin, d.adrelid),
            CASE WHEN a.attstorage <> t.typstorage THEN 'storage ' || a.attstorage::text END,
            {compression}
            CASE WHEN a.attstattarget >= 0 THEN 'statistics ' || a.attstattarget END,
            'with ' || {_sorted("a.attoptions")},
            'options ' || md5({_sorted("a.attfdwoptions")}))
        {source}"""
    yield f"""
        SELECT 'privileges of ' || {name}, coalesce({_list("a.attacl")}, '')
        {source} AND a.attacl IS NOT NULL AND a.attacl <> '{{}}'"""
    # A column of an index has a name that the server gives it, and a number that is its own.
    yield f"""
        SELECT format('statistics of index %I.%I column %s', n.nspname, i.relname, a.attnum),
            a.attstattarget::text
        FROM pg_attribute AS a JOIN pg_class AS i ON i.oid = a.attrelid
        JOIN pg_index AS x ON x.indexrelid = i.oid
        JOIN pg_class AS c ON c.oid = x.indrelid {_of_user("c.relnamespace")}
        WHERE a.attstattarget >= 0 AND {_own("pg_class", "c.oid")}"""


def _parts_of_tables() -> Iterator[str]:
    of_table = f"{_of_user('c.relnamespace')} AND {_own('pg_class', 'c.oid')}"
    # What a partition has from its parent has a name that the server gives it anew.
    yield f"""
        SELECT format('constraint %I.%I.%I', n.nspname, c.relname, k.conname),
            pg_get_constraintdef(k.oid)
            || CASE WHEN k.contype = 'c' AND k.conislocal AND k.coninhcount > 0
                AND NOT c.relispartition THEN ' local' ELSE '' END
        FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid {of_table}
        WHERE k.contype <> 't' AND NOT (k.contype = 'f' AND k.conparentid <> 0)
            AND (k.contype <> 'n' OR k.connoinherit OR NOT k.convalidated)"""
    # One on a partitioned table is valid as soon as all its partitions are; each is said to be one.
    yield f"""
        SELECT format('index %I.%I', n.nspname, i.relname), concat_ws(', ',
            CASE WHEN NOT x.indisvalid AND i.relkind = 'i' THEN 'invalid' END,
            CASE WHEN x.indisclustered THEN 'clustered' END,
            'partition of ' || (
                SELECT h.inhparent::regclass::text FROM pg_inherits AS h
                WHERE h.inhrelid = x.indexrelid),
            pg_get_indexdef(x.indexrelid))
        FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
        JOIN pg_class AS c ON c.oid = x.indrelid {of_table}"""
    yield f"""
        SELECT format('trigger %I.%I.%I', n.nspname, c.relname, g.tgname),
            pg_get_triggerdef(g.oid) || CASE g.tgenabled WHEN 'O' THEN '' WHEN 'D' THEN ' disabled'
                WHEN 'A' THEN ' enabled always' ELSE ' enabled on replicas' END
        FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid {of_table}
        WHERE NOT g.tgisinternal OR g.tgparentid <> 0 AND g.tgconstraint = 0"""
    # What enforces a constraint is switched off together with a user's triggers.
    yield f"""
        SELECT format('triggers of constraint %I.%I.%I', n.nspname, c.relname, k.conname),
            string_agg(DISTINCT g.tgrelid::regclass || CASE g.tgenabled WHEN 'D' THEN ' disabled'
                WHEN 'A' THEN ' enabled always' ELSE ' enabled on replicas' END, ', ')
        FROM pg_trigger AS g JOIN pg_constraint AS k ON k.oid = g.tgconstraint
        JOIN pg_class AS c ON c.oid = k.conrelid {of_table}
        WHERE g.tgisinternal AND g.tgenabled <> 'O'
        GROUP BY n.nspname, c.relname, k.conname"""
    yield f"""
        SELECT format('rule %I.%I.%I', n.nspname, c.relname, r.rulename),
            pg_get_ruledef(r.oid) || CASE r.ev_enabled WHEN 'O' THEN '' WHEN 'D' THEN ' disabled'
                WHEN 'A' THEN ' enabled always' ELSE ' enabled on replicas' END
        FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class {of_table}
        WHERE r.rulename <> '_RETURN'"""
    yield f"""
        SELECT format('policy %I.%I.%I', n.nspname, c.relname, p.polname), concat_ws(' ',
            CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
            'for ' || p.polcmd::text, 'to ' || (
                SELECT string_agg(word, ', ' ORDER BY word COLLATE "C")
                FROM unnest(p.polroles) AS r CROSS JOIN LATERAL (SELECT CASE r
                    WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END) AS w (word)),
            'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
            'check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
        FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid {of_table}"""
    name = "format('statistics %I.%I', n.nspname, s.stxname)"
    source = f"""FROM pg_statistic_ext AS s {_of_user("s.stxnamespace")}
        WHERE {_own("pg_statistic_ext", "s.oid")}"""
    yield f"""
        SELECT {name}, pg_get_statisticsobjdef(s.oid)
            || CASE WHEN s.stxstattarget >= 0 THEN ' target ' || s.stxstattarget ELSE '' END
        {source}"""
    yield _owner(name, source, "s.stxowner")


# --- routines, types -----------------------------------------------------------------------------


def _routines() -> Iterator[str]:
    routine = "format(' %I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes))"
    name = f"{_ROUTINE_KIND} || {routine}"
    source = f"""FROM pg_proc AS p {_of_user("p.pronamespace")}
        WHERE {_own("pg_proc", "p.oid")}"""
    yield f"SELECT {name}, pg_get_functiondef(p.oid) {source} AND p.prokind <> 'a'"
    yield f"""
        SELECT {name}, concat_ws(' ', '(' || pg_get_function_arguments(p.oid) || ') returns',
            p.prorettype::regtype, 'parallel', p.proparallel, (
            SELECT (to_jsonb(g) - 'aggfnoid') || jsonb_build_object(
                'aggtranstype', g.aggtranstype::regtype, 'aggmtranstype', g.aggmtranstype::regtype,
                'aggsortop', g.aggsortop::regoperator)
            FROM pg_aggregate AS g WHERE g.aggfnoid = p.oid))
        {source} AND p.prokind = 'a'"""
    yield _owner(name, source, "p.proowner")
    yield _privileges(name, source, owner="p.proowner", acl="p.proacl", kind="'f'")


def _types(version: int) -> Iterator[str]:
    multirange = "r.rngmultitypid::regtype," if version >= 140000 else ""
    subscript = "t.typsubscript," if version >= 140000 else ""
    name = f"{_TYPE_KIND} || format(' %I.%I', n.nspname, t.typname)"
    # Neither the row type of a table nor the array of a type is anything of its own.
    source = f"""FROM pg_type AS t {_of_user("t.typnamespace")}
        LEFT JOIN pg_class AS c ON c.oid = t.typrelid
        WHERE t.typtype IN ('e', 'd', 'r', 'b', 'c') AND coalesce(c.relkind = 'c', true)
            AND NOT EXISTS (SELECT FROM pg_type AS element WHERE element.typarray = t.oid)
            AND {_own("pg_type", "t.oid")}"""
    yield f"""
        SELECT {name}, CASE t.typtype
            WHEN 'e' THEN 'enum (' || coalesce((
                SELECT string_agg(quote_literal(v.enumlabel), ', ' ORDER BY v.enumsortorder)
                FROM pg_enum AS v WHERE v.enumtypid = t.oid), '') || ')'
            WHEN 'd' THEN concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
                CASE WHEN t.typcollation <> 0 THEN 'collate ' || t.typcollation::regcollation END,
                CASE WHEN t.typnotnull THEN 'not null' END,
                'default ' || coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault))
            WHEN 'r' THEN (
                SELECT concat_ws(' ', 'range of', r.rngsubtype::regtype,
                    format('%I.%I', o.opcnamespace::regnamespace, o.opcname), {multirange}
                    r.rngcollation::regcollation, r.rngcanonical, r.rngsubdiff)
                FROM pg_range AS r JOIN pg_opclass AS o ON o.oid = r.rngsubopc
                WHERE r.rngtypid = t.oid)
            WHEN 'b' THEN concat_ws(' ', 'base', t.typlen, t.typbyval, t.typcategory, t.typalign,
                t.typstorage, t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin,
                t.typmodout, t.typanalyze, {subscript} t.typelem::regtype, t.typdelim,
                t.typispreferred, t.typcollation <> 0, t.typdefault)
            ELSE 'composite' END
        {source}"""
    yield f"""
        SELECT format('constraint of domain %I.%I.%I', n.nspname, t.typname, k.conname),
            pg_get_constraintdef(k.oid)
        FROM pg_constraint AS k JOIN pg_type AS t ON t.oid = k.contypid
        {_of_user("t.typnamespace")} AND {_own("pg_type", "t.oid")}
        WHERE k.contype = 'c'"""
    yield _owner(name, source, "t.typowner")
    yield _privileges(name, source, owner="t.typowner", acl="t.typacl", kind="'T'")


# --- what is in no table -------------------------------------------------------------------------


def _publications(version: int) -> Iterator[str]:
    columns = schemas = "NULL"
    condition = "NULL::text"
    if version >= 150000:
        condition = "pg_get_expr(r.prqual, r.prrelid)"
        columns = """(
            SELECT '(' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')'
            FROM pg_attribute AS a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs))"""
        schemas = """(SELECT string_agg(s.pnnspid::regnamespace::text, ', '
                ORDER BY s.pnnspid::regnamespace::text COLLATE "C")
            FROM pg_publication_namespace AS s WHERE s.pnpubid = p.oid)"""
    name = "'publication ' || quote_ident(p.pubname)"
    source = f"FROM pg_publication AS p WHERE {_own('pg_publication', 'p.oid')}"
    yield f"""
        SELECT {name}, concat_ws(' ', to_jsonb(p) - '{{oid,pubname,pubowner}}'::text[],
            'schemas ' || {schemas}, 'tables ' || (
                SELECT string_agg(word, ', ' ORDER BY word COLLATE "C")
                FROM pg_publication_rel AS r CROSS JOIN LATERAL concat_ws(' ',
                    r.prrelid::regclass, {columns}, 'where ' || {condition}) AS word
                WHERE r.prpubid = p.oid))
        {source}"""
    yield _owner(name, source, "p.pubowner")


class _Kind(NamedTuple):
    """A rare kind of object: its catalog (alias o), its name, and what is to be said of it."""

    catalog: str
    word: str
    name: str
    definition: str
    namespace: str | None = None
    owner: str | None = None
    # Its column of privileges, and the letter by which acldefault() knows the kind.
    privileges: tuple[str, str] | None = None


_BY_METHOD = "|| ' using ' || (SELECT m.amname FROM pg_am AS m WHERE m.oid = o.%s)"

_KINDS = (
    _Kind(
        "pg_event_trigger",
        "event trigger",
        "quote_ident(o.evtname)",
        "o.evtevent || ' ' || o.evtfoid::regprocedure || ' ' || o.evtenabled::text"
        " || coalesce(' ' || o.evttags::text, '')",
        owner="evtowner",
    ),
    _Kind(
        "pg_language",
        "language",
        "quote_ident(o.lanname)",
        "concat_ws(' ', o.lanpltrusted, o.lanplcallfoid::regproc, o.laninline::regproc,"
        " o.lanvalidator::regproc)",
        owner="lanowner",
        privileges=("lanacl", "l"),
    ),
    _Kind(
        "pg_foreign_data_wrapper",
        "foreign data wrapper",
        "quote_ident(o.fdwname)",
        "concat_ws(' ', o.fdwhandler::regproc, o.fdwvalidator::regproc,"
        f" md5({_sorted('o.fdwoptions')}))",
        owner="fdwowner",
        privileges=("fdwacl", "F"),
    ),
    _Kind(
        "pg_foreign_server",
        "server",
        "quote_ident(o.srvname)",
        "concat_ws(' ', (SELECT w.fdwname FROM pg_foreign_data_wrapper AS w"
        f" WHERE w.oid = o.srvfdw), o.srvtype, o.srvversion, md5({_sorted('o.srvoptions')}))",
        owner="srvowner",
        privileges=("srvacl", "S"),
    ),
    _Kind(
        "pg_user_mappings",
        "user mapping",
        "concat(quote_ident(o.usename), ' on ', quote_ident(o.srvname))",
        # As far as the reader may see them, which is how far a dump has them. They hold passwords:
        # of each value so little is told that it cannot be guessed from it.
        "(SELECT 'options ' || string_agg(quote_ident(x.option_name) || ' ' ||"
        " (hashtext(x.option_value) & 65535), ', ' ORDER BY x.option_name COLLATE \"C\")"
        " FROM pg_options_to_table(o.umoptions) AS x)",
    ),
    _Kind(
        "pg_cast",
        "cast",
        "format('%s as %s', format_type(o.castsource, NULL), format_type(o.casttarget, NULL))",
        "concat_ws(' ', o.castfunc::regprocedure, o.castcontext, o.castmethod)",
    ),
    _Kind(
        "pg_transform",
        "transform",
        "format('for %s language %s', o.trftype::regtype,"
        " (SELECT l.lanname FROM pg_language AS l WHERE l.oid = o.trflang))",
        "concat_ws(' ', o.trffromsql::regproc, o.trftosql::regproc)",
    ),
    _Kind(
        "pg_am", "access method", "quote_ident(o.amname)", "o.amtype::text || ' ' || o.amhandler"
    ),
    _Kind(
        "pg_default_acl",
        "default privileges",
        "concat_ws(' ', 'of', quote_ident(pg_get_userbyid(o.defaclrole)), 'in schema '"
        " || NULLIF(o.defaclnamespace, 0)::regnamespace, 'on', o.defaclobjtype)",
        f"coalesce({_list('o.defaclacl')}, '')",
    ),
    _Kind(
        "pg_operator",
        "operator",
        "format('%I.%s (%s, %s)', n.nspname, o.oprname,"
        " format_type(o.oprleft, NULL), format_type(o.oprright, NULL))",
        "concat_ws(' ', o.oprresult::regtype, o.oprcode, o.oprcom::regoperator,"
        " o.oprnegate::regoperator, o.oprrest, o.oprjoin, o.oprcanmerge, o.oprcanhash)",
        namespace="oprnamespace",
        owner="oprowner",
    ),
    _Kind(
        "pg_opclass",
        "operator class",
        "format('%I.%I', n.nspname, o.opcname)" + _BY_METHOD % "opcmethod",
        "concat_ws(' ', o.opcintype::regtype, o.opcdefault, NULLIF(o.opckeytype, 0)::regtype,"
        " (SELECT format('%I.%I', f.opfnamespace::regnamespace, f.opfname)"
        " FROM pg_opfamily AS f WHERE f.oid = o.opcfamily))",
        namespace="opcnamespace",
        owner="opcowner",
    ),
    _Kind(
        "pg_opfamily",
        "operator family",
        "format('%I.%I', n.nspname, o.opfname)" + _BY_METHOD % "opfmethod",
        "concat_ws('; ', (SELECT string_agg(word, ', ' ORDER BY word COLLATE \"C\")"
        " FROM pg_amop AS x CROSS JOIN LATERAL concat_ws(' ', x.amopstrategy,"
        " x.amopopr::regoperator, x.amoppurpose, (SELECT format('%I.%I',"
        " s.opfnamespace::regnamespace, s.opfname) FROM pg_opfamily AS s"
        " WHERE s.oid = x.amopsortfamily)) AS word WHERE x.amopfamily = o.oid),"
        " (SELECT string_agg(word, ', ' ORDER BY word COLLATE \"C\") FROM pg_amproc AS x"
        " CROSS JOIN LATERAL concat_ws(' ', x.amprocnum,"
        " x.amproclefttype::regtype, x.amprocrighttype::regtype, x.amproc::regprocedure) AS word"
        " WHERE x.amprocfamily = o.oid))",
        namespace="opfnamespace",
        owner="opfowner",
    ),
    _Kind(
        "pg_collation",
        "collation",
        "format('%I.%I', n.nspname, o.collname)",
        # A restored one is of the encoding of its database, whether it was of any before.
        "(to_jsonb(o) - '{oid,collname,collnamespace,collowner,collversion,collencoding}'"
        "::text[])::text",
        namespace="collnamespace",
        owner="collowner",
    ),
    _Kind(
        "pg_conversion",
        "conversion",
        "format('%I.%I', n.nspname, o.conname)",
        "concat_ws(' ', pg_encoding_to_char(o.conforencoding),"
        " pg_encoding_to_char(o.contoencoding), o.conproc, o.condefault)",
        namespace="connamespace",
        owner="conowner",
    ),
    _Kind(
        "pg_ts_config",
        "text search configuration",
        "format('%I.%I', n.nspname, o.cfgname)",
        "concat_ws('; ', (SELECT format('%I.%I', p.prsnamespace::regnamespace, p.prsname)"
        " FROM pg_ts_parser AS p WHERE p.oid = o.cfgparser),"
        " (SELECT string_agg(m.maptokentype || ' ' || m.mapdict::regdictionary, ', '"
        " ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map AS m"
        " WHERE m.mapcfg = o.oid))",
        namespace="cfgnamespace",
        owner="cfgowner",
    ),
    _Kind(
        "pg_ts_dict",
        "text search dictionary",
        "format('%I.%I', n.nspname, o.dictname)",
        "concat_ws(' ', (SELECT format('%I.%I', t.tmplnamespace::regnamespace, t.tmplname)"
        " FROM pg_ts_template AS t WHERE t.oid = o.dicttemplate), o.dictinitoption)",
        namespace="dictnamespace",
        owner="dictowner",
    ),
    _Kind(
        "pg_ts_parser",
        "text search parser",
        "format('%I.%I', n.nspname, o.prsname)",
        "concat_ws(' ', o.prsstart, o.prstoken, o.prsend, o.prsheadline, o.prslextype)",
        namespace="prsnamespace",
    ),
    _Kind(
        "pg_ts_template",
        "text search template",
        "format('%I.%I', n.nspname, o.tmplname)",
        "concat_ws(' ', o.tmplinit, o.tmpllexize)",
        namespace="tmplnamespace",
    ),
)


def _others() -> Iterator[str]:
    yield """
        SELECT 'extension ' || quote_ident(x.extname), 'schema ' || x.extnamespace::regnamespace
        FROM pg_extension AS x"""
    yield """
        SELECT 'version of extension ' || quote_ident(x.extname), x.extversion
        FROM pg_extension AS x"""
    # ALTER EXTENSION ADD TABLE takes one out of every dump, with its rows.
    yield """
        SELECT format('table of extension %I: %I.%I', x.extname, n.nspname, c.relname), ''
        FROM pg_extension AS x
        JOIN pg_depend AS e ON e.deptype = 'e' AND e.classid = 'pg_class'::regclass
            AND e.refclassid = 'pg_extension'::regclass AND e.refobjid = x.oid
        JOIN pg_class AS c ON c.oid = e.objid AND c.relkind IN ('r', 'p')
        JOIN pg_namespace AS n ON n.oid = c.relnamespace"""
    for kind in _KINDS:
        name = f"'{kind.word} ' || {kind.name}"
        source = f"FROM pg_catalog.{kind.catalog} AS o"
        if kind.namespace:
            source += f" {_of_user('o.' + kind.namespace)}"
        if kind.catalog == "pg_user_mappings":
            source += " WHERE true"
        else:
            source += f" WHERE {_own(kind.catalog, 'o.oid')}"
            if not kind.namespace:
                source += f" AND o.oid >= {_FIRST_USER_OID}"
        yield f"SELECT {name}, {kind.definition} {source}"
        if kind.owner:
            yield _owner(name, source, f"o.{kind.owner}")
        if kind.owner and kind.privileges:
            column, letter = kind.privileges
            yield _privileges(
                name, source, owner=f"o.{kind.owner}", acl=f"o.{column}", kind=f"'{letter}'"
            )


def _large_objects() -> Iterator[str]:
    """Their owners and privileges; there may be millions of them, so as sums over all."""
    for what, word in (
        ("owner of", "pg_get_userbyid(o.lomowner)"),
        ("privileges of", _list("coalesce(o.lomacl, acldefault('L', o.lomowner))")),
    ):
        yield f"""
            SELECT '{what} large objects', string_agg(told, '; ' ORDER BY told COLLATE "C")
            FROM (
                SELECT concat_ws(' ', coalesce(word, 'none'), count(*),
                    sum(hashint8extended(oid, 0))) AS told
                FROM (SELECT o.oid::bigint AS oid, {word} AS word
                    FROM pg_largeobject_metadata AS o) AS each
                GROUP BY word
            ) AS summed HAVING count(*) > 0"""


# ALTER ... DEPENDS ON EXTENSION.
_DEPENDENCIES = """
    SELECT concat_ws(' ', 'dependency of', o.type, o.identity),
        string_agg('extension ' || quote_ident(x.extname), ', ' ORDER BY x.extname COLLATE "C")
    FROM pg_depend AS d JOIN pg_extension AS x ON x.oid = d.refobjid
    CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS o
    WHERE d.deptype = 'x' AND d.refclassid = 'pg_extension'::regclass
    GROUP BY o.type, o.identity"""

_LABELS = """
    SELECT concat_ws(' ', 'security label of', quote_ident(l.provider), 'on', o.type, o.identity),
        l.label
    FROM pg_seclabel AS l
    CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) AS o
    WHERE l.classoid <> 'pg_subscription'::regclass"""


def _acls() -> Iterator[str]:
    """Of everything that has privileges: class, OID, number of the column, owner, privileges, and
    those that it has where neither initdb nor an extension has given it any."""
    for catalog, prefix, kind in (
        ("pg_proc", "pro", "'f'"),
        ("pg_type", "typ", "'T'"),
        ("pg_namespace", "nsp", "'n'"),
        ("pg_language", "lan", "'l'"),
        ("pg_foreign_data_wrapper", "fdw", "'F'"),
        ("pg_foreign_server", "srv", "'S'"),
        ("pg_class", "rel", "CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\""),
    ):
        yield f"""SELECT '{catalog}'::regclass, oid, 0, {prefix}owner, {prefix}acl,
            acldefault({kind}, {prefix}owner) FROM {catalog} WHERE {prefix}acl IS NOT NULL"""
    yield """SELECT 'pg_class'::regclass, a.attrelid, a.attnum::integer, c.relowner, a.attacl,
            NULL::aclitem[] FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE a.attacl IS NOT NULL AND a.attacl <> '{}' AND NOT a.attisdropped"""


# Of what is in pg_catalog or belongs to an extension; a dump has what somebody has changed in them.
# But it makes an extension anew, and whoever does that owns it: what the owner may do is left out.
_PRIVILEGES_OF_OTHERS = f"""
    SELECT concat_ws(' ', 'privileges of', o.type, o.identity), coalesce(changed.now, '')
    FROM (
        SELECT a.*, {_list("a.acl", but="a.owner")} AS now,
            {_list("coalesce(i.initprivs, a.at_first)", but="a.owner")} AS before
        FROM ({" UNION ALL ".join(_acls())})
            AS a (class, oid, column_number, owner, acl, at_first)
        LEFT JOIN pg_init_privs AS i
            ON (i.classoid, i.objoid, i.objsubid) = (a.class, a.oid, a.column_number)
        WHERE a.acl IS DISTINCT FROM coalesce(i.initprivs, a.at_first)
    ) AS changed
    CROSS JOIN LATERAL pg_identify_object(
        changed.class, changed.oid, changed.column_number) AS o
    WHERE changed.now IS DISTINCT FROM changed.before
        AND (o.schema = 'pg_catalog' OR o.type = 'schema' AND o.identity = 'pg_catalog'
            OR EXISTS (SELECT FROM pg_depend AS e WHERE e.deptype = 'e'
                AND e.classid = changed.class AND e.objid = changed.oid))"""

# What follows from another object and has a comment of its own: triggers and constraints of a
# partition or a child, the row type of a table, arrays and multiranges.
_DERIVED = """
    CASE d.classoid
        WHEN 'pg_trigger'::regclass THEN (
            SELECT g.tgparentid <> 0 FROM pg_trigger AS g WHERE g.oid = d.objoid)
        WHEN 'pg_constraint'::regclass THEN (
            SELECT k.contype IN ('c', 'n') AND NOT k.conislocal
                OR k.contype = 'f' AND k.conparentid <> 0
            FROM pg_constraint AS k WHERE k.oid = d.objoid)
        WHEN 'pg_type'::regclass THEN (
            SELECT t.typtype = 'm' OR coalesce(c.relkind <> 'c', false)
                OR EXISTS (SELECT FROM pg_type AS element WHERE element.typarray = t.oid)
            FROM pg_type AS t LEFT JOIN pg_class AS c ON c.oid = t.typrelid
            WHERE t.oid = d.objoid)
    END"""
# Comments on large objects go with the data; subscriptions are not restored.
_COMMENTS = f"""
    SELECT concat_ws(' ', 'comment on', CASE WHEN {_DERIVED} THEN 'derived' END,
        o.type, o.identity), d.description
    FROM pg_description AS d
    CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS o
    WHERE (d.objoid >= {_FIRST_USER_OID}
            -- Some of initdb's can be dropped and made again, or renamed.
            OR d.classoid = 'pg_extension'::regclass
            OR d.classoid = 'pg_namespace'::regclass AND EXISTS (
                SELECT FROM pg_namespace AS n WHERE n.oid = d.objoid AND {OF_USERS}))
        AND d.classoid NOT IN ('pg_largeobject'::regclass, 'pg_subscription'::regclass)
        AND coalesce(o.schema, '') !~ '^(pg_|information_schema$)'
        AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.deptype = 'e'
            AND e.classid = d.classoid AND e.objid = d.objoid)"""
