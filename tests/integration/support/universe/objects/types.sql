-- Enumerations, composite types, ranges, domains, base types.
CREATE TYPE plain.mood AS ENUM ('sad', 'ok', 'it''s', 'happy', '', 'a label of sixty-three bytes, which is all that a name can have');
CREATE TYPE plain.no_labels AS ENUM ();
CREATE TYPE plain.grown AS ENUM ('b');
ALTER TYPE plain.grown ADD VALUE 'a' BEFORE 'b';
ALTER TYPE plain.grown ADD VALUE 'd';
ALTER TYPE plain.grown ADD VALUE 'c' BEFORE 'd';
ALTER TYPE plain.grown RENAME VALUE 'd' TO 'D';
CREATE TYPE "Odd ""schema'"."Mood ""type" AS ENUM ('one');

CREATE TYPE plain.pair AS (a integer, b text COLLATE "C");
CREATE TYPE plain.nested AS (p plain.pair, ps plain.pair[], m plain.mood);
CREATE TYPE plain.nothing AS ();
CREATE TYPE plain.changed AS (a integer, gone text, b integer);
ALTER TYPE plain.changed DROP ATTRIBUTE gone;
ALTER TYPE plain.changed ADD ATTRIBUTE c numeric(7, 2);
ALTER TYPE plain.changed ALTER ATTRIBUTE b TYPE bigint;
ALTER TYPE plain.changed RENAME ATTRIBUTE c TO d;

CREATE FUNCTION plain.float8_distance(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT
    AS 'SELECT $1 - $2';
CREATE TYPE plain.span AS RANGE (subtype = timestamptz);
CREATE TYPE plain.floats AS RANGE (subtype = float8, subtype_diff = plain.float8_distance, subtype_opclass = float8_ops);
CREATE TYPE plain.texts AS RANGE (subtype = text, collation = "C");
-- A canonical function takes the shell of its range first.
CREATE TYPE plain.whole;
CREATE FUNCTION plain.whole_canonical(plain.whole) RETURNS plain.whole LANGUAGE internal IMMUTABLE STRICT
    AS 'int4range_canonical';
CREATE TYPE plain.whole AS RANGE (subtype = integer, canonical = plain.whole_canonical, subtype_diff = int4range_subdiff);
\if :since_14
CREATE TYPE plain.named_multi AS RANGE (subtype = numeric, multirange_type_name = plain.many_of_them);
\endif

CREATE DOMAIN plain.positive AS integer DEFAULT 1 CONSTRAINT pos CHECK (VALUE > 0);
CREATE DOMAIN plain.required AS text COLLATE "C" NOT NULL CHECK (VALUE <> '');
CREATE DOMAIN plain.of_domain AS plain.positive CONSTRAINT small CHECK (VALUE < 100);
CREATE DOMAIN plain.of_array AS integer[] CHECK (array_length(VALUE, 1) < 9);
CREATE DOMAIN plain.of_composite AS plain.pair CHECK ((VALUE).b IS DISTINCT FROM 'zz');
CREATE DOMAIN plain.of_range AS plain.span CHECK (NOT isempty(VALUE));
CREATE DOMAIN plain.of_enum AS plain.mood DEFAULT 'ok';
CREATE DOMAIN plain.with_length AS varchar(12) DEFAULT 'it''s';
CREATE DOMAIN plain.with_scale AS numeric(9, 3);
CREATE DOMAIN plain.with_call AS timestamptz DEFAULT now();
CREATE DOMAIN plain.not_validated AS integer;
ALTER DOMAIN plain.not_validated ADD CONSTRAINT later CHECK (VALUE <> 5) NOT VALID;
CREATE DOMAIN plain.altered AS integer CONSTRAINT one CHECK (VALUE > 1) CONSTRAINT two CHECK (VALUE > 2);
ALTER DOMAIN plain.altered DROP CONSTRAINT one;
ALTER DOMAIN plain.altered RENAME CONSTRAINT two TO "Two ""constraint";
ALTER DOMAIN plain.altered SET DEFAULT 7;
ALTER DOMAIN plain.altered SET NOT NULL;
CREATE DOMAIN plain.nullable AS integer NOT NULL;
ALTER DOMAIN plain.nullable DROP NOT NULL;

-- Base types: what a C module would bring, made of functions that the server has.
CREATE TYPE plain.number;
CREATE FUNCTION plain.number_in(cstring) RETURNS plain.number LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION plain.number_out(plain.number) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE FUNCTION plain.number_receive(internal) RETURNS plain.number LANGUAGE internal IMMUTABLE STRICT AS 'int4recv';
CREATE FUNCTION plain.number_send(plain.number) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'int4send';
CREATE TYPE plain.number (INPUT = plain.number_in, OUTPUT = plain.number_out, RECEIVE = plain.number_receive,
    SEND = plain.number_send, INTERNALLENGTH = 4, PASSEDBYVALUE, ALIGNMENT = int4, STORAGE = plain,
    CATEGORY = 'u', PREFERRED = true, DEFAULT = '42', DELIMITER = ';');
CREATE TYPE plain.words;
CREATE FUNCTION plain.words_in(cstring, oid, integer) RETURNS plain.words LANGUAGE internal IMMUTABLE STRICT AS 'varcharin';
CREATE FUNCTION plain.words_out(plain.words) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varcharout';
CREATE FUNCTION plain.words_typmod_in(cstring[]) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodin';
CREATE FUNCTION plain.words_typmod_out(integer) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodout';
CREATE TYPE plain.words (INPUT = plain.words_in, OUTPUT = plain.words_out, TYPMOD_IN = plain.words_typmod_in,
    TYPMOD_OUT = plain.words_typmod_out, INTERNALLENGTH = VARIABLE, STORAGE = extended, COLLATABLE = true,
    CATEGORY = 'S');
CREATE TYPE plain.renamed_once AS ENUM ('x');
ALTER TYPE plain.renamed_once RENAME TO renamed_type;
CREATE TYPE plain.moved AS (x integer);
ALTER TYPE plain.moved SET SCHEMA "Odd ""schema'";
ALTER TYPE "Odd ""schema'".moved OWNER TO universe_owner;

CREATE COLLATION plain.c_collation (locale = 'C');
CREATE COLLATION plain.copied FROM "C";
CREATE COLLATION plain.renamed_once (locale = 'POSIX');
ALTER COLLATION plain.renamed_once RENAME TO renamed_collation;
ALTER COLLATION plain.renamed_collation OWNER TO universe_owner;
CREATE COLLATION "Odd ""schema'"."Coll ""ation" (lc_collate = 'POSIX', lc_ctype = 'C');
SELECT bool_or(collprovider = 'i') AND pg_collation_actual_version(min(oid::bigint) FILTER (WHERE collprovider = 'i')::oid) IS NOT NULL AS with_icu FROM pg_collation \gset
\if :with_icu
CREATE COLLATION plain.icu (provider = icu, locale = 'de-u-co-phonebk');
CREATE COLLATION plain.insensitive (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE plain.sorted (a text COLLATE plain.icu, b text COLLATE plain.insensitive PRIMARY KEY);
INSERT INTO plain.sorted VALUES ('ä', 'A'), ('z', 'b');
\if :since_16
CREATE COLLATION plain.with_rules (provider = icu, locale = 'und', rules = '&V << w <<< W');
\endif
\endif
\if :since_17
CREATE COLLATION plain.of_the_server (provider = builtin, locale = 'C.UTF-8');
\endif
CREATE CONVERSION plain.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE DEFAULT CONVERSION plain.conv_default FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
ALTER CONVERSION plain.conv OWNER TO universe_owner;
