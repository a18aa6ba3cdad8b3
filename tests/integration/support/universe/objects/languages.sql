-- A dump brings the functions of a language only where they are not in pg_catalog.
CREATE FUNCTION plain.call_handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION plain.inline_handler(internal) RETURNS void LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE FUNCTION plain.validator(oid) RETURNS void LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE LANGUAGE another_plpgsql HANDLER plain.call_handler INLINE plain.inline_handler VALIDATOR plain.validator;
CREATE LANGUAGE plain_language HANDLER plain.call_handler;
CREATE FUNCTION plain.owned_handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
ALTER FUNCTION plain.owned_handler() OWNER TO universe_owner;
CREATE TRUSTED LANGUAGE trusted_plpgsql HANDLER plain.owned_handler;
ALTER LANGUAGE trusted_plpgsql OWNER TO universe_owner;
CREATE FUNCTION plain.of_another_language() RETURNS integer LANGUAGE another_plpgsql AS $$ BEGIN RETURN 1; END $$;
CREATE FUNCTION plain.of_trusted_language() RETURNS integer LANGUAGE trusted_plpgsql AS $$ BEGIN RETURN 1; END $$;
CREATE TRANSFORM FOR integer LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));
CREATE TRANSFORM FOR bigint LANGUAGE plpgsql (FROM SQL WITH FUNCTION prsd_lextype(internal));
CREATE FUNCTION plain.transformed(integer) RETURNS integer TRANSFORM FOR TYPE integer LANGUAGE sql AS 'SELECT $1';
