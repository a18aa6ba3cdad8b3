-- Operators, their classes and families, casts, access methods.
CREATE OPERATOR plain.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq, COMMUTATOR = OPERATOR(plain.===), NEGATOR = OPERATOR(plain.!==), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR plain.!== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4ne, COMMUTATOR = OPERATOR(plain.!==), NEGATOR = OPERATOR(plain.===), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR plain.@@@ (RIGHTARG = integer, FUNCTION = int4abs);
CREATE OPERATOR "Odd ""schema'".<%> (LEFTARG = text, RIGHTARG = text, PROCEDURE = texteq);
ALTER OPERATOR plain.=== (integer, integer) SET (RESTRICT = NONE);
ALTER OPERATOR "Odd ""schema'".<%> (text, text) OWNER TO universe_owner;
ALTER OPERATOR plain.@@@ (NONE, integer) SET SCHEMA "Odd ""schema'";
\if :since_17
CREATE OPERATOR plain.==== (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = int8eq);
ALTER OPERATOR plain.==== (bigint, bigint) SET (COMMUTATOR = OPERATOR(plain.====), HASHES, MERGES);
\endif

CREATE OPERATOR FAMILY plain.numbers USING btree;
ALTER OPERATOR FAMILY plain.numbers USING btree ADD
    OPERATOR 1 < (integer, bigint), OPERATOR 2 <= (integer, bigint), OPERATOR 3 = (integer, bigint),
    OPERATOR 4 >= (integer, bigint), OPERATOR 5 > (integer, bigint), FUNCTION 1 btint48cmp(integer, bigint);
CREATE OPERATOR CLASS plain.backwards FOR TYPE integer USING btree AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint4cmp(integer, integer);
CREATE OPERATOR CLASS plain.in_family FOR TYPE integer USING btree FAMILY plain.numbers AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(integer, integer),
    FUNCTION 2 btint4sortsupport(internal);
CREATE OPERATOR CLASS plain.hashed FOR TYPE integer USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(integer), FUNCTION 2 hashint4extended(integer, bigint);
CREATE OPERATOR CLASS plain.box_distance FOR TYPE box USING gist AS
    OPERATOR 1 <<, OPERATOR 3 &&, OPERATOR 15 <-> (box, point) FOR ORDER BY float_ops,
    FUNCTION 1 gist_box_consistent(internal, box, smallint, oid, internal), FUNCTION 2 gist_box_union(internal, internal),
    FUNCTION 5 gist_box_penalty(internal, internal, internal), FUNCTION 6 gist_box_picksplit(internal, internal),
    FUNCTION 7 gist_box_same(box, box, internal), FUNCTION 8 gist_box_distance(internal, box, smallint, oid, internal);
CREATE OPERATOR CLASS plain.with_storage FOR TYPE integer[] USING gin AS
    OPERATOR 1 && (anyarray, anyarray), OPERATOR 2 @> (anyarray, anyarray), FUNCTION 1 btint4cmp(integer, integer), FUNCTION 2 ginarrayextract(anyarray, internal, internal),
    FUNCTION 3 ginqueryarrayextract(anyarray, internal, smallint, internal, internal, internal, internal),
    FUNCTION 4 ginarrayconsistent(internal, smallint, anyarray, integer, internal, internal, internal, internal), STORAGE integer;
CREATE FUNCTION plain.number_less(plain.number, plain.number) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4lt';
CREATE FUNCTION plain.number_least(plain.number, plain.number) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4le';
CREATE FUNCTION plain.number_equal(plain.number, plain.number) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4eq';
CREATE FUNCTION plain.number_most(plain.number, plain.number) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4ge';
CREATE FUNCTION plain.number_greater(plain.number, plain.number) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4gt';
CREATE FUNCTION plain.number_order(plain.number, plain.number) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'btint4cmp';
CREATE OPERATOR plain.< (LEFTARG = plain.number, RIGHTARG = plain.number, FUNCTION = plain.number_less, COMMUTATOR = OPERATOR(plain.>));
CREATE OPERATOR plain.<= (LEFTARG = plain.number, RIGHTARG = plain.number, FUNCTION = plain.number_least, COMMUTATOR = OPERATOR(plain.>=));
CREATE OPERATOR plain.= (LEFTARG = plain.number, RIGHTARG = plain.number, FUNCTION = plain.number_equal, COMMUTATOR = OPERATOR(plain.=));
CREATE OPERATOR plain.>= (LEFTARG = plain.number, RIGHTARG = plain.number, FUNCTION = plain.number_most, COMMUTATOR = OPERATOR(plain.<=));
CREATE OPERATOR plain.> (LEFTARG = plain.number, RIGHTARG = plain.number, FUNCTION = plain.number_greater, COMMUTATOR = OPERATOR(plain.<));
CREATE OPERATOR CLASS plain.number_ops DEFAULT FOR TYPE plain.number USING btree AS
    OPERATOR 1 plain.<, OPERATOR 2 plain.<=, OPERATOR 3 plain.=, OPERATOR 4 plain.>=, OPERATOR 5 plain.>,
    FUNCTION 1 plain.number_order(plain.number, plain.number);
ALTER OPERATOR CLASS plain.backwards USING btree RENAME TO descending;
ALTER OPERATOR FAMILY plain.numbers USING btree OWNER TO universe_owner;

CREATE ACCESS METHOD another_gist TYPE INDEX HANDLER gisthandler;
CREATE ACCESS METHOD another_heap TYPE TABLE HANDLER heap_tableam_handler;

CREATE FUNCTION plain.to_mood(integer) RETURNS plain.mood LANGUAGE sql IMMUTABLE AS $$ SELECT 'ok'::plain.mood $$;
CREATE CAST (integer AS plain.mood) WITH FUNCTION plain.to_mood(integer) AS ASSIGNMENT;
CREATE CAST (plain.mood AS bigint) WITH INOUT;
CREATE CAST (plain.number AS integer) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (plain.pair AS text[]) WITH INOUT AS ASSIGNMENT;
