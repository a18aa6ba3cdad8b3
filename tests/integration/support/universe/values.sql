-- A table for every type that the server brings and a column can have, with the edges of its
-- values. psql reads it, on an empty database, as a superuser:
--
--   psql -X -v ON_ERROR_STOP=1 -f values.sql
\set QUIET on
\o /dev/null
SET client_min_messages = error;
SET search_path = pg_catalog;
SET TimeZone = 'UTC';
SELECT :SERVER_VERSION_NUM >= 140000 AS since_14, :SERVER_VERSION_NUM >= 170000 AS since_17 \gset
CREATE SCHEMA edges;

-- What values name.
CREATE SCHEMA "odd schema";
CREATE FUNCTION edges.aside(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE COLLATION edges.coll (locale = 'C');
CREATE TEXT SEARCH CONFIGURATION edges.tsc (COPY = pg_catalog.english);
CREATE TYPE edges.pair AS (a integer, b text);
CREATE TYPE edges.label AS ENUM ('b', 'a', 'it''s', '');
CREATE TYPE edges.span AS RANGE (subtype = float8);
CREATE DOMAIN edges.labels AS edges.label[];
CREATE DOMAIN edges.words AS text[];
CREATE DOMAIN edges.scaled AS numeric(6, 2) CHECK (VALUE IS NULL OR VALUE < 10000 OR VALUE = 'NaN');
CREATE DOMAIN edges.of_domain AS edges.scaled;
CREATE DOMAIN edges.paired AS edges.pair;
CREATE TYPE edges.nested AS (p edges.pair, l edges.pair[], s edges.of_domain);

-- edges.kept: a table of this type, with these values, each in a row, and none.
CREATE FUNCTION pg_temp.keep(name text, type text, VARIADIC texts text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE edges.%I (id integer GENERATED ALWAYS AS IDENTITY, v %s)', name, type);
    FOR place IN 1 .. cardinality(texts) LOOP
        EXECUTE format('INSERT INTO edges.%I (v) VALUES (%L)', name, texts[place]);
    END LOOP;
    EXECUTE format('INSERT INTO edges.%I (v) VALUES (NULL)', name);
END $$;
SELECT pg_temp.keep('Odd table', 'integer', '1', '2');
SELECT pg_temp.keep('bool', 'boolean', 'true', 'false');
SELECT pg_temp.keep('bytea', 'bytea', '', '\x00', '\x5c', '\x27', '\x0a', '\xff', '\x0000', '\x5c5c', '\xc3a4', '\x5c7830');
SELECT pg_temp.keep('char', '"char"', '', 'a', '\', '''', '\200', '\377', E'\n');
SELECT pg_temp.keep('name', 'name', '', 'a', 'A', 'it''s', 'a b', repeat('x', 63), 'ü');
SELECT pg_temp.keep('int8', 'bigint', '0', '-1', '1', '9223372036854775807', '-9223372036854775808', '2147483648', '4294967296', '4294967295', '4294967297', '8589934592', '-2147483648');
SELECT pg_temp.keep('int2', 'smallint', '0', '-1', '32767', '-32768');
SELECT pg_temp.keep('int2vector', 'int2vector', '', '1', '1 2', '2 1', '-1 32767');
SELECT pg_temp.keep('int4', 'integer', '0', '-1', '1', '2147483647', '-2147483648');
SELECT pg_temp.keep('regproc', 'regproc', '-', 'now', 'version', 'edges.aside', 'pg_catalog.int4eq');
SELECT pg_temp.keep('text', 'text', '', ' ', 'a', 'A', 'a ', E'\t', E'\n', E'\r', E'\r\n', '\', '\\', '\N', '\.', E'\b\f\v', '''', '"', 'ä', U&'a\0308', '日本', '🙂', U&'\FEFF', U&'\202E', U&'\00A0', E'\x7f', E'\x01', 'NULL', repeat('x', 3000), repeat('x', 3001), E'\t\n\r\b\f\v', U&'e\0301', 'é');
SELECT pg_temp.keep('oid', 'oid', '0', '1', '4294967295', '2147483648');
SELECT pg_temp.keep('tid', 'tid', '(0,0)', '(0,1)', '(4294967295,65535)', '(1,0)');
SELECT pg_temp.keep('xid', 'xid', '0', '3', '4294967295');
SELECT pg_temp.keep('cid', 'cid', '0', '1', '4294967295');
SELECT pg_temp.keep('oidvector', 'oidvector', '', '1', '1 2', '2 1', '4294967295');
SELECT pg_temp.keep('json', 'json', 'null', 'true', '"a"', '1', '1.0', '1.00', '1e2', '{}', '{"a":1}', '{"a": 1}', '{"a":1,"a":2}', '{"b":1,"a":2}', '[]', '[1,null]', '"\u00e4"', '"ä"', '"\u0000"', '""', E'[1,\n2]', '-0', ' 1', '1e0', '"\u00e9"');
SELECT pg_temp.keep('jsonb', 'jsonb', 'null', 'true', 'false', '"a"', '"null"', '1', '1.0', '1.00', '100', '{}', '[]', '{"a":1}', '{"a":"1"}', '{"a":null}', '[{}]', '[[]]', '[null]', '"ä"', '"\\u0000"', '""', '12345678901234567890.12345678901234567890', '1e500', '-0', '0', '"1"', '{"":1}', '{"a":{"a":1}}');
SELECT pg_temp.keep('jsonpath', 'jsonpath', '$', '$.a', '$[*]', 'strict $.a', '$.a ? (@ > 1)', '$."it''s"', '$.a.type()', '$."a b" ? (@ > 1.00)', '$."a b" ? (@ > 1.0)');
SELECT pg_temp.keep('point', 'point', '(0,0)', '(-0,0)', '(1,2)', '(2,1)', '(Infinity,-Infinity)', '(NaN,0)', '(1e-300,1e300)', '(0.1,0.30000000000000004)', '(0.1,0.3)', '(NaN,Infinity)');
SELECT pg_temp.keep('lseg', 'lseg', '[(0,0),(1,1)]', '[(1,1),(0,0)]', '[(0,0),(0,0)]', '[(0,0),(1,1.0000000000000002)]');
SELECT pg_temp.keep('path', 'path', '[(0,0),(1,1)]', '((0,0),(1,1))', '((0,0))', '((1,1),(0,0))', '[(0,0)]');
SELECT pg_temp.keep('box', 'box', '(1,1),(0,0)', '(2,1),(0,0)', '(0,0),(0,0)', '(Infinity,Infinity),(0,0)', '(1,2),(0,0)');
SELECT pg_temp.keep('polygon', 'polygon', '((0,0))', '((0,0),(1,1),(1,0))', '((1,1),(0,0),(1,0))', '((0,0),(1,1))');
SELECT pg_temp.keep('line', 'line', '{1,2,3}', '{1,2,4}', '{0,1,0}', '{2,4,6}', '{1,0,0}', '{1,2,NaN}');
SELECT pg_temp.keep('circle', 'circle', '<(0,0),0>', '<(0,0),1>', '<(1,0),1>', '<(0,0),Infinity>', '<(0,0),1e-300>');
SELECT pg_temp.keep('float4', 'real', '0', '-0', '1', '0.1', '0.10000001', '1e-45', '3.4028235e38', '-3.4028235e38', 'NaN', 'Infinity', '-Infinity', '16777217', '1e-38');
SELECT pg_temp.keep('float8', 'double precision', '0', '-0', '1', '0.1', '0.30000000000000004', '0.3', '5e-324', '1.7976931348623157e308', 'NaN', 'Infinity', '-Infinity', '9007199254740993', '1.0000000000000002');
SELECT pg_temp.keep('money', 'money', '0', '-0.01', '92233720368547758.07', '-92233720368547758.08', '1234.56', '0.01');
SELECT pg_temp.keep('macaddr', 'macaddr', '00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '08:00:2b:01:02:03');
SELECT pg_temp.keep('macaddr8', 'macaddr8', '00:00:00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff:ff:ff', '08:00:2b:ff:fe:01:02:03', '00:00:00:ff:fe:00:00:00');
SELECT pg_temp.keep('inet', 'inet', '0.0.0.0', '0.0.0.0/0', '10.0.0.1', '10.0.0.1/24', '10.0.0.0/24', '::', '::/0', '::1', '::ffff:10.0.0.1', 'ffff::1/64', '10.0.0.1/8', '10.0.0.1/9', '::ffff:1.2.3.4');
SELECT pg_temp.keep('cidr', 'cidr', '0.0.0.0/0', '10.0.0.0/24', '10.0.0.0/25', '::/0', 'ffff::/64', '10.0.0.1', '0.0.0.0/32', '::/128');
SELECT pg_temp.keep('aclitem', 'aclitem', '=r/postgres', 'postgres=r/postgres', 'postgres=r*/postgres', 'postgres=rw/postgres', '=w/postgres');
SELECT pg_temp.keep('bpchar', 'character(5)', '', 'a', 'a    ', 'abcde', ' a', E'\n', 'äöüßé', '\');
SELECT pg_temp.keep('bpchar_open', 'bpchar', '', 'a', 'a  ', ' ', 'a' || E'\n', 'a ');
SELECT pg_temp.keep('varchar', 'character varying', '', 'a', 'a ', ' ', 'ä', repeat('y', 2500));
SELECT pg_temp.keep('varchar_n', 'character varying(3)', '', 'a', 'a ', 'abc', 'äöü', '   ');
SELECT pg_temp.keep('date', 'date', '2000-01-01', '0001-01-01', '0001-12-31 BC', '4713-01-01 BC', '5874897-12-31', 'infinity', '-infinity', '1999-12-31', '1582-10-10', '2024-02-29', '4713-11-24 BC');
SELECT pg_temp.keep('time', 'time', '00:00', '24:00', '23:59:59.999999', '12:00:00.000001', '12:00', '01:11:34.967297');
SELECT pg_temp.keep('time_0', 'time(0)', '00:00', '23:59:59', '24:00');
SELECT pg_temp.keep('timestamp', 'timestamp', '2000-01-01 00:00', '2000-01-01 00:00:00.000001', 'infinity', '-infinity', '4713-01-01 00:00:00 BC', '294276-12-31 23:59:59.999999', '1900-01-01 00:00', '0001-01-01 BC', '4713-11-24 00:00:00 BC', '0001-12-31 BC', '2000-01-01 01:11:34.967297');
SELECT pg_temp.keep('timestamptz', 'timestamptz', '2000-01-01 00:00+00', '2000-01-01 00:00+01', '2000-01-01 00:00:00.000001+00', 'infinity', '-infinity', '4713-01-01 00:00:00+00 BC', '294276-12-31 23:59:59.999999+00', '1880-01-01 00:00+00', '2024-10-27 00:30+00', '2024-10-27 01:30+00', '4713-11-24 00:00:00+00 BC', '1883-11-18 12:03:57-07:52:58');
SELECT pg_temp.keep('interval', 'interval', '0', '1 day', '24 hours', '1 mon', '30 days', '1 year', '12 mons', '-1 day +00:00:01', '178000000 years', '-178000000 years', '0.000001 sec', '-0.000001 sec', '1 mon -1 day', '1 day -1 sec', '720 hours', '-1 mon +1 day -00:00:00.000001');
SELECT pg_temp.keep('interval_ym', 'interval year to month', '1 year', '13 mons', '-1 mon', '0');
\if :since_17
SELECT pg_temp.keep('interval_infinite', 'interval', 'infinity', '-infinity', '1 day');
\endif
SELECT pg_temp.keep('timetz', 'timetz', '00:00+00', '24:00+00', '12:00+01', '11:00+00', '12:00-15:59:59', '12:00+15:59:59', '23:59:59.999999+00', '00:00+15:59:59', '00:00-15:59:59', '23:59:59.999999-00:00:01');
SELECT pg_temp.keep('bit', 'bit(5)', '00000', '00001', '11111', '10000');
SELECT pg_temp.keep('varbit', 'bit varying', '', '0', '1', '00', '01', repeat('1', 70), repeat('1', 69) || '0');
SELECT pg_temp.keep('numeric', 'numeric', '0', '0.0', '0.00', '-0', '1', '1.0', '1.00', '-1', 'NaN', '1e-300', '1e1000', '12345678901234567890.12345678901234567890', '12345678901234567890.12345678901234567891', '1e131071', '0.' || repeat('0', 16382) || '1', '10', '1e10');
SELECT pg_temp.keep('numeric_scale', 'numeric(10, 2)', '0', '-0.01', '0.01', '99999999.99', '-99999999.99', 'NaN', '1');
\if :since_14
SELECT pg_temp.keep('numeric_infinite', 'numeric', 'Infinity', '-Infinity', 'NaN', '0');
\endif
SELECT pg_temp.keep('refcursor', 'refcursor', '', 'a', '<unnamed portal 1>', 'it''s');
SELECT pg_temp.keep('regprocedure', 'regprocedure', '-', 'now()', 'version()', 'abs(integer)', 'abs(bigint)', 'edges.aside(integer)');
SELECT pg_temp.keep('regoper', 'regoper', '0', 'pg_catalog.||/', 'pg_catalog.|/', '4294967295');
SELECT pg_temp.keep('regoperator', 'regoperator', '0', '+(integer,integer)', '+(bigint,bigint)', '@(NONE,integer)', '-(NONE,integer)');
SELECT pg_temp.keep('regclass', 'regclass', '-', 'pg_class', 'pg_type', 'edges."Odd table"', '4294967295');
SELECT pg_temp.keep('regcollation', 'regcollation', '-', '"C"', '"POSIX"', 'edges.coll');
SELECT pg_temp.keep('regtype', 'regtype', '-', 'integer', 'integer[]', 'text', 'edges.label', 'edges.words', 'timestamptz', '4294967295');
SELECT pg_temp.keep('regrole', 'regrole', '-', 'postgres', 'pg_monitor', '4294967295');
SELECT pg_temp.keep('regnamespace', 'regnamespace', '-', 'pg_catalog', 'public', '"odd schema"', '4294967295');
SELECT pg_temp.keep('regconfig', 'regconfig', '-', 'english', 'simple', 'edges.tsc');
SELECT pg_temp.keep('regdictionary', 'regdictionary', '-', 'simple', 'english_stem');
SELECT pg_temp.keep('uuid', 'uuid', '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '00000000-0000-0000-0000-000000000001');
SELECT pg_temp.keep('pg_lsn', 'pg_lsn', '0/0', '0/1', '1/0', 'FFFFFFFF/FFFFFFFF');
SELECT pg_temp.keep('tsvector', 'tsvector', '', 'a', 'a:1', 'a:1A', 'a:2', 'b', '''it''''s'':1 ''x y'':2,3B', 'a:1,2', 'a:16383', 'a:1A,16383', 'a b');
SELECT pg_temp.keep('tsquery', 'tsquery', '', 'a', 'a & b', 'b & a', 'a | b', '!a', 'a <-> b', 'a <2> b', 'a:A', 'a:*', '''it''''s''', 'a:*AB', 'a & (b | c)', 'a & b | c');
SELECT pg_temp.keep('txid_snapshot', 'txid_snapshot', '1:1:', '10:20:10,14,15', '10:20:10,14', '10:20:');
SELECT pg_temp.keep('pg_snapshot', 'pg_snapshot', '1:1:', '10:20:10,14,15', '10:20:10,14', '10:20:');
SELECT pg_temp.keep('xid8', 'xid8', '0', '1', '18446744073709551615', '4294967296');
SELECT pg_temp.keep('xml', 'xml', '', '<a/>', '<a></a>', '<a b="c"/>', 'text', '<a>&lt;</a>', '<a/><b/>', '<!-- c -->', '<?p i?>', E'<a>\n</a>', '<![CDATA[x]]>', '<a />', '<?xml version="1.0" standalone="yes"?><a/>', '<?xml version="1.1"?><a/>', '<!DOCTYPE a []><a/>');
SELECT pg_temp.keep('int4range', 'int4range', 'empty', '(,)', '[1,2)', '[1,3)', '(,1)', '[1,)');
SELECT pg_temp.keep('numrange', 'numrange', 'empty', '(,)', '[1,2)', '[1.0,2)', '[1,2]', '(1,2)', '[NaN,NaN]', '[1.0,2]');
SELECT pg_temp.keep('tsrange', 'tsrange', 'empty', '(,)', '[2000-01-01,2000-01-02)', '[2000-01-01,2000-01-02]', '(-infinity,infinity)', '[-infinity,infinity]');
SELECT pg_temp.keep('tstzrange', 'tstzrange', 'empty', '(,)', '["2000-01-01 00:00+00","2000-01-02 00:00+00")', '["2000-01-01 00:00+00",)', '[-infinity,infinity]', '[infinity,)');
SELECT pg_temp.keep('daterange', 'daterange', 'empty', '(,)', '[2000-01-01,2000-01-02)', '[2000-01-01,infinity)', '[2000-01-01,infinity]', '[-infinity,)');
SELECT pg_temp.keep('int8range', 'int8range', 'empty', '(,)', '[1,9223372036854775807)', '[-9223372036854775808,1)');
\if :since_14
SELECT pg_temp.keep('int4multirange', 'int4multirange', '{}', '{[1,2)}', '{[1,2),[3,4)}', '{(,)}');
SELECT pg_temp.keep('nummultirange', 'nummultirange', '{}', '{[1,2)}', '{[1.0,2)}', '{[1,2),(3,4]}', '{(,)}');
SELECT pg_temp.keep('tsmultirange', 'tsmultirange', '{}', '{[2000-01-01,2000-01-02)}', '{(,)}');
SELECT pg_temp.keep('tstzmultirange', 'tstzmultirange', '{}', '{["2000-01-01 00:00+00","2000-01-02 00:00+00")}', '{(,)}');
SELECT pg_temp.keep('datemultirange', 'datemultirange', '{}', '{[2000-01-01,2000-01-02)}', '{(,)}');
SELECT pg_temp.keep('int8multirange', 'int8multirange', '{}', '{[1,2)}', '{(,)}');
\endif

-- Made of others: arrays, rows, domains, and a text that TOAST keeps in each of its ways.
SELECT pg_temp.keep('array_int4', 'integer[]', '{}', '{1}', '{NULL}', '{1,2}', '{2,1}', '{{1,2},{3,4}}', '{{1},{2}}', '[0:1]={1,2}', '[-5:-4]={1,2}', '[1:1][2:3]={{1,2}}');
SELECT pg_temp.keep('array_text', 'text[]', '{}', '{""}', '{NULL}', '{"NULL"}', '{a,b}', '{"a,b"}', '{"{a}"}', '{"\\"}', '{"\""}', '{" a"}', E'{"\n"}', '{"a\"b"}', '{a,"b,c"}');
SELECT pg_temp.keep('array_bytea', 'bytea[]', '{}', '{"\\x00"}', '{"\\x"}', '{"\\x5c"}');
SELECT pg_temp.keep('array_box', 'box[]', '{(1,1),(0,0)}', '{(1,1),(0,0);(2,2),(1,1)}', '{(1,1),(0,0);(2,2),(0,0)}');
SELECT pg_temp.keep('array_float8', 'double precision[]', '{NaN}', '{-0}', '{0}', '{0.30000000000000004}', '{0.3}');
SELECT pg_temp.keep('array_money', 'money[]', '{1.00}', '{-1.00}');
SELECT pg_temp.keep('array_xml', 'xml[]', '{<a/>}', '{"<?xml version=\"1.1\"?><a/>"}');
SELECT pg_temp.keep('array_jsonb', 'jsonb[]', '{"{}"}', '{"1","1.0"}', '{"1.0","1"}');
SELECT pg_temp.keep('row', 'edges.pair', '(,)', '(1,)', '(,"")', '(1,a)', '(1,"a,b")', '(1,"a""b")', '(1,"\\")', '(1,"""(,)\\")');
SELECT pg_temp.keep('array_row', 'edges.pair[]', '{}', '{"(1,a)"}', '{"(,)",NULL}', '{NULL}', '{"(1,)"}');
SELECT pg_temp.keep('row_of_rows', 'edges.nested', '("(1,a)","{""(2,)""}",1.5)', '("(1,a)",,1.5)', '("(1,a)",{},1.5)', '(,,)');
SELECT pg_temp.keep('enum', 'edges.label', 'a', 'b', 'it''s', '');
SELECT pg_temp.keep('array_enum', 'edges.label[]', '{a}', '{b}', '{NULL}', '{""}');
SELECT pg_temp.keep('domain_array', 'edges.labels', '{}', '{a}', '{b}', '{a,b}');
SELECT pg_temp.keep('domain_of_domain', 'edges.of_domain', '0', '0.01', '9999.99', '-1', '-0.01', '-9999.99', 'NaN');
SELECT pg_temp.keep('domain_text', 'edges.words', '{}', '{a}', '{NULL}');
SELECT pg_temp.keep('domain_row', 'edges.paired', '(,)', '(1,"")', '(1,)');
SELECT pg_temp.keep('array_domain', 'edges.scaled[]', '{1}', '{-1}', '{NULL}');
SELECT pg_temp.keep('range', 'edges.span', 'empty', '[NaN,NaN]', '[-0,1)', '[0,1)');
\if :since_14
SELECT pg_temp.keep('multirange', 'edges.span_multirange', '{}', '{[-0,1)}', '{[0,1)}');
\endif
CREATE TABLE edges.toasted (id integer GENERATED ALWAYS AS IDENTITY, v text);
ALTER TABLE edges.toasted ALTER COLUMN v SET STORAGE EXTERNAL;
INSERT INTO edges.toasted (v) SELECT repeat(md5(n::text), 400) FROM generate_series(1, 3) AS n;
INSERT INTO edges.toasted (v) SELECT left(v, -1) || 'x' FROM edges.toasted WHERE id = 1;
CREATE TABLE edges.compressed (id integer GENERATED ALWAYS AS IDENTITY, v text);
INSERT INTO edges.compressed (v) VALUES (repeat('a', 100000)), (repeat('a', 99999) || 'b'), (repeat('a', 100001));
