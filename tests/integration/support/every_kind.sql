-- Objects of every kind that a schema can have, with the forms that a dump and its restore print in
-- different ways, and rows of types that are hashed in different ways.
CREATE SCHEMA "Odd ""schema";
CREATE TYPE "Odd ""schema".mood AS ENUM ('sad','ok','it''s');
CREATE DOMAIN "Odd ""schema".positive AS integer DEFAULT 1 CONSTRAINT pos CHECK (VALUE > 0);
CREATE TYPE "Odd ""schema".pair AS (a integer, b text COLLATE "C");
CREATE TYPE "Odd ""schema".span AS RANGE (subtype = timestamptz);
CREATE TABLE "Odd ""schema"."T a" (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  gone integer,
  v varchar(20) NOT NULL DEFAULT 'x' CHECK (v IN ('a','b','x''y', 'x')),
  n numeric(10,2) CHECK (n BETWEEN 1 AND 100 OR n IS NULL AND v NOT IN ('q','r')),
  g integer GENERATED ALWAYS AS (length(v)) STORED,
  m "Odd ""schema".mood, d "Odd ""schema".positive, p "Odd ""schema".pair, j jsonb, x xml, a text[] , h json,
  pt point, r "Odd ""schema".span, t timestamptz default now(), f float8, f4 real
) WITH (fillfactor=70, toast.autovacuum_enabled=false);
ALTER TABLE "Odd ""schema"."T a" DROP COLUMN gone;
ALTER TABLE "Odd ""schema"."T a" ALTER COLUMN v SET STATISTICS 55, ALTER COLUMN j SET STORAGE EXTERNAL;
ALTER TABLE "Odd ""schema"."T a" ENABLE ROW LEVEL SECURITY;
CREATE POLICY pol ON "Odd ""schema"."T a" FOR SELECT TO PUBLIC USING (v IN ('a','b'));
CREATE INDEX part ON "Odd ""schema"."T a" (lower(v), n DESC NULLS LAST) INCLUDE (f) WHERE v IN ('a','b');
CREATE INDEX gin ON "Odd ""schema"."T a" USING gin (j jsonb_path_ops);
CREATE STATISTICS "Odd ""schema".st (dependencies) ON v, n FROM "Odd ""schema"."T a";
CREATE VIEW "Odd ""schema".vw AS SELECT a.*, CASE WHEN v IN ('a','b') THEN 1 ELSE 2 END FROM "Odd ""schema"."T a" a JOIN LATERAL (SELECT 1 AS one) q ON true WHERE v LIKE 'a%' AND n = ANY (ARRAY[1,2]);
CREATE MATERIALIZED VIEW "Odd ""schema".mv AS SELECT count(*) FROM "Odd ""schema"."T a" WITH NO DATA;
CREATE TABLE public.parted (id int, k text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE public.parted_a PARTITION OF public.parted FOR VALUES IN ('a');
CREATE TABLE public.parted_b (k text NOT NULL, extra int, id int NOT NULL);
ALTER TABLE public.parted_b DROP COLUMN extra;
ALTER TABLE public.parted ATTACH PARTITION public.parted_b DEFAULT;
CREATE INDEX ON public.parted (k);
CREATE TABLE public.refs (id int, k text, FOREIGN KEY (id, k) REFERENCES public.parted ON DELETE CASCADE);
CREATE TABLE public.fkp (id int primary key, s bigint REFERENCES "Odd ""schema"."T a") PARTITION BY RANGE (id);
CREATE TABLE public.fkp1 PARTITION OF public.fkp FOR VALUES FROM (1) TO (10);
CREATE TABLE public.mother (a int, b int);
CREATE TABLE public.child (c int) INHERITS (public.mother);
ALTER TABLE public.mother ADD COLUMN late int DEFAULT 3;
CREATE UNLOGGED TABLE public.unl (a int);
CREATE FUNCTION public.trg() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER tr BEFORE UPDATE OF b ON public.mother FOR EACH ROW WHEN (NEW.a IS DISTINCT FROM OLD.a) EXECUTE FUNCTION public.trg();
ALTER TABLE public.mother DISABLE TRIGGER tr;
CREATE TRIGGER ptr AFTER INSERT ON public.parted FOR EACH ROW EXECUTE FUNCTION public.trg();
CREATE RULE ru AS ON DELETE TO public.child DO INSTEAD NOTHING;
CREATE FUNCTION public.f(integer, VARIADIC b text[] DEFAULT '{}') RETURNS int LANGUAGE sql STABLE SET search_path = '' AS 'SELECT 1';
CREATE PROCEDURE public.pr(INOUT a int) LANGUAGE plpgsql AS $$ BEGIN a := 1; END $$;
CREATE AGGREGATE public.agg(integer) (sfunc = int4pl, stype = integer, initcond = '0');
CREATE SEQUENCE public.sq AS smallint START 5 INCREMENT 2 CYCLE;

GRANT SELECT ON public.mother TO apms_app WITH GRANT OPTION;
GRANT SELECT (a), UPDATE (b) ON public.child TO apms_app;
REVOKE ALL ON FUNCTION public.f(integer, text[]) FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO apms_app;
COMMENT ON TABLE public.mother IS 'it''s a 	tab'; COMMENT ON COLUMN public.mother.a IS 'line
break'; COMMENT ON CONSTRAINT parted_pkey ON public.parted IS 'k'; COMMENT ON FUNCTION public.f(integer, text[]) IS 'f';
CREATE PUBLICATION pub FOR TABLE public.mother, public.child;
CREATE OPERATOR public.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq, COMMUTATOR = OPERATOR(public.===));
CREATE CAST (integer AS "Odd ""schema".mood) WITH INOUT;
CREATE COLLATION public.coll (locale = 'C');
CREATE TEXT SEARCH CONFIGURATION public.tsc (COPY = pg_catalog.english);
CREATE FUNCTION public.evt() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER et ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.evt();
CREATE FOREIGN DATA WRAPPER fdw; CREATE SERVER srv FOREIGN DATA WRAPPER fdw OPTIONS (host 'x');
CREATE FOREIGN TABLE public.ft (a int OPTIONS (b 'c')) SERVER srv OPTIONS (x 'y');
CREATE USER MAPPING FOR PUBLIC SERVER srv;
INSERT INTO "Odd ""schema"."T a" (v, n, m, d, p, j, x, a, h, pt, r, t, f, f4)
SELECT (ARRAY['a', 'b', 'x''y'])[1 + n % 3], 1 + n / 7.0, 'ok', n, ROW (n, 'two')::"Odd ""schema".pair, '{"a": 1.00}', '<a/>',
    ARRAY['q', NULL, ''], '[1,  2]', point(n, 2), "Odd ""schema".span(now(), NULL), now(), 1 / n::float8, 0.1
FROM generate_series(1, 50) AS n;
INSERT INTO public.parted SELECT n, CASE WHEN n % 2 = 0 THEN 'a' ELSE 'z' END FROM generate_series(1, 20) AS n;
INSERT INTO public.refs SELECT 2, 'a';
INSERT INTO public.child (a, b, c) VALUES (1, 2, 3), (NULL, 2, NULL);
INSERT INTO public.unl VALUES (1);
CREATE TABLE public.by_mood (id integer, m "Odd ""schema".mood) PARTITION BY HASH (m);
CREATE TABLE public.by_mood_0 PARTITION OF public.by_mood FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.by_mood_1 PARTITION OF public.by_mood FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO public.by_mood SELECT n, (ARRAY['sad', 'ok', 'it''s'])[1 + n % 3]::"Odd ""schema".mood FROM generate_series(1, 30) AS n;
CREATE TABLE public.without_columns ();
INSERT INTO public.without_columns DEFAULT VALUES;
SELECT nextval('public.sq'), nextval('public.sq');
SELECT lo_from_bytea(0, 'first'), lo_from_bytea(0, 'second');
