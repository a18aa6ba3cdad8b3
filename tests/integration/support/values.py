"""Values of every type of the server at its edges: no two of a type are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["BEFORE", "values"]

# What the types and values below need.
BEFORE = """
CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'it''s', '');
CREATE DOMAIN public.small AS numeric(6, 2) CHECK (VALUE IS NULL OR VALUE < 1000);
CREATE DOMAIN public.smaller AS public.small;
CREATE DOMAIN public.words AS text[];
CREATE TYPE public.pair AS (a integer, b text);
CREATE TYPE public.nested AS (p public.pair, l public.pair[], s public.smaller);
CREATE DOMAIN public.paired AS public.pair;
CREATE TYPE public.span AS RANGE (subtype = float8);
CREATE FUNCTION public.aside(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE TABLE public."Odd table" (a integer);
CREATE TEXT SEARCH CONFIGURATION public.tsc (COPY = pg_catalog.english);
CREATE COLLATION public.coll (locale = 'C');
CREATE SCHEMA "odd schema";
"""

# Type -> literals of it.
_VALUES: Mapping[str, Sequence[str]] = {
    "boolean": ("true", "false", "NULL"),
    "smallint": ("0", "-32768", "32767"),
    "integer": ("0", "-2147483648", "2147483647"),
    "bigint": (
        "0",
        "1",
        "-1",
        "-9223372036854775808",
        "9223372036854775807",
        "4294967295",
        "4294967296",
        "4294967297",
        "8589934592",
        "-2147483648",
        "2147483648",
    ),
    "oid": ("0", "4294967295", "2147483648"),
    "real": (
        "'NaN'",
        "'Infinity'",
        "'-Infinity'",
        "'0'",
        "'-0'",
        "'1e-45'",
        "'3.4028235e38'",
        "'0.1'",
        "'0.10000001'",
    ),
    "double precision": (
        "'NaN'",
        "'Infinity'",
        "'-Infinity'",
        "'0'",
        "'-0'",
        "'5e-324'",
        "'1.7976931348623157e308'",
        "'0.1'",
        "'0.30000000000000004'",
        "'0.3'",
    ),
    "numeric": ("'NaN'", "0", "0.0", "0.00", "1", "1.0", "1e-16383", "1e131071", "-1"),
    "numeric(6, 2)": ("'NaN'", "0", "0.01", "-9999.99", "9999.99"),
    "money": ("0", "0.01", "-92233720368547758.08", "92233720368547758.07"),
    "text": (
        "''",
        "' '",
        "'\\N'",
        "'\\.'",
        "E'\\\\'",
        "E'\\t\\n\\r\\b\\f\\v'",
        "'NULL'",
        "U&'\\+01F600'",
        "U&'e\\0301'",
        "U&'\\00e9'",
        "NULL",
    ),
    "varchar(5)": ("''", "'     '", "'a'", "'a '"),
    "char(5)": ("''", "'a'", "'\\'"),
    "bpchar": ("''", "'a'", "'a '", "'a  '"),
    '"char"': ("''", "'a'", "'\\'"),
    "name": ("''", "'a'", "repeat('n', 63)"),
    "bytea": ("''", "'\\x00'", "'\\x0000'", "'\\x5c'", "'\\xff'", "decode('5c7830', 'hex')"),
    "date": (
        "'infinity'",
        "'-infinity'",
        "'4713-11-24 BC'",
        "'5874897-12-31'",
        "'0001-12-31 BC'",
        "'0001-01-01'",
        "'2000-01-01'",
    ),
    "time": ("'00:00'", "'24:00'", "'23:59:59.999999'", "'01:11:34.967297'"),
    "time(0)": ("'00:00'", "'24:00'"),
    "timetz": (
        "'00:00+00'",
        "'24:00+00'",
        "'00:00+15:59:59'",
        "'00:00-15:59:59'",
        "'23:59:59.999999-00:00:01'",
    ),
    "timestamp": (
        "'infinity'",
        "'-infinity'",
        "'4713-11-24 00:00 BC'",
        "'294276-12-31 23:59:59.999999'",
        "'0001-12-31 BC'",
        "'2000-01-01'",
        "'2000-01-01 00:00:00.000001'",
        "'2000-01-01 01:11:34.967297'",
    ),
    "timestamptz": (
        "'infinity'",
        "'-infinity'",
        "'4713-11-24 00:00:00+00 BC'",
        "'294276-12-31 23:59:59.999999+00'",
        "'1883-11-18 12:03:57-07:52:58'",
        "'2024-10-27 02:30:00+02'",
        "'2024-10-27 02:30:00+01'",
    ),
    "interval": (
        "'0'",
        "'1 mon'",
        "'30 days'",
        "'720 hours'",
        "'1 day'",
        "'24 hours'",
        "'-1 mon +1 day -00:00:00.000001'",
        "'178000000 years'",
        "'-178000000 years'",
    ),
    "interval year to month": ("'0'", "'1 year'"),
    "point": ("'(0,0)'", "'(-0,0)'", "'(NaN,Infinity)'", "'(1e-300,1e300)'"),
    "line": ("'{1,0,0}'", "'{1,2,3}'", "'{1,2,NaN}'"),
    "lseg": ("'[(0,0),(1,1)]'", "'[(1,1),(0,0)]'"),
    "box": ("'(1,1),(0,0)'", "'(1,2),(0,0)'"),
    "path": ("'((0,0),(1,1))'", "'[(0,0),(1,1)]'", "'[(0,0)]'"),
    "polygon": ("'((0,0))'", "'((0,0),(1,1))'"),
    "circle": ("'<(0,0),0>'", "'<(0,0),1e-300>'", "'<(0,0),Infinity>'"),
    "inet": (
        "'0.0.0.0'",
        "'0.0.0.0/0'",
        "'10.0.0.1/8'",
        "'10.0.0.1/9'",
        "'::'",
        "'::/0'",
        "'::ffff:1.2.3.4'",
    ),
    "cidr": ("'0.0.0.0/0'", "'0.0.0.0/32'", "'::/0'", "'::/128'"),
    "macaddr": ("'00:00:00:00:00:00'", "'ff:ff:ff:ff:ff:ff'"),
    "macaddr8": (
        "'00:00:00:00:00:00:00:00'",
        "'ff:ff:ff:ff:ff:ff:ff:ff'",
        "'00:00:00:ff:fe:00:00:00'",
    ),
    "bit(3)": ("B'000'", "B'001'"),
    "bit varying": ("B''", "B'0'", "B'00'", "B'1'"),
    "uuid": ("'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
    "json": (
        "'1'",
        "' 1'",
        "'1.0'",
        "'1e0'",
        '\'{"a":1,"a":1}\'',
        "'{\"a\":1}'",
        "'null'",
        "'\"\\u00e9\"'",
        "NULL",
    ),
    "jsonb": (
        "'1'",
        "'1.0'",
        "'1.00'",
        "'null'",
        "'\"\"'",
        "'{}'",
        "'[]'",
        "'[[]]'",
        "'{\"\": 1}'",
        '\'{"a": {"a": 1}}\'',
        "'\"1\"'",
        "NULL",
    ),
    "jsonpath": ("'$'", "'strict $.a'", "'$.\"a b\" ? (@ > 1.00)'", "'$.\"a b\" ? (@ > 1.0)'"),
    "xml": (
        "'<a/>'",
        "'<a />'",
        '\'<?xml version="1.0" standalone="yes"?><a/>\'',
        "'<?xml version=\"1.1\"?><a/>'",
        "'text'",
        "''",
        "'<!DOCTYPE a []><a/>'",
        "'<a>&lt;</a>'",
    ),
    "tsvector": ("''", "'a'", "'a:1A'", "'a:1A,16383'", "'''it''''s'''", "'a b'"),
    "tsquery": ("''", "'a'", "'!a'", "'a:*AB'", "'a <-> b'", "'a <2> b'", "'a & (b | c)'"),
    "pg_lsn": ("'0/0'", "'FFFFFFFF/FFFFFFFF'"),
    "xid": ("'0'", "'4294967295'"),
    "xid8": ("'0'", "'18446744073709551615'"),
    "cid": ("'0'", "'4294967295'"),
    "tid": ("'(0,0)'", "'(4294967295,65535)'"),
    "txid_snapshot": ("'10:20:'", "'10:20:10,14'"),
    "pg_snapshot": ("'10:20:'", "'10:20:10,14'"),
    "refcursor": ("''", "'a'"),
    "oidvector": ("''", "'1'", "'1 2'"),
    "int2vector": ("''", "'1'", "'1 2'"),
    "aclitem": ("'postgres=r/postgres'", "'postgres=r*/postgres'", "'=r/postgres'"),
    "regclass": ("'public.\"Odd table\"'", "'pg_catalog.pg_class'", "0", "4294967295"),
    "regtype": ("'public.mood'", "'integer[]'", "'timestamptz'", "'public.words'", "0"),
    "regproc": ("'public.aside'", "'pg_catalog.int4eq'", "0"),
    "regprocedure": ("'public.aside(integer)'", "'pg_catalog.abs(bigint)'", "0"),
    "regoper": ("'pg_catalog.||/'", "0"),
    "regoperator": ("'pg_catalog.+(integer,integer)'", "'pg_catalog.-(none,integer)'", "0"),
    "regconfig": ("'public.tsc'", "'simple'"),
    "regdictionary": ("'simple'", "'english_stem'"),
    "regnamespace": ("'\"odd schema\"'", "'public'"),
    "regrole": ("'postgres'", "0"),
    "regcollation": ("'public.coll'", "'\"C\"'"),
    "public.mood": ("'sad'", "'it''s'", "''", "NULL"),
    "public.smaller": ("NULL", "0", "0.01", "-0.01"),
    "public.words": ("'{}'", "'{a}'", "NULL"),
    "public.pair": ("ROW(NULL, NULL)", "NULL", "ROW(1, '')", "ROW(1, NULL)", "ROW(1, '\"(,)\\')"),
    "public.paired": ("ROW(NULL, NULL)", "NULL", "ROW(1, '')"),
    "public.nested": (
        "ROW(ROW(1, 'a'), ARRAY[ROW(2, NULL)]::public.pair[], 1.5)",
        "ROW(ROW(1, 'a'), NULL, 1.5)",
        "ROW(ROW(1, 'a'), '{}', 1.5)",
        "ROW(NULL, NULL, NULL)",
    ),
    "int4range": ("'empty'", "'(,)'", "'[1,2)'", "'[1,)'", "'(,1)'"),
    "numrange": ("'[1,2]'", "'[1,2)'", "'[1.0,2]'", "'(,)'"),
    "tstzrange": ("'[-infinity,infinity]'", "'(,)'", "'[infinity,)'"),
    "daterange": ("'(,)'", "'[-infinity,)'", "'[2000-01-01,2000-01-02)'"),
    "public.span": ("'[NaN,NaN]'", "'[-0,1)'", "'[0,1)'", "'empty'"),
    "integer[]": ("'{}'", "'{NULL}'", "'{1}'", "'{{1}}'", "'[0:0]={1}'", "'[-5:-4]={1,NULL}'"),
    "text[]": (
        "'{}'",
        "'{NULL}'",
        "'{\"NULL\"}'",
        "'{\"\"}'",
        '\'{"a\\"b"}\'',
        "'{\" \"}'",
        "'{a,\"b,c\"}'",
    ),
    "double precision[]": ("'{NaN}'", "'{-0}'", "'{0}'", "'{0.30000000000000004}'"),
    "money[]": ("'{1.00}'", "'{-1.00}'"),
    "bytea[]": ("'{}'", "ARRAY['\\x00'::bytea]", "ARRAY['\\x5c'::bytea]"),
    "public.mood[]": ("'{sad}'", "'{NULL}'", "'{\"\"}'"),
    "public.pair[]": ("'{}'", "ARRAY[ROW(1, 'a')]::public.pair[]", "ARRAY[NULL]::public.pair[]"),
    "public.small[]": ("'{1}'", "'{-1}'", "'{NULL}'"),
    "xml[]": ("ARRAY['<a/>'::xml]", "ARRAY['<?xml version=\"1.1\"?><a/>'::xml]"),
    "box[]": ("'{(1,1),(0,0)}'", "'{(1,1),(0,0);(2,2),(0,0)}'"),
}
# First version -> types and literals that came with it.
_NEWER: Mapping[int, Mapping[str, Sequence[str]]] = {
    140000: {
        "int4multirange": ("'{}'", "'{(,)}'", "'{[1,2),[3,4)}'"),
        "public.span_multirange": ("'{}'", "'{[-0,1)}'", "'{[0,1)}'"),
        "numeric": ("'Infinity'", "'-Infinity'"),
    },
    170000: {"interval": ("'infinity'", "'-infinity'")},
}


def values(server_version: int) -> dict[str, list[str]]:
    """Type -> literals, of all that the server knows."""
    found = {name: list(literals) for name, literals in _VALUES.items()}
    for first, types in _NEWER.items():
        for name, literals in types.items() if server_version >= first else ():
            found.setdefault(name, []).extend(literals)
    return found
