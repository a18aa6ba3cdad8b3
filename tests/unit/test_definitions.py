"""Which statements leave every row as it is, and which may be refused for rows."""

from __future__ import annotations

import pytest

from gonogo.controller.sql.definitions import looks_at_rows, only_defines


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE public.b (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz(3))",
        "CREATE TABLE b (id int, c int GENERATED ALWAYS AS (id * 2) STORED)",
        "CREATE TABLE b PARTITION OF a FOR VALUES FROM (1) TO (10)",
        "CREATE UNIQUE INDEX CONCURRENTLY b_key ON public.b (lower(email)) WHERE gone IS NULL",
        "CREATE INDEX i ON b USING gin (tags)",
        "CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DELETE FROM b $$",
        "CREATE TRIGGER t BEFORE INSERT ON b FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE VIEW v AS SELECT f(1)",
        "CREATE TYPE mood AS ENUM ('a', 'b')",
        "ALTER TABLE a ADD COLUMN c numeric(10, 2) NOT NULL DEFAULT 0",
        "ALTER TABLE a ADD COLUMN c timestamptz DEFAULT now()",
        "ALTER TABLE ONLY public.a ADD CONSTRAINT a_fk FOREIGN KEY (b) REFERENCES public.b(id)"
        " ON DELETE CASCADE",
        "ALTER TABLE a ADD CHECK (n > 0 AND length(t) < 5), ALTER n SET NOT NULL",
        "ALTER TABLE a DROP CONSTRAINT x, ALTER c DROP DEFAULT, ALTER d DROP NOT NULL",
        "ALTER TABLE a VALIDATE CONSTRAINT x",
        "ALTER TABLE a RENAME TO b",
        "ALTER TYPE mood ADD VALUE 'c'",
        "ALTER INDEX i RENAME TO j",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ro",
        "DROP INDEX CONCURRENTLY IF EXISTS i",
        "DROP TRIGGER t ON b",
        "COMMENT ON TABLE a IS 'x'",
        "GRANT SELECT ON a TO ro",
        "SET LOCAL lock_timeout = '1s'",
    ],
)
def test_what_changes_definitions_alone(text: str) -> None:
    assert only_defines(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-- nothing",
        "UPDATE a SET b = 1",
        "INSERT INTO a VALUES (1)",
        "DELETE FROM a",
        "MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE",
        "TRUNCATE a",
        "COPY a FROM STDIN",
        "WITH x AS (DELETE FROM a RETURNING 1) SELECT * FROM x",
        "SELECT f()",
        "DO $$ BEGIN DELETE FROM a; END $$",
        "CALL p()",
        "EXPLAIN ANALYZE DELETE FROM a",
        "REFRESH MATERIALIZED VIEW m",
        "CLUSTER a",
        "CREATE TABLE b AS SELECT * FROM a",
        "CREATE TABLE b AS TABLE a",
        "CREATE TABLE b AS (SELECT generated FROM a)",
        "CREATE TABLE b (x) AS (SELECT generated FROM a)",
        "ALTER TABLE a ADD COLUMN c timestamptz DEFAULT app.now()",
        "CREATE MATERIALIZED VIEW m AS SELECT f(1)",
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
        "CREATE EXTENSION citext",
        "CREATE SCHEMA s CREATE TABLE t (id int)",
        "CREATE TEMPORARY TABLE t (id int)",
        "CREATE INDEX i ON b (app.f(c))",
        "CREATE SERVER s FOREIGN DATA WRAPPER w",
        "ALTER TABLE a ALTER COLUMN b TYPE bigint",
        "ALTER TABLE a ALTER b SET DATA TYPE text USING f(b)",
        "ALTER TABLE a DROP COLUMN b",
        "ALTER TABLE a DROP b",
        'ALTER TABLE a DROP "constraint"',
        "ALTER TABLE a DROP CONSTRAINT x CASCADE",
        "ALTER TABLE a ADD COLUMN c int DEFAULT next_code()",
        'ALTER TABLE a ADD COLUMN c int DEFAULT app."now"()',
        "ALTER TABLE a ADD CHECK (is_fine(b))",
        "ALTER TABLE a ADD COLUMN c int GENERATED ALWAYS AS (b * 2) STORED",
        "ALTER TYPE pair ALTER ATTRIBUTE a TYPE text CASCADE",
        "ALTER DOMAIN d ADD CHECK (is_fine(VALUE))",
        "ALTER SYSTEM SET fsync = off",
        "ALTER ROLE x SUPERUSER",
        "DROP TABLE a",
        "DROP SCHEMA s",
        "DROP VIEW v CASCADE",
        "DROP MATERIALIZED VIEW m",
        "DROP TYPE t",
        "DROP OWNED BY x",
        "REASSIGN OWNED BY x TO y",
        "GRANT SELECT ON a TO ro; DELETE FROM a",
        "it is no SQL",
    ],
)
def test_what_may_change_rows_or_is_not_known(text: str) -> None:
    assert not only_defines(text)


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("ALTER TABLE a ADD CONSTRAINT c CHECK (n > 0)", True),
        ("ALTER TABLE a ALTER n SET NOT NULL", True),
        ("ALTER TABLE a VALIDATE CONSTRAINT c", True),
        ("ALTER TABLE a ATTACH PARTITION b DEFAULT", True),
        ("CREATE UNIQUE INDEX i ON a (n)", True),
        ("CREATE TABLE a (n int)", False),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", False),
        ("GRANT SELECT ON a TO ro", False),
        ("DROP INDEX i", False),
    ],
)
def test_what_may_be_refused_for_rows(text: str, looks: bool) -> None:
    assert looks_at_rows(text) is looks
