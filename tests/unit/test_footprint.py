"""For what an application may have to wait: no form is taken for harmless that is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.controller.sql.footprint import footprint
from gonogo.controller.sql.statements import pieces

ALTER = "ALTER TABLE a.b "
# Text → how it locks, and what.
READ: dict[str, tuple[str, str]] = {
    # Code of a user's that the text does not show, or only by its name.
    "CREATE TABLE a.b AS SELECT a.f()": ("unknown", ""),
    "CREATE TABLE a.b AS VALUES (a.f())": ("unknown", ""),
    "CREATE TABLE a.b AS TABLE a.v WITH NO DATA": ("none", ""),
    "CREATE TABLE a.b (c int DEFAULT a.f(), CHECK (a.g(c)))": ("none", ""),
    "CREATE MATERIALIZED VIEW a.b AS SELECT c FROM a.v": ("unknown", ""),
    "CREATE MATERIALIZED VIEW a.b AS SELECT a.f() WITH NO DATA": ("none", ""),
    "SELECT a.f() INTO a.b": ("unknown", ""),
    "INSERT INTO a.b SELECT a.f()": ("unknown", "a.b"),
    "INSERT INTO a.b (c) VALUES (a.f()) ON CONFLICT (c) DO UPDATE SET d = a.f()": (
        "unknown",
        "a.b",
    ),
    "COPY a.b FROM STDIN": ("unknown", ""),
    f"{ALTER} ADD c uuid DEFAULT gen_random_uuid()": ("tables", "a.b"),
    f"{ALTER} ADD c int DEFAULT a.f()": ("unknown", "a.b"),
    f'{ALTER} ADD c int DEFAULT "A"."f"()': ("unknown", "a.b"),
    f"{ALTER} ADD c int DEFAULT pg_catalog.random()": ("tables", "a.b"),
    f"{ALTER} ADD c int GENERATED ALWAYS AS (a.f(d)) STORED": ("unknown", "a.b"),
    f"{ALTER} ADD CHECK (a.f(c))": ("unknown", "a.b"),
    f"{ALTER} ALTER c TYPE int USING a.f(c)": ("unknown", "a.b"),
    f"{ALTER} ALTER c TYPE int USING c OPERATOR(a.+) 1": ("unknown", "a.b"),
    "CREATE INDEX i ON a.b (a.f(c))": ("unknown", "a.b"),
    "CREATE INDEX i ON a.b (c) WHERE a.f(c)": ("unknown", "a.b"),
    "CREATE INDEX i ON a.b (lower(c), c)": ("tables", "a.b"),
    "CREATE POLICY p ON a.b USING (a.f(c))": ("tables", "a.b"),
    "CREATE TRIGGER t BEFORE UPDATE ON a.b WHEN (a.f(1)) EXECUTE FUNCTION a.g()": ("tables", "a.b"),
    "UPDATE a.b SET c = a.f()": ("unknown", "a.b"),
    "UPDATE a.b SET c = 1 FROM a.f() AS d": ("unknown", "a.b"),
    "DELETE FROM a.b WHERE a.f(c)": ("unknown", "a.b"),
    "MERGE INTO a.b USING a.c ON a.f(d) WHEN MATCHED THEN DELETE": ("unknown", "a.b"),
    "WITH x AS (SELECT a.f()) UPDATE a.b SET c = 1": ("unknown", "a.b"),
    f"{ALTER} ADD c int": ("tables", "a.b"),
    f"{ALTER} ADD FOREIGN KEY (c) REFERENCES a.d (e)": ("tables", "a.b a.d"),
    "ALTER TABLE IF EXISTS ONLY a.b DROP c": ("tables", "a.b"),
    f"{ALTER} ATTACH PARTITION a.p FOR VALUES IN (1)": ("tables", "a.b a.p"),
    f"{ALTER} DETACH PARTITION a.p": ("tables", "a.b a.p"),
    f"{ALTER} INHERIT a.p": ("tables", "a.b a.p"),
    f"{ALTER} VALIDATE CONSTRAINT c": ("none", ""),
    f"{ALTER} VALIDATE CONSTRAINT c, VALIDATE CONSTRAINT d;": ("none", ""),
    f"{ALTER} VALIDATE CONSTRAINT c, ADD d int": ("tables", "a.b"),
    "ALTER TABLE b ADD c int": ("unknown", ""),
    "ALTER TABLE ALL IN TABLESPACE x SET TABLESPACE y": ("unknown", ""),
    "ALTER FOREIGN TABLE a.b ADD c int": ("tables", "a.b"),
    "ALTER INDEX a.i RENAME TO j": ("tables", "a.i"),
    "ALTER VIEW a.v ALTER c SET DEFAULT 1": ("tables", "a.v"),
    "ALTER MATERIALIZED VIEW a.v RENAME TO w": ("tables", "a.v"),
    "ALTER SEQUENCE a.s RESTART": ("tables", "a.s"),
    "ALTER POLICY p ON a.b USING (true)": ("tables", "a.b"),
    "ALTER TRIGGER t ON a.b RENAME TO u": ("tables", "a.b"),
    "ALTER TYPE a.t ADD VALUE 'x'": ("none", ""),
    "ALTER TYPE a.t ADD ATTRIBUTE x int CASCADE": ("unknown", ""),
    "ALTER DOMAIN a.d ADD CHECK (value > 0)": ("unknown", ""),
    "ALTER FUNCTION a.f() STRICT": ("none", ""),
    "ALTER EXTENSION x UPDATE": ("unknown", ""),
    "CLUSTER a.b USING i": ("tables", "a.b"),
    "CLUSTER (VERBOSE) a.b": ("tables", "a.b"),
    "CLUSTER": ("unknown", ""),
    "COMMENT ON TABLE a.b IS 'x'": ("none", ""),
    "CREATE INDEX i ON a.b (c)": ("tables", "a.b"),
    "CREATE UNIQUE INDEX i ON ONLY a.b (c)": ("tables", "a.b"),
    "CREATE TRIGGER t BEFORE UPDATE OF c ON a.b EXECUTE FUNCTION a.f()": ("tables", "a.b"),
    "CREATE OR REPLACE RULE r AS ON UPDATE TO a.b DO NOTHING": ("tables", "a.b"),
    "CREATE POLICY p ON a.b USING (true)": ("tables", "a.b"),
    "CREATE VIEW a.v AS SELECT 1": ("none", ""),
    "CREATE OR REPLACE VIEW a.v AS SELECT 1": ("tables", "a.v"),
    "CREATE TABLE a.b (c int)": ("none", ""),
    "CREATE TABLE a.b (c int REFERENCES a.d)": ("tables", "a.d"),
    "CREATE TABLE a.b PARTITION OF a.p DEFAULT": ("tables", "a.p"),
    "CREATE TABLE a.b () INHERITS (a.p)": ("unknown", ""),
    "CREATE OR REPLACE FUNCTION a.f() RETURNS int LANGUAGE sql AS 'SELECT 1'": ("none", ""),
    "CREATE TABLE a.b (c int REFERENCES a.d ON DELETE CASCADE ON UPDATE CASCADE)": (
        "tables",
        "a.d",
    ),
    "CREATE TABLE a.b AS SELECT c FROM a.d": ("unknown", ""),
    "CREATE TABLE a.b AS SELECT c FROM a.d FOR UPDATE": ("unknown", ""),
    "CREATE TABLE a.b AS WITH x AS (DELETE FROM a.d RETURNING c) SELECT c FROM x": ("unknown", ""),
    "CREATE TABLE a.b AS WITH x AS MATERIALIZED (UPDATE a.d SET c = 1 RETURNING c) TABLE x": (
        "unknown",
        "",
    ),
    "CREATE TABLE a.b AS EXECUTE p": ("unknown", ""),
    "CREATE MATERIALIZED VIEW a.b AS SELECT c FROM a.d FOR KEY SHARE": ("unknown", ""),
    "CREATE SCHEMA s": ("none", ""),
    "CREATE SCHEMA s CREATE TABLE t (c int REFERENCES a.d)": ("unknown", "a.d"),
    "CREATE EXTENSION x": ("unknown", ""),
    "DELETE FROM ONLY a.b": ("rows", "a.b"),
    "DO 'BEGIN END'": ("unknown", ""),
    "DROP TABLE a.b, a.c CASCADE": ("tables", "a.b a.c"),
    "DROP TABLE IF EXISTS a.b": ("tables", "a.b"),
    "DROP INDEX a.i": ("tables", "a.i"),
    "DROP VIEW a.v": ("tables", "a.v"),
    "DROP MATERIALIZED VIEW a.v": ("tables", "a.v"),
    "DROP TRIGGER t ON a.b": ("tables", "a.b"),
    "DROP FUNCTION a.f()": ("none", ""),
    "DROP FUNCTION a.f() CASCADE": ("unknown", ""),
    "DROP TYPE a.t CASCADE": ("unknown", ""),
    "DROP SCHEMA s CASCADE": ("unknown", ""),
    "DROP EXTENSION x": ("unknown", ""),
    "DROP OWNED BY x": ("unknown", ""),
    "EXPLAIN ANALYZE DELETE FROM a.b": ("unknown", ""),
    "GRANT REFERENCES ON a.b TO c": ("none", ""),
    "INSERT INTO a.b VALUES (1)": ("unknown", "a.b"),
    "INSERT INTO a.b VALUES (1) ON CONFLICT (c) DO UPDATE SET d = 1": ("rows", "a.b"),
    "INSERT INTO a.b SELECT c FROM a.d FOR SHARE": ("unknown", "a.b"),
    "INSERT INTO a.b WITH x AS (DELETE FROM a.d RETURNING c) SELECT c FROM x": ("unknown", "a.b"),
    "LOCK TABLE ONLY a.b, a.c IN SHARE MODE": ("tables", "a.b a.c"),
    "LOCK a.b": ("tables", "a.b"),
    "MERGE INTO a.b USING a.c ON true WHEN MATCHED THEN DELETE": ("rows", "a.b"),
    "REFRESH MATERIALIZED VIEW CONCURRENTLY a.v": ("unknown", "a.v"),
    "REINDEX (VERBOSE) TABLE a.b": ("tables", "a.b"),
    "REINDEX INDEX a.i": ("tables", "a.i"),
    "REINDEX SCHEMA a": ("unknown", ""),
    "SELECT a.f()": ("unknown", ""),
    "SET search_path TO ''": ("none", ""),
    "TRUNCATE TABLE a.b *, ONLY a.c": ("tables", "a.b a.c"),
    "UPDATE a.b SET c = 1": ("rows", "a.b"),
    "VACUUM a.b": ("none", ""),
    "VACUUM (FULL) a.b": ("unknown", ""),
    "VALUES (a.f())": ("unknown", ""),
    "WITH x AS (UPDATE a.b SET c = 1 RETURNING d) SELECT 1": ("rows", "a.b"),
    "WITH x AS (SELECT 1) DELETE FROM a.b": ("rows", "a.b"),
    "WITH x AS (SELECT 1) SELECT a.f() FROM x FOR UPDATE": ("unknown", ""),
    "CALL a.p()": ("unknown", ""),
    "EXECUTE p": ("unknown", ""),
    "(SELECT 1)": ("unknown", ""),
}


@pytest.mark.parametrize("text", READ)
def test_what_a_statement_locks(text: str) -> None:
    (piece,) = pieces(text)
    found = footprint(piece)
    lock, tables = READ[text]
    assert (found.lock, [".".join(name) for name in found.tables]) == (lock, tables.split())


@pytest.mark.parametrize(
    ("text", "lock"),
    [
        ("UPDATE a.b SET c = f()", "unknown"),
        ("UPDATE a.b SET c = coalesce(c, now())", "rows"),
        ("ALTER TABLE b ADD c varchar(10) DEFAULT 'x'", "tables"),
        ("ALTER TABLE b ADD c int DEFAULT f()", "unknown"),
    ],
)
def test_where_a_path_leads_to_functions_of_users_any_may_be_theirs(text: str, lock: str) -> None:
    (piece,) = pieces(text)
    assert footprint(piece, qualified=False).lock == lock


@given(st.lists(st.sampled_from([*" ".join(READ).split(), "(", ")", ",", "."]), max_size=12))
def test_anything_has_one(words: list[str]) -> None:
    for piece in pieces(" ".join(words).replace("'", "")):
        found = footprint(piece)
        if found.lock in {"rows", "tables"}:
            assert found.tables
