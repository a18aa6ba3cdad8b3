GRANT USAGE, CREATE ON SCHEMA plain TO universe_reader WITH GRANT OPTION;
GRANT USAGE ON SCHEMA "Odd ""schema'" TO PUBLIC, "universe_Odd ""name'";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON plain.keys TO universe_reader;
GRANT ALL ON plain.checks TO universe_owner WITH GRANT OPTION;
GRANT SELECT ON plain.serials, plain.tree TO PUBLIC;
GRANT SELECT (a), UPDATE (b), INSERT (a, b), REFERENCES (a) ON plain.referenced TO universe_reader, "universe_Odd ""name'";
REVOKE ALL ON plain.circle_a FROM CURRENT_USER;
GRANT SELECT ON plain.simple, plain.materialized, plain.foreign_plain TO universe_reader;
GRANT SELECT (x) ON plain.named TO universe_reader;
GRANT USAGE, SELECT, UPDATE ON SEQUENCE plain.used TO universe_reader;
GRANT USAGE ON SEQUENCE plain.small TO universe_owner WITH GRANT OPTION;
REVOKE EXECUTE ON FUNCTION plain.f(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION plain.f(integer) TO universe_reader WITH GRANT OPTION;
REVOKE ALL ON PROCEDURE plain.p(integer[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION plain.total(integer) FROM PUBLIC;
REVOKE USAGE ON TYPE plain.mood FROM PUBLIC;
GRANT USAGE ON TYPE plain.mood TO universe_reader;
GRANT USAGE ON DOMAIN plain.positive TO universe_owner;
REVOKE ALL ON LANGUAGE trusted_plpgsql FROM PUBLIC;
GRANT USAGE ON LANGUAGE trusted_plpgsql TO universe_reader;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC, universe_reader;
GRANT USAGE ON FOREIGN DATA WRAPPER with_options TO universe_reader WITH GRANT OPTION;
GRANT USAGE ON FOREIGN SERVER full_server TO universe_reader, universe_owner;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_logdir() TO universe_reader;
GRANT SELECT ON pg_catalog.pg_authid TO universe_reader;
GRANT SELECT (rolname) ON pg_catalog.pg_authid TO universe_owner;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC;
SET ROLE universe_owner;
GRANT SELECT ON plain."changed table" TO universe_reader WITH GRANT OPTION;
RESET ROLE;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO universe_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA plain GRANT INSERT ON TABLES TO universe_owner WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE universe_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE universe_owner REVOKE USAGE ON TYPES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE universe_owner IN SCHEMA "Odd ""schema'" GRANT ALL ON SEQUENCES TO universe_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE universe_owner GRANT CREATE ON SCHEMAS TO universe_reader;
\if :since_18
ALTER DEFAULT PRIVILEGES FOR ROLE universe_owner GRANT SELECT ON LARGE OBJECTS TO universe_reader;
\endif
\if :since_17
GRANT MAINTAIN ON plain.keys TO universe_owner;
\endif
