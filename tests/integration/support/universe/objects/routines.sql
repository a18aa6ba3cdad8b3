-- Functions, procedures, aggregates, window functions, in every language and with every attribute.
CREATE FUNCTION plain.nothing() RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION plain.f(integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 3 AS 'SELECT $1';
CREATE FUNCTION plain.f(text) RETURNS text LANGUAGE sql STABLE PARALLEL RESTRICTED AS 'SELECT $1';
CREATE FUNCTION plain.f(VARIADIC b text[]) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM unnest(b)';
CREATE FUNCTION plain.f("Odd ""name" integer, b text DEFAULT 'it''s', c numeric DEFAULT 1.50) RETURNS text LANGUAGE sql AS 'SELECT b';
CREATE FUNCTION plain.rows_of(n integer) RETURNS SETOF plain.pair LANGUAGE sql ROWS 7 AS $$ SELECT n, 'x' $$;
CREATE FUNCTION plain.table_of(n integer) RETURNS TABLE (a integer, b text) LANGUAGE sql ROWS 7 AS $$ SELECT n, 'x' $$;
CREATE FUNCTION plain.outs(OUT a integer, INOUT b text, OUT c plain.mood) LANGUAGE sql AS $$ SELECT 1, b, 'ok'::plain.mood $$;
CREATE FUNCTION plain.definer() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '5MB' AS 'SELECT current_user::text';
CREATE FUNCTION plain.from_current() RETURNS integer LANGUAGE sql SET DateStyle FROM CURRENT AS 'SELECT 1';
CREATE FUNCTION plain.leakproof(integer) RETURNS boolean LANGUAGE sql LEAKPROOF AS 'SELECT true';
CREATE FUNCTION plain.called_on_null(integer) RETURNS integer LANGUAGE plpgsql CALLED ON NULL INPUT AS $body$
DECLARE
    "Odd ""variable" text := $x$quoted ' text$x$;
BEGIN
    -- A comment with 'quotes' and $dollars$
    RETURN coalesce($1, length("Odd ""variable"));
END
$body$;
CREATE FUNCTION plain.with_tabs() RETURNS text LANGUAGE plpgsql AS E'\nBEGIN\n\tRETURN ''\\n'';\r\nEND\n';
CREATE FUNCTION plain.any_element(anyelement, anyarray) RETURNS anyelement LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION plain.any_range(anyrange) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT isempty($1)';
CREATE FUNCTION plain.polymorphic(VARIADIC "any") RETURNS boolean LANGUAGE internal IMMUTABLE AS 'pg_num_nulls';
CREATE FUNCTION plain.of_internal(integer) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'int4abs';
CREATE FUNCTION plain.takes_default(t timestamptz DEFAULT now(), a integer[] DEFAULT ARRAY[1, 2], p plain.pair DEFAULT ROW(1, 'b')::plain.pair) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION "Odd ""schema'"."Fun ""ction"("A" "Odd ""schema'"."Mood ""type") RETURNS "Odd ""schema'"."Mood ""type" LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION plain.window_of() RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE AS 'window_row_number';
CREATE FUNCTION plain.supported(integer) RETURNS integer LANGUAGE internal SUPPORT generate_series_int4_support IMMUTABLE STRICT AS 'int4abs';
CREATE FUNCTION plain.with_transform(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION plain.empty_path() RETURNS integer LANGUAGE sql SET search_path = '' AS 'SELECT 1';
CREATE FUNCTION plain.odd_path() RETURNS integer LANGUAGE sql SET search_path = "Odd ""schema'", plain, "$user" AS 'SELECT 1';
CREATE FUNCTION plain.altered(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION plain.altered(integer) STABLE STRICT SECURITY DEFINER PARALLEL SAFE COST 77 SET timezone = 'UTC';
ALTER FUNCTION plain.altered(integer) RENAME TO "altered once";
ALTER FUNCTION plain."altered once"(integer) OWNER TO universe_owner;
CREATE FUNCTION plain.trigger_function() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION plain.event_function() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE PROCEDURE plain.p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;
CREATE PROCEDURE plain.p(a integer, INOUT b text DEFAULT 'x') LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN b := a::text; END $$;
CREATE PROCEDURE plain.p(VARIADIC v integer[]) LANGUAGE sql AS 'SELECT 1';
ALTER PROCEDURE plain.p(integer[]) SET work_mem = '3MB';
ALTER ROUTINE plain.p() OWNER TO universe_owner;
\if :since_14
CREATE FUNCTION plain.atomic(a integer, b integer DEFAULT 2) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT a + b; END;
CREATE FUNCTION plain.returns(a integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN a * 2;
CREATE PROCEDURE plain.atomic_p(a integer) LANGUAGE sql BEGIN ATOMIC SELECT a; SELECT a + 1; END;
CREATE PROCEDURE plain.out_p(IN a integer, OUT b integer) LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION plain.any_compatible(anycompatible, anycompatiblearray) RETURNS anycompatible LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION plain.any_multirange(anymultirange) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT isempty($1)';
\endif

CREATE AGGREGATE plain.total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
CREATE AGGREGATE plain.total(bigint) (SFUNC = int8pl, STYPE = bigint, INITCOND = '0', COMBINEFUNC = int8pl, PARALLEL = safe);
CREATE AGGREGATE plain.newest(timestamptz) (SFUNC = timestamptz_larger, STYPE = timestamptz, SORTOP = >);
CREATE AGGREGATE plain.moving(float8) (SFUNC = float8pl, STYPE = float8, MSFUNC = float8pl, MINVFUNC = float8mi, MSTYPE = float8, MINITCOND = '0', INITCOND = '0');
CREATE AGGREGATE plain.average(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, SSPACE = 128, FINALFUNC = numeric_avg, FINALFUNC_MODIFY = read_only, COMBINEFUNC = numeric_avg_combine, SERIALFUNC = numeric_avg_serialize, DESERIALFUNC = numeric_avg_deserialize, PARALLEL = safe);
CREATE FUNCTION plain.add_two(integer, integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT coalesce($1, 0) + $2 * $3';
CREATE FUNCTION plain.final_extra(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE AGGREGATE plain.two(a integer, b integer) (SFUNC = plain.add_two, STYPE = integer, INITCOND = '7');
CREATE AGGREGATE plain.extra(integer) (SFUNC = int4pl, STYPE = integer, FINALFUNC = plain.final_extra, FINALFUNC_EXTRA, FINALFUNC_MODIFY = shareable);
CREATE AGGREGATE plain.percentile(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA, FINALFUNC_MODIFY = read_write);
CREATE AGGREGATE plain.ranked(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
CREATE AGGREGATE plain.counted(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0');
ALTER AGGREGATE plain.total(bigint) OWNER TO universe_owner;
ALTER AGGREGATE plain.counted(*) RENAME TO counted_all;
