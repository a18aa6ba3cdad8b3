-- Those that come with the server, where its packages have them.
SELECT count(*) = 4 AS contrib FROM pg_available_extensions WHERE name IN ('hstore', 'citext', 'btree_gist', 'pg_trgm') \gset
\if :contrib
CREATE SCHEMA extensions;
CREATE EXTENSION hstore SCHEMA extensions;
CREATE EXTENSION citext;
CREATE EXTENSION btree_gist WITH SCHEMA "Odd ""schema'";
CREATE EXTENSION pg_trgm SCHEMA extensions;
ALTER EXTENSION citext SET SCHEMA extensions;
CREATE TABLE plain.of_extensions (a extensions.hstore, b extensions.citext PRIMARY KEY, c text);
INSERT INTO plain.of_extensions VALUES ('a=>1, b=>NULL', 'A', 'trigrams'), (NULL, 'b', NULL);
CREATE INDEX of_trigrams ON plain.of_extensions USING gin (c extensions.gin_trgm_ops);
-- Version 13 cannot drop an extension whose operator class has options in an index.
\if :since_14
CREATE INDEX of_hstore ON plain.of_extensions USING gist (a extensions.gist_hstore_ops (siglen = 32));
\endif
ALTER TABLE plain.of_extensions ADD CONSTRAINT by_text EXCLUDE USING gist (c WITH =);
\endif
-- Its module needs a libpq that not every package brings.
DO $$ BEGIN CREATE EXTENSION postgres_fdw; EXCEPTION WHEN undefined_file OR feature_not_supported THEN NULL; END $$;
SELECT count(*) > 0 AS postgres_fdw FROM pg_extension WHERE extname = 'postgres_fdw' \gset
\if :postgres_fdw
CREATE SERVER of_postgres FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'example.invalid');
CREATE FOREIGN TABLE plain.foreign_postgres (a integer) SERVER of_postgres OPTIONS (schema_name 's', table_name 't');
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO universe_reader;
\endif
\if :contrib
REVOKE EXECUTE ON FUNCTION extensions.hstore_to_json(extensions.hstore) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION extensions.hstore_to_json(extensions.hstore) TO universe_owner;
CREATE FUNCTION plain.needs_hstore(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION plain.needs_hstore(integer) DEPENDS ON EXTENSION hstore;
CREATE MATERIALIZED VIEW plain.needs_hstore_view AS SELECT 1 AS a;
ALTER MATERIALIZED VIEW plain.needs_hstore_view DEPENDS ON EXTENSION hstore;
CREATE INDEX needs_hstore_index ON plain.of_extensions (c);
ALTER INDEX plain.needs_hstore_index DEPENDS ON EXTENSION hstore;
CREATE TRIGGER needs_hstore BEFORE INSERT ON plain.triggered FOR EACH ROW EXECUTE FUNCTION plain.trigger_function();
ALTER TRIGGER needs_hstore ON plain.triggered DEPENDS ON EXTENSION hstore;
COMMENT ON EXTENSION hstore IS 'ours';
\endif
