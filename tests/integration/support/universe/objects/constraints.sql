CREATE TABLE plain.keys (a integer, b text, c integer, d integer, e tsrange, f integer,
    CONSTRAINT keys_primary PRIMARY KEY (a, b) INCLUDE (c) WITH (fillfactor = 60),
    CONSTRAINT keys_unique UNIQUE (d) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT keys_unique_two UNIQUE (c, d) INCLUDE (f) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT keys_excluded EXCLUDE USING gist (e WITH &&) WHERE (a > 0) DEFERRABLE,
    CONSTRAINT keys_excluded_expression EXCLUDE USING btree ((lower(b)) COLLATE "C" text_pattern_ops WITH =) INCLUDE (c));
INSERT INTO plain.keys VALUES (1, 'a', 2, 3, '[2020-01-01,2020-01-02)', 4), (2, 'b', 3, 5, '[2020-01-02,2020-01-03)', 4);
CREATE TABLE plain.checks (a integer, b text, c integer CHECK (c > 0), d integer CONSTRAINT "Check ""d" CHECK (d <> 7), e numeric NOT NULL,
    CONSTRAINT several CHECK (a > c), CONSTRAINT listed CHECK (b IN ('x', 'y', 'it''s')), CONSTRAINT cased CHECK (CASE WHEN a > 1 THEN b IS NOT NULL ELSE true END),
    CONSTRAINT patterned CHECK (b ~ '^[a-z''"\\]+$'), CONSTRAINT called CHECK (length(b) < 100), CONSTRAINT of_row CHECK (ROW(a, b) IS NOT NULL),
    CONSTRAINT any_of CHECK (a = ANY (ARRAY[1, 2, 3])), CONSTRAINT all_of CHECK (a <> ALL ('{7,8}'::integer[])), CONSTRAINT distinct_from CHECK (a IS DISTINCT FROM c),
    CONSTRAINT extracted CHECK (EXTRACT(year FROM DATE '2020-01-01') = 2020), CONSTRAINT always CHECK (true), CONSTRAINT of_null CHECK (NULL::boolean),
    CONSTRAINT of_sub CHECK (substring(b FROM 1 FOR 2) <> 'zz'), CONSTRAINT at_zone CHECK (timezone('UTC', TIMESTAMP '2020-01-01') > '2000-01-01'));
INSERT INTO plain.checks VALUES (3, 'x', 2, 1, 1);
ALTER TABLE plain.checks ADD CONSTRAINT not_validated CHECK (a < 1) NOT VALID;
ALTER TABLE plain.checks ADD CONSTRAINT validated_later CHECK (a > -5) NOT VALID;
ALTER TABLE plain.checks VALIDATE CONSTRAINT validated_later;
ALTER TABLE plain.checks RENAME CONSTRAINT several TO "several renamed";
CREATE TABLE plain.referenced (a integer PRIMARY KEY, b integer UNIQUE, c text, d text, UNIQUE (c, d));
INSERT INTO plain.referenced VALUES (1, 2, 'c', 'd'), (2, NULL, NULL, 'e');
CREATE TABLE plain.referencing (a integer REFERENCES plain.referenced, b integer REFERENCES plain.referenced (b) ON DELETE CASCADE ON UPDATE SET NULL,
    c text, d text, e integer CONSTRAINT "Foreign ""key" REFERENCES plain.referenced ON DELETE SET DEFAULT ON UPDATE RESTRICT DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (c, d) REFERENCES plain.referenced (c, d) MATCH FULL ON UPDATE CASCADE DEFERRABLE,
    f integer REFERENCES plain.referenced ON DELETE RESTRICT ON UPDATE NO ACTION);
INSERT INTO plain.referencing VALUES (1, 2, 'c', 'd', 2, NULL);
ALTER TABLE plain.referencing ADD CONSTRAINT not_validated FOREIGN KEY (e) REFERENCES plain.referenced NOT VALID;
ALTER TABLE plain.referencing ALTER CONSTRAINT referencing_a_fkey DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE plain.tree (id integer PRIMARY KEY, parent integer REFERENCES plain.tree);
INSERT INTO plain.tree VALUES (1, 2), (2, 1);
CREATE TABLE plain.circle_a (id integer PRIMARY KEY, b integer);
CREATE TABLE plain.circle_b (id integer PRIMARY KEY, a integer REFERENCES plain.circle_a);
ALTER TABLE plain.circle_a ADD FOREIGN KEY (b) REFERENCES plain.circle_b DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE plain.by_index (a integer NOT NULL, b integer);
CREATE UNIQUE INDEX by_index_a ON plain.by_index (a);
CREATE UNIQUE INDEX by_index_b ON plain.by_index (b);
ALTER TABLE plain.by_index ADD CONSTRAINT by_index_a PRIMARY KEY USING INDEX by_index_a;
ALTER TABLE plain.by_index ADD CONSTRAINT by_index_renamed UNIQUE USING INDEX by_index_b DEFERRABLE;
\if :since_15
CREATE TABLE plain.nulls_alike (a integer UNIQUE NULLS NOT DISTINCT, b integer REFERENCES plain.referenced ON DELETE SET NULL (b));
\endif
\if :since_18
CREATE TABLE plain.not_enforced (a integer, b integer, c integer CONSTRAINT c_there NOT NULL, d integer NOT NULL NO INHERIT,
    CONSTRAINT unenforced CHECK (a > 0) NOT ENFORCED, CONSTRAINT unenforced_key FOREIGN KEY (b) REFERENCES plain.referenced NOT ENFORCED);
ALTER TABLE plain.not_enforced ADD CONSTRAINT a_there NOT NULL a NOT VALID;
CREATE TABLE plain.not_null_named (a integer CONSTRAINT "Not ""null" NOT NULL);
CREATE TABLE plain.not_null_child () INHERITS (plain.not_null_named);
CREATE TABLE plain.temporal (a int4range, p daterange, CONSTRAINT temporal_key PRIMARY KEY (a, p WITHOUT OVERLAPS), UNIQUE (p));
CREATE TABLE plain.temporal_reference (a int4range, p daterange, CONSTRAINT temporal_fkey FOREIGN KEY (a, PERIOD p) REFERENCES plain.temporal (a, PERIOD p));
\endif
