-- Definitions that the server prints in another way once it has read its own text.
CREATE TABLE public.t (id integer PRIMARY KEY, n integer, m integer, v varchar(10), w text, d date);
CREATE TABLE public.u (id integer, note text);
CREATE FUNCTION public.whole(public.t) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';

ALTER TABLE public.t
    ADD CONSTRAINT nested CHECK (n BETWEEN 1 AND 9 AND m > 0),
    ADD CONSTRAINT negated CHECK (n NOT BETWEEN 1 AND 9 OR m > 0),
    ADD CONSTRAINT listed CHECK (w IN (v, 'x') OR w IS NULL),
    ADD CONSTRAINT rows CHECK ((n, m) IN ((1, 2), (3, 4)) OR m IS NULL),
    ADD CONSTRAINT cast_list CHECK (v IN ('a'::varchar(10), 'b'::varchar(10))),
    ADD CONSTRAINT cast_twice CHECK (w = ANY (ARRAY['a', 'b']::varchar(5)[]::varchar[]::text[])),
    ADD CONSTRAINT quoted CHECK (n BETWEEN 1 AND 9 AND w <> 'WHEN (x') NOT VALID,
    ADD CONSTRAINT kept CHECK (n BETWEEN 1 AND 9 AND m > 1) NO INHERIT,
    ADD CONSTRAINT whole CHECK (n BETWEEN 1 AND 9 AND public.whole(t.*)),
    ADD CONSTRAINT apart EXCLUDE USING gist (daterange(d, d + n) WITH &&) WHERE (n BETWEEN 1 AND 9 AND m > 0),
    ADD COLUMN computed boolean GENERATED ALWAYS AS (n BETWEEN 1 AND 9 AND m > 0) STORED,
    ADD COLUMN preset boolean DEFAULT (pg_backend_pid() BETWEEN 1 AND 9 AND random() > 0);
CREATE DOMAIN public.few AS integer DEFAULT (CASE WHEN pg_backend_pid() BETWEEN 1 AND 9 AND random() > 0 THEN 1 END)
    CONSTRAINT few CHECK (VALUE BETWEEN 1 AND 9 AND VALUE <> 5)
    CONSTRAINT listed CHECK (VALUE IN (1, 2) OR VALUE IS NULL);
CREATE DOMAIN public.code AS varchar(10) CONSTRAINT code CHECK (VALUE IN ('a', 'b') AND VALUE BETWEEN 'a' AND 'b' AND VALUE <> 'c');
CREATE INDEX part ON public.t (v) WHERE n BETWEEN 1 AND 9 AND m > 0;
CREATE UNIQUE INDEX "odd, (name" ON public.t (lower(v) COLLATE "C" text_pattern_ops DESC, (n BETWEEN 1 AND 9 AND m > 0), id) INCLUDE (w)
    WITH (fillfactor = 70) WHERE w IN (v, 'x') OR w IS NULL;
CREATE INDEX of_whole ON public.t (public.whole(t.*), (n BETWEEN 1 AND 9 AND m > 0));
CREATE VIEW public.seen WITH (security_barrier) AS SELECT id, n BETWEEN 1 AND 9 AND m > 0 AS good FROM public.t WHERE w IN (v, 'x') OR w IS NULL;
CREATE VIEW public.deep AS
    WITH q AS (SELECT id, row_number() OVER (PARTITION BY n BETWEEN 1 AND 9 AND m > 0) FROM public.t)
    SELECT * FROM q JOIN public.t USING (id) WHERE n BETWEEN 1 AND 9 AND m > 0 ORDER BY 1;
CREATE MATERIALIZED VIEW public.kept AS SELECT id FROM public.t WHERE n BETWEEN 1 AND 9 AND m > 0;
CREATE POLICY own ON public.t FOR UPDATE USING (n BETWEEN 1 AND 9 AND m > 0) WITH CHECK (n BETWEEN 1 AND 8 AND m > 0);
CREATE POLICY asks ON public.t USING (EXISTS (SELECT 1 FROM public.u WHERE n BETWEEN 1 AND 9 AND u.id = t.id));
CREATE TRIGGER guard AFTER UPDATE OF n, "w" ON public.t FOR EACH ROW
    WHEN (old.n BETWEEN 1 AND 9 AND new.m > 0 AND old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION public.nothing(' WHEN (', 'x');
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON public.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (new.n BETWEEN 1 AND 9 AND new.m > 0) EXECUTE FUNCTION public.nothing();
CREATE RULE noted AS ON INSERT TO public.t WHERE new.n BETWEEN 1 AND 9 AND new.m > 0
    DO ALSO INSERT INTO public.u SELECT new.id, new.w WHERE new.n BETWEEN 1 AND 9 AND new.m > 0;
CREATE RULE moved AS ON UPDATE TO public.seen DO INSTEAD (
    UPDATE public.t SET n = new.id WHERE t.id = old.id AND t.n BETWEEN 1 AND 9 AND t.m > 0;
    DELETE FROM public.u WHERE id = old.id RETURNING id, false);
CREATE FUNCTION public.given(a integer DEFAULT CASE WHEN pg_backend_pid() BETWEEN 1 AND 9 AND random() > 0 THEN 1 END,
    b varchar[] DEFAULT ARRAY['a'::varchar(10), 'b'::varchar(10)]) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN a; END';
CREATE TABLE public.cut (id integer, n integer, m integer) PARTITION BY RANGE (id, (n BETWEEN 1 AND 9 AND m > 0));
CREATE TABLE public.parted (id integer, n integer, m integer, CHECK (n BETWEEN 1 AND 9 AND m > 0)) PARTITION BY LIST (id);
CREATE TABLE public.parted_1 PARTITION OF public.parted FOR VALUES IN (1, 2);
CREATE INDEX ON public.parted ((n BETWEEN 1 AND 9 AND m > 0));
CREATE TYPE public.secret AS ENUM ('a', 'b');
REVOKE USAGE ON TYPE public.secret FROM PUBLIC;
CREATE TABLE public.of_secret (s public.secret CONSTRAINT few CHECK (s IN ('a', 'b') OR s IS NULL), w text, n integer);
CREATE VIEW public.secrets AS SELECT s, n BETWEEN 1 AND 9 AND w <> '' AS good FROM public.of_secret;
CREATE RULE hidden AS ON DELETE TO public.of_secret WHERE old.n BETWEEN 1 AND 9 AND old.w <> '' DO ALSO INSERT INTO public.u VALUES (old.n, 'a;b');

-- To read a definition can be to run code: not with a superuser's rights.
CREATE FUNCTION public.careful(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE DOMAIN public.careful AS integer CHECK (public.careful(VALUE));
CREATE TABLE public.of_careful (n integer, c boolean DEFAULT (pg_backend_pid() BETWEEN 1 AND 9 AND '{1}'::public.careful[] IS NOT NULL));
CREATE OR REPLACE FUNCTION public.careful(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN IF current_setting('is_superuser') = 'on' THEN RAISE 'as a superuser'; END IF; RETURN true; END $$;
