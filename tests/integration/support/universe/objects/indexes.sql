CREATE TABLE plain.indexed (a integer, b text, c jsonb, d tsvector, e point, f int4range, g inet, h text[], i numeric, j timestamptz, k "Odd ""schema'"."Mood ""type");
INSERT INTO plain.indexed SELECT n, 'b' || n, '{"a": 1}', 'one two', point(n, n), int4range(n, n + 1), '10.0.0.1', '{x,y}', n, '2020-01-01 00:00+00', 'one' FROM generate_series(1, 30) AS n;
CREATE INDEX plain_index ON plain.indexed (a);
CREATE UNIQUE INDEX unique_index ON plain.indexed (a, b);
CREATE INDEX ordered ON plain.indexed (a DESC NULLS LAST, b ASC NULLS FIRST, i DESC);
CREATE INDEX expressions ON plain.indexed (lower(b), (a + 1), (b || 'x'));
CREATE INDEX partial ON plain.indexed (a) WHERE b LIKE 'b%' AND a > 3;
CREATE INDEX including ON plain.indexed (a) INCLUDE (b, i);
CREATE INDEX with_collation ON plain.indexed (b COLLATE "C" text_pattern_ops);
CREATE INDEX with_class ON plain.indexed (a plain.descending);
CREATE INDEX with_options ON plain.indexed (a) WITH (fillfactor = 55, deduplicate_items = off);
CREATE INDEX of_hash ON plain.indexed USING hash (b);
CREATE INDEX of_gin ON plain.indexed USING gin (c jsonb_path_ops) WITH (fastupdate = off, gin_pending_list_limit = 100);
CREATE INDEX of_gin_text ON plain.indexed USING gin (d);
CREATE INDEX of_gin_array ON plain.indexed USING gin (h);
CREATE INDEX of_gist ON plain.indexed USING gist (e, f) WITH (buffering = off);
CREATE INDEX of_gist_options ON plain.indexed USING gist (d tsvector_ops (siglen = 100));
CREATE INDEX of_spgist ON plain.indexed USING spgist (e);
CREATE INDEX of_spgist_quad ON plain.indexed USING spgist (g inet_ops);
CREATE INDEX of_brin ON plain.indexed USING brin (j, a) WITH (pages_per_range = 4, autosummarize = on);
CREATE INDEX "Index ""odd" ON plain.indexed (a, k);
CREATE INDEX CONCURRENTLY made_concurrently ON plain.indexed (i);
CREATE INDEX with_statistics ON plain.indexed ((a * 2), (a * 3));
ALTER INDEX plain.with_statistics ALTER COLUMN 1 SET STATISTICS 77;
ALTER INDEX plain.with_statistics ALTER COLUMN 2 SET STATISTICS 0;
CREATE INDEX clustered ON plain.indexed (i, a);
CLUSTER plain.indexed USING clustered;
CREATE INDEX renamed ON plain.indexed (j);
ALTER INDEX plain.renamed RENAME TO "renamed index";
ALTER INDEX plain.plain_index SET (fillfactor = 45);
\if :since_14
CREATE INDEX of_brin_options ON plain.indexed USING brin (a int4_minmax_multi_ops (values_per_range = 16), b text_bloom_ops (n_distinct_per_range = 50));
\endif
\if :since_15
CREATE UNIQUE INDEX nulls_not_distinct ON plain.indexed (a, i) NULLS NOT DISTINCT;
\endif
CREATE STATISTICS plain.dependent (dependencies) ON a, b FROM plain.indexed;
CREATE STATISTICS plain.distinct_ones (ndistinct) ON a, i FROM plain.indexed;
CREATE STATISTICS plain.common (mcv) ON a, b, i FROM plain.indexed;
CREATE STATISTICS plain.all_kinds ON a, j FROM plain.indexed;
CREATE STATISTICS "Odd ""schema'"."Stat ""istics" (ndistinct, mcv) ON b, j FROM plain.indexed;
ALTER STATISTICS plain.common SET STATISTICS 300;
ALTER STATISTICS plain.all_kinds SET STATISTICS 0;
ALTER STATISTICS plain.dependent OWNER TO universe_owner;
\if :since_14
CREATE STATISTICS plain.of_expression ON (a + 1) FROM plain.indexed;
CREATE STATISTICS plain.of_expressions (mcv) ON lower(b), a, (i * 2) FROM plain.indexed;
\endif
