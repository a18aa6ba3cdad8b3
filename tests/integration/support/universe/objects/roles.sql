-- Roles belong to the server: a dump names them and does not bring them.
CREATE ROLE universe_owner LOGIN;
CREATE ROLE universe_reader NOLOGIN NOINHERIT;
CREATE ROLE "universe_Odd ""name'" NOLOGIN;
CREATE ROLE universe_group;
-- It owns nothing and may use nothing; an event trigger could be given to it.
CREATE ROLE universe_nobody SUPERUSER;
GRANT universe_group TO universe_reader WITH ADMIN OPTION;
GRANT universe_reader TO universe_owner;
ALTER ROLE universe_reader CONNECTION LIMIT 3 VALID UNTIL 'infinity';
ALTER ROLE universe_reader SET work_mem = '5MB';
SELECT current_database() AS here \gset
ALTER ROLE universe_owner IN DATABASE :"here" SET statement_timeout = '1h';
ALTER DATABASE :"here" SET gonogo.environment = 'sandbox';
ALTER DATABASE :"here" SET DateStyle = 'German, DMY';
ALTER DATABASE :"here" SET IntervalStyle = 'sql_standard';
ALTER DATABASE :"here" SET extra_float_digits = -5;
ALTER DATABASE :"here" SET bytea_output = 'escape';
ALTER DATABASE :"here" SET search_path = plain, "Odd ""schema'";
GRANT CREATE, TEMPORARY ON DATABASE :"here" TO universe_owner;
COMMENT ON DATABASE :"here" IS 'of the universe';
