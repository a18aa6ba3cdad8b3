"""Databases whose backup is perfect, and hard to recognise as such: each is proven."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.cluster import Cluster
from tests.integration.support.harness import login_of
from tests.integration.support.twins import Rehearsal
from tests.integration.support.universe import loading

NAME = "perfect"

# Scripts that make them.
CASES: dict[str, str] = {
    "nested_conditions": (
        "CREATE TABLE t (n integer, m integer, v text, w text, a integer, b integer,"
        " CHECK (n BETWEEN 1 AND 9 AND m > 0), CHECK (n NOT BETWEEN 1 AND 9 OR m > 0),"
        " CHECK (v IN (w, 'x') OR v IS NULL), CHECK ((a, b) IN ((1, 2), (3, 4)) OR m > 0),"
        " g boolean GENERATED ALWAYS AS (n BETWEEN 1 AND 9 AND m > 0) STORED,"
        " d boolean DEFAULT (1 BETWEEN 0 AND 2 AND 3 > 2));"
        "CREATE DOMAIN o AS integer CHECK (VALUE BETWEEN 1 AND 9 AND VALUE <> 5);"
        "CREATE INDEX i ON t (n) WHERE n BETWEEN 1 AND 9 AND m > 0;"
        "CREATE VIEW s AS SELECT n FROM t WHERE n BETWEEN 1 AND 9 AND m > 0;"
        "CREATE MATERIALIZED VIEW z AS SELECT n FROM t WHERE n BETWEEN 1 AND 9 AND m > 0;"
        "CREATE POLICY p ON t USING (n BETWEEN 1 AND 9 AND m > 0);"
        "CREATE RULE r AS ON UPDATE TO t WHERE NEW.n BETWEEN 1 AND 9 AND NEW.m > 0 DO NOTHING"
    ),
    "list_of_varchar_with_length": (
        "CREATE TABLE t (v varchar(10), CHECK (v IN ('a'::varchar(10), 'b'::varchar(10))))"
    ),
    "view_of_values": "CREATE VIEW v (a, b) AS VALUES (1, 'x'), (2, NULL)",
    "options_in_another_order": (
        "CREATE FOREIGN DATA WRAPPER w OPTIONS (b '1', a '2');"
        "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (port '1', host 'x', dbname 'y')"
    ),
    "identity_of_a_copied_table": (
        "CREATE TABLE a (id integer GENERATED ALWAYS AS IDENTITY);"
        "CREATE TABLE b (LIKE a INCLUDING ALL)"
    ),
    "no_comment_on_an_extension": ("COMMENT ON EXTENSION plpgsql IS NULL"),
    "no_comment_on_another_extension": (
        "CREATE EXTENSION pgcrypto; COMMENT ON EXTENSION pgcrypto IS NULL"
    ),
    "no_plpgsql": ("DROP EXTENSION plpgsql"),
    "comment_on_an_invalid_index": (
        "CREATE TABLE t (a integer); CREATE INDEX i ON t (a); COMMENT ON INDEX i IS 'x';"
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass"
    ),
    "comments_on_parts_of_a_partition": (
        "CREATE TABLE t (a integer PRIMARY KEY) PARTITION BY RANGE (a);"
        "CREATE TABLE p PARTITION OF t FOR VALUES FROM (1) TO (9);"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();"
        "COMMENT ON TRIGGER g ON p IS 'x'; COMMENT ON CONSTRAINT p_pkey ON p IS 'y'"
    ),
    # Before version 15 a dump has neither.
    "comment_on_public": ("COMMENT ON SCHEMA public IS 'ours'"),
    "public_of_another_owner": (
        "CREATE ROLE universe_owner; ALTER SCHEMA public OWNER TO universe_owner"
    ),
    "xml_with_a_declaration": (
        "CREATE TABLE t (x xml);"
        """INSERT INTO t VALUES ('<?xml version="1.0" encoding="UTF-8"?><a/>')"""
    ),
    "large_object_with_a_hole": ("SELECT lo_put(lo_create(99), 100000, '\\xff')"),
    "trigger_disabled_on_a_leaf": (
        "CREATE TABLE t (a integer, b integer) PARTITION BY RANGE (a);"
        "CREATE TABLE m PARTITION OF t FOR VALUES FROM (1) TO (9) PARTITION BY RANGE (b);"
        "CREATE TABLE l PARTITION OF m FOR VALUES FROM (1) TO (9);"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();"
        "ALTER TABLE l DISABLE TRIGGER g"
    ),
    # A switch of a partitioned table is one of its partitions, whose names come first here.
    "triggers_switched_at_two_levels": (
        "CREATE TABLE t (a integer, b integer) PARTITION BY RANGE (a);"
        "CREATE TABLE m PARTITION OF t FOR VALUES FROM (1) TO (9) PARTITION BY RANGE (b);"
        "CREATE TABLE l PARTITION OF m FOR VALUES FROM (1) TO (9);"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();"
        "ALTER TABLE m DISABLE TRIGGER g; ALTER TABLE l ENABLE ALWAYS TRIGGER g"
    ),
    "granted_by_a_grantee": (
        "CREATE ROLE universe_owner; CREATE ROLE universe_reader; CREATE TABLE t (a integer);"
        "GRANT SELECT ON t TO universe_owner WITH GRANT OPTION; SET ROLE universe_owner;"
        "GRANT SELECT ON t TO universe_reader; RESET ROLE"
    ),
    "read_only_by_default": (
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on',"
        " current_database()); END $$"
    ),
    "view_that_needs_a_search_path": (
        "CREATE SCHEMA s; CREATE FUNCTION s.inner_one() RETURNS integer LANGUAGE sql IMMUTABLE"
        " AS 'SELECT 1'; CREATE FUNCTION s.outer_one() RETURNS integer LANGUAGE sql IMMUTABLE"
        " SET search_path = s AS 'SELECT inner_one()'; CREATE VIEW s.v AS SELECT s.outer_one()"
    ),
    # Found with the universe.
    "aggregate_with_an_internal_state": (
        "CREATE AGGREGATE a(numeric) (SFUNC = numeric_avg_accum, STYPE = internal,"
        " FINALFUNC = numeric_avg)"
    ),
    "collation_of_every_encoding": ('CREATE COLLATION c FROM "C"'),
    "commented_subscription": (
        "CREATE SUBSCRIPTION s CONNECTION 'host=example.invalid' PUBLICATION p"
        " WITH (connect = false, slot_name = NONE, enabled = false);"
        "COMMENT ON SUBSCRIPTION s IS 'x'"
    ),
    "granted_and_taken_back": (
        "CREATE ROLE universe_reader; SELECT lo_create(1);"
        "GRANT SELECT ON LARGE OBJECT 1 TO universe_reader;"
        "REVOKE SELECT ON LARGE OBJECT 1 FROM universe_reader;"
        "GRANT USAGE ON LANGUAGE sql TO universe_reader;"
        "GRANT SELECT ON information_schema.tables TO universe_reader;"
        "GRANT EXECUTE ON FUNCTION pg_sleep(double precision) TO universe_reader;"
        "REVOKE EXECUTE ON FUNCTION pg_sleep(double precision) FROM universe_reader"
    ),
    "index_that_is_on_all_partitions_by_now": (
        "CREATE TABLE t (a integer, b integer) PARTITION BY RANGE (a);"
        "CREATE TABLE p PARTITION OF t FOR VALUES FROM (1) TO (9); CREATE INDEX i ON t (b);"
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass"
    ),
    "function_of_an_extension_of_another_owner": (
        "CREATE ROLE universe_owner; CREATE ROLE universe_reader;"
        "GRANT CREATE ON SCHEMA public TO universe_owner;"
        "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO universe_owner',"
        " current_database()); END $$;"
        "SET ROLE universe_owner; CREATE EXTENSION pgcrypto; RESET ROLE;"
        "REVOKE EXECUTE ON FUNCTION crypt(text, text) FROM PUBLIC;"
        "GRANT EXECUTE ON FUNCTION crypt(text, text) TO universe_reader"
    ),
    "index_not_on_all_partitions": (
        "CREATE TABLE t (a integer, b integer) PARTITION BY RANGE (a);"
        "CREATE TABLE p PARTITION OF t FOR VALUES FROM (1) TO (9);"
        "CREATE INDEX i ON ONLY t (b)"
    ),
    # Of which others have reported that a dump of them could not be restored, or lost something.
    "materialized_view_of_a_key": (
        "CREATE TABLE t (a integer PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x');"
        "CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t GROUP BY a;"
        "CREATE UNIQUE INDEX i ON m (a); CREATE VIEW v AS SELECT a, b FROM m"
    ),
    "trigger_on_a_view_of_a_key": (
        "CREATE TABLE t (a integer PRIMARY KEY, b text);"
        "CREATE VIEW v AS SELECT a, b FROM t GROUP BY a;"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER g INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f();"
        "ALTER VIEW v ALTER COLUMN b SET DEFAULT 'x'; COMMENT ON COLUMN v.b IS 'y'"
    ),
    "view_grouped_by_a_class_of_ours": (
        "CREATE TYPE c AS (a integer); "
        + "".join(
            f"CREATE FUNCTION {name}(c, c) RETURNS boolean LANGUAGE sql IMMUTABLE"
            f" AS 'SELECT ($1).a {sign} ($2).a';"
            f"CREATE OPERATOR {sign} (LEFTARG = c, RIGHTARG = c, FUNCTION = {name});"
            for name, sign in (("lt", "<"), ("le", "<="), ("eq", "="), ("ge", ">="), ("gt", ">"))
        )
        + "CREATE FUNCTION cmp(c, c) RETURNS integer LANGUAGE sql IMMUTABLE"
        " AS 'SELECT sign(($1).a - ($2).a)::integer';"
        "CREATE OPERATOR CLASS o DEFAULT FOR TYPE c USING btree AS OPERATOR 1 <, OPERATOR 2 <=,"
        " OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 cmp(c, c);"
        "CREATE TABLE t (v c); CREATE VIEW g AS SELECT v, count(*) FROM t GROUP BY v ORDER BY v"
    ),
    "materialized_view_of_another_owners_rows": (
        "CREATE ROLE universe_owner; CREATE ROLE universe_reader; CREATE SCHEMA s;"
        "GRANT ALL ON SCHEMA s TO universe_owner, universe_reader; SET ROLE universe_owner;"
        "CREATE TABLE s.t (a integer); INSERT INTO s.t VALUES (1);"
        "GRANT SELECT ON s.t TO universe_reader; SET ROLE universe_reader;"
        "CREATE MATERIALIZED VIEW s.m AS SELECT a FROM s.t; RESET ROLE"
    ),
    "function_that_takes_rows_of_a_view": (
        "CREATE TABLE t (a integer PRIMARY KEY, b text);"
        "CREATE VIEW v AS SELECT a, b FROM t GROUP BY a;"
        "CREATE FUNCTION f(v) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ($1).b';"
        "CREATE TABLE w (x v, CHECK (f(x) <> 'y'))"
    ),
    "children_that_differ": (
        "CREATE TABLE t (a integer DEFAULT 1 NOT NULL, b integer DEFAULT 2,"
        " CHECK (a > 0) NO INHERIT, CONSTRAINT c CHECK (b > 0));"
        "CREATE TABLE k (CONSTRAINT c CHECK (b > 0)) INHERITS (t);"
        "CREATE TABLE l (b integer, a integer);"
        "ALTER TABLE l ALTER a SET NOT NULL, ADD CONSTRAINT c CHECK (b > 0), INHERIT t;"
        "ALTER TABLE k ALTER a DROP DEFAULT, ALTER b SET DEFAULT 3;"
        "ALTER TABLE ONLY t ALTER b SET STATISTICS 7; ALTER TABLE k ALTER b SET STORAGE PLAIN"
    ),
    "no_longer_computed": (
        "CREATE TABLE t (a integer, g integer GENERATED ALWAYS AS (a * 2) STORED);"
        "CREATE TABLE k () INHERITS (t); INSERT INTO k VALUES (1);"
        "ALTER TABLE t ALTER g DROP EXPRESSION; INSERT INTO t VALUES (2, 3)"
    ),
    "partitions_in_another_order_of_columns": (
        "CREATE TABLE t (a integer, gone text, b text DEFAULT 'x') PARTITION BY LIST (b);"
        "ALTER TABLE t DROP gone; CREATE TABLE p (b text DEFAULT 'y', more integer, a integer);"
        "ALTER TABLE p DROP more; ALTER TABLE t ATTACH PARTITION p FOR VALUES IN ('y', NULL);"
        "CREATE TABLE q PARTITION OF t DEFAULT; INSERT INTO t VALUES (1, 'y'), (2, NULL), (3, 'z')"
    ),
    "rows_a_key_hash_would_put_elsewhere": (
        "CREATE TYPE e AS ENUM ('b', 'a'); ALTER TYPE e ADD VALUE 'aa' BEFORE 'a';"
        "CREATE TABLE t (v e) PARTITION BY HASH (v);"
        "CREATE TABLE p PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        "CREATE TABLE q PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
        "INSERT INTO t VALUES ('a'), ('b'), ('aa')"
    ),
    "keys_that_refer_in_a_circle": (
        "CREATE TABLE t (a integer PRIMARY KEY, b integer);"
        "CREATE TABLE w (a integer PRIMARY KEY REFERENCES t DEFERRABLE INITIALLY DEFERRED);"
        "BEGIN; INSERT INTO w VALUES (1); INSERT INTO t VALUES (1, 1); COMMIT;"
        "ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES w ON DELETE SET NULL;"
        "ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES t NOT VALID"
    ),
    "triggers_of_users_switched_off": (
        "CREATE TABLE t (a integer PRIMARY KEY); CREATE TABLE w (a integer REFERENCES t);"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER g BEFORE INSERT ON w FOR EACH ROW EXECUTE FUNCTION f();"
        "ALTER TABLE w DISABLE TRIGGER USER; INSERT INTO t VALUES (7); INSERT INTO w VALUES (7)"
    ),
    "rights_by_default": (
        "CREATE ROLE universe_owner; CREATE ROLE universe_reader; CREATE SCHEMA s;"
        "ALTER DEFAULT PRIVILEGES FOR ROLE universe_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;"
        "ALTER DEFAULT PRIVILEGES FOR ROLE universe_owner IN SCHEMA s GRANT SELECT ON TABLES"
        " TO universe_reader; GRANT ALL ON SCHEMA s TO universe_owner; SET ROLE universe_owner;"
        "CREATE TABLE s.t (a integer); CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql"
        " AS 'SELECT 1'; REVOKE ALL ON s.t FROM universe_owner, universe_reader;"
        "CREATE TABLE s.u (a integer, b integer); REVOKE SELECT ON s.u FROM universe_reader;"
        "GRANT SELECT (b), UPDATE (a) ON s.u TO universe_reader; RESET ROLE"
    ),
    "row_security_that_refuses_its_owner": (
        "CREATE ROLE universe_owner; CREATE SCHEMA s AUTHORIZATION universe_owner;"
        "SET ROLE universe_owner; CREATE TABLE s.t (a integer); INSERT INTO s.t VALUES (1), (2);"
        "CREATE POLICY p ON s.t AS RESTRICTIVE FOR SELECT TO PUBLIC USING (false);"
        "ALTER TABLE s.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; RESET ROLE"
    ),
    "domain_of_a_domain_of_an_array": (
        "CREATE DOMAIN a AS integer[] CHECK (cardinality(VALUE) < 4) NOT NULL;"
        "CREATE DOMAIN b AS a DEFAULT '{7}' CHECK (VALUE[1] > 0);"
        "ALTER DOMAIN b ADD CONSTRAINT later CHECK (VALUE[1] < 9) NOT VALID;"
        "CREATE TABLE t (v b, w b[]); INSERT INTO t VALUES ('{1}', ARRAY['{2}'::a, '{3}']::b[]),"
        " (DEFAULT, NULL)"
    ),
    "statistics_of_an_expression": (
        "CREATE TABLE t (a integer, b text); CREATE INDEX i ON t ((a + 1), (lower(b)) DESC);"
        "ALTER INDEX i ALTER COLUMN 2 SET STATISTICS 5; CREATE STATISTICS s (mcv) ON a, b FROM t;"
        "ALTER STATISTICS s SET STATISTICS 9; ALTER TABLE t CLUSTER ON i;"
        "INSERT INTO t SELECT n, n FROM generate_series(1, 50) AS n; ANALYZE t"
    ),
    "names_that_need_quotes_twice": (
        """CREATE SCHEMA "a.b"; CREATE TYPE "a.b"."c""d" AS ENUM ('x''y', E'\\\\', '');"""
        """CREATE TABLE "a.b"."e f" ("g%s" "a.b"."c""d" DEFAULT E'\\\\', "$1" integer,"""
        """ CONSTRAINT "h;--" CHECK ("g%s" <> 'x''y'));"""
        """INSERT INTO "a.b"."e f" VALUES (DEFAULT, 1), ('', NULL)"""
    ),
}


@pytest.fixture
def made(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    file = tmp_path / "script.sql"
    settings = "SET client_min_messages = error; SET allow_system_table_mods = on;"
    file.write_text(f"{settings}\n{CASES[request.param]};\n")
    return file


@pytest.mark.attack
@pytest.mark.parametrize(
    "made",
    CASES,
    indirect=True,
)
def test_it_is_proven(
    cluster: Cluster, tmp_path: Path, made: Path, server_bin: Path | None
) -> None:
    programs = {"server_bin": str(server_bin), "pg_bin": str(server_bin)} if server_bin else {}
    with loading.loaded(cluster, NAME, made) as database:
        run = Rehearsal(database, tmp_path, login_of(cluster, NAME), options=programs)
        with run.locked():
            answer = run.restore(run.back_up())
    assert answer["proven"] is True, (answer["reason"], answer.get("proof", {}).get("schema"))
