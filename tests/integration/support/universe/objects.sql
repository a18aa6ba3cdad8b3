-- A database with an object of every kind that PostgreSQL 13 to 18 can hold, in the forms that the
-- pages of its commands name. psql reads it, on an empty database, as a superuser:
--
--   psql -X -v ON_ERROR_STOP=1 -f objects.sql
--
-- It makes roles of the server, too: those whose names begin with universe_.
\set QUIET on
\set VERBOSITY terse
SET client_min_messages = error;
SELECT :SERVER_VERSION_NUM >= 140000 AS since_14, :SERVER_VERSION_NUM >= 150000 AS since_15,
    :SERVER_VERSION_NUM >= 160000 AS since_16, :SERVER_VERSION_NUM >= 170000 AS since_17,
    :SERVER_VERSION_NUM >= 180000 AS since_18 \gset
\ir objects/roles.sql
\ir objects/schemas.sql
\ir objects/types.sql
\ir objects/routines.sql
\ir objects/operators.sql
\ir objects/languages.sql
\ir objects/text_search.sql
\ir objects/sequences.sql
\ir objects/tables.sql
\ir objects/constraints.sql
\ir objects/partitions.sql
\ir objects/indexes.sql
\ir objects/views.sql
\ir objects/triggers.sql
\ir objects/policies.sql
\ir objects/foreign.sql
\ir objects/publications.sql
\ir objects/extensions.sql
\ir objects/large_objects.sql
\ir objects/privileges.sql
\ir objects/comments.sql
\ir objects/event_triggers.sql
