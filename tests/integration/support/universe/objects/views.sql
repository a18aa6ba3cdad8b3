CREATE VIEW plain.simple AS SELECT a, b FROM plain.indexed;
CREATE VIEW plain.starred AS SELECT * FROM plain.indexed;
CREATE VIEW plain.named (x, "Y ""z") AS SELECT a, b FROM plain.indexed;
CREATE VIEW plain.checked_local AS SELECT a, b FROM plain.indexed WHERE a > 3 WITH LOCAL CHECK OPTION;
CREATE VIEW plain.checked AS SELECT a FROM plain.checked_local WHERE a < 100 WITH CASCADED CHECK OPTION;
CREATE VIEW plain.barrier WITH (security_barrier) AS SELECT a FROM plain.indexed WHERE b <> 'x';
\if :since_15
CREATE VIEW plain.of_invoker WITH (security_invoker = true, security_barrier = false) AS SELECT a FROM plain.indexed;
\endif
CREATE VIEW plain.joined AS SELECT i.a, r.c, k.b FROM plain.indexed AS i LEFT JOIN plain.referenced AS r USING (a) FULL JOIN plain.keys AS k ON k.a = i.a CROSS JOIN LATERAL (SELECT i.a + 1 AS more) AS l NATURAL JOIN (SELECT 1 AS one) AS o WHERE l.more > 1;
CREATE VIEW plain.grouped AS SELECT b, count(*) FILTER (WHERE a > 2) AS n, sum(DISTINCT a) AS s, string_agg(b, ', ' ORDER BY a DESC) AS t, grouping(b) AS g FROM plain.indexed GROUP BY GROUPING SETS ((b), ()), ROLLUP (i), CUBE (j) HAVING count(*) > 1;
CREATE VIEW plain.windowed AS SELECT a, row_number() OVER w AS n, lag(b, 2, 'x') OVER (PARTITION BY b ORDER BY a DESC NULLS LAST ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES) AS l FROM plain.indexed WINDOW w AS (ORDER BY a RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);
CREATE VIEW plain.with_queries AS WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 5), m AS MATERIALIZED (SELECT 1 AS x), nm AS NOT MATERIALIZED (SELECT 2 AS y) SELECT n, x, y FROM t, m, nm;
CREATE VIEW plain.set_operations AS (SELECT a FROM plain.indexed UNION SELECT c FROM plain.keys) EXCEPT ALL SELECT d FROM plain.keys INTERSECT SELECT 7 ORDER BY 1 LIMIT 5 OFFSET 1;
CREATE VIEW plain.subqueries AS SELECT a, (SELECT max(d) FROM plain.keys) AS m, EXISTS (SELECT FROM plain.keys AS k WHERE k.a = i.a) AS e, a IN (SELECT c FROM plain.keys) AS n, ARRAY(SELECT d FROM plain.keys) AS r, a > ALL (SELECT c FROM plain.keys) AS l, (a, b) IN (SELECT a, b FROM plain.keys) AS w FROM plain.indexed AS i;
CREATE VIEW plain.of_expressions AS SELECT CASE a WHEN 1 THEN 'one' ELSE 'other' END AS c, coalesce(b, 'x') AS d, nullif(a, 1) AS e, greatest(a, 1, 2) AS f, least(a, 3) AS g, b COLLATE "C" AS h, ROW(a, b)::plain.pair AS i, ARRAY[a, 1] AS j, h[1] AS k, h[1:2] AS l, c -> 'a' AS m, c ->> 'b' AS n, b LIKE 'a%' ESCAPE '!' AS o, b SIMILAR TO 'x|y' AS p, b IS NULL AS q, a BETWEEN SYMMETRIC 3 AND 1 AS r, (a > 1) IS NOT TRUE AS s, b::varchar(3) AS t, a::numeric(5, 1) AS u, j AT TIME ZONE 'UTC' AS v, INTERVAL '1 day' AS w, DATE '2020-01-01' AS x, E'\\n''' AS y, overlay(b PLACING 'x' FROM 1) AS z FROM plain.indexed;
CREATE VIEW plain.more_of_expressions AS SELECT CURRENT_USER AS a, CURRENT_TIMESTAMP AS b, EXTRACT(day FROM j) AS c, position('a' IN b) AS d, trim(BOTH 'x' FROM b) AS e, (ROW(1, 'x')::plain.pair).b AS f, a = ANY (h::integer[]) AS g, xmlelement(NAME x, xmlattributes(a AS "b")) AS h, '{"a":1}'::jsonb @> '{}' AS i, 1 OPERATOR(plain.===) 2 AS j, $$dollar$$ AS k, 'ok'::plain.mood AS l, -(-1) AS m, NOT (a > 1 AND b = 'x') AS n, B'10' AS o, 10 % 3 AS p, 2 ^ 3 AS q FROM plain.indexed;
CREATE VIEW plain.functions_from AS SELECT g.n, u.x, u.o, r.a FROM generate_series(1, 3) AS g (n), unnest(ARRAY['a', 'b']) WITH ORDINALITY AS u (x, o), ROWS FROM (plain.rows_of(1), generate_series(1, 2)) AS r (a, b, c), json_to_record('{"q":1}') AS j (q integer);
CREATE VIEW plain.sampled AS SELECT a FROM plain.indexed TABLESAMPLE bernoulli (50) REPEATABLE (7);
CREATE VIEW plain.locked AS SELECT a FROM plain.indexed FOR UPDATE OF indexed SKIP LOCKED;
CREATE VIEW plain.distinct_on AS SELECT DISTINCT ON (b) b, a FROM plain.indexed ORDER BY b, a DESC;
CREATE VIEW plain.fetched AS SELECT a FROM plain.indexed ORDER BY a FETCH FIRST 3 ROWS WITH TIES;
CREATE VIEW plain.only_mother AS SELECT a FROM ONLY plain.mother;
CREATE VIEW plain.of_table AS TABLE plain.keys;
CREATE VIEW plain.no_columns AS SELECT;
CREATE VIEW plain.with_defaults AS SELECT a, b FROM plain.indexed;
ALTER VIEW plain.with_defaults ALTER COLUMN b SET DEFAULT 'of the view';
CREATE VIEW "Odd ""schema'"."View ""a" AS SELECT "Column ""a" AS "A ""b" FROM "Odd ""schema'"."Table ""a";
CREATE VIEW plain.grouped_by_key AS SELECT a, b, c FROM plain.referenced AS r (a, b, c) GROUP BY a;
CREATE RECURSIVE VIEW plain.recursive (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM recursive WHERE n < 4;
\if :since_14
CREATE VIEW plain.searched AS WITH RECURSIVE t AS (SELECT id, parent FROM plain.tree WHERE id = 1 UNION ALL SELECT c.id, c.parent FROM plain.tree AS c JOIN t ON c.parent = t.id) SEARCH DEPTH FIRST BY id SET o CYCLE id SET is_cycle USING path SELECT id, is_cycle FROM t;
CREATE VIEW plain.join_alias AS SELECT j.a FROM plain.indexed JOIN plain.keys USING (a) AS j;
CREATE VIEW plain.group_distinct AS SELECT a, count(*) AS n FROM plain.indexed GROUP BY DISTINCT ROLLUP (a, b), ROLLUP (a, i);
CREATE VIEW plain.subscripted AS SELECT c['a'] AS x FROM plain.indexed;
\endif
\if :since_16
CREATE VIEW plain.json_constructed AS SELECT json_object('a': 1 NULL ON NULL), json_arrayagg(a ORDER BY a RETURNING jsonb) AS x, '{}' IS JSON OBJECT WITH UNIQUE KEYS AS y, 0x1F AS z FROM plain.indexed;
\endif
\if :since_17
CREATE VIEW plain.json_table_of AS SELECT t.* FROM json_table('[{"a": 1}]'::jsonb, '$[*]' COLUMNS (n FOR ORDINALITY, a integer PATH '$.a' DEFAULT 0 ON EMPTY, NESTED PATH '$.b[*]' COLUMNS (c text PATH '$' ))) AS t;
CREATE VIEW plain.json_queries AS SELECT json_value(c, '$.a' RETURNING integer ERROR ON ERROR) AS v, json_query(c, '$.a' WITH WRAPPER) AS q, json_exists(c, '$.a') AS e, json_scalar(1) AS s FROM plain.indexed;
\endif
-- A view that is needed by what it needs: a dump makes it twice.
CREATE TABLE plain.circular (a integer PRIMARY KEY, b text);
CREATE VIEW plain.circular_view AS SELECT a, b FROM plain.circular GROUP BY a;
CREATE FUNCTION plain.takes_view(plain.circular_view) RETURNS integer LANGUAGE sql AS 'SELECT $1.a';

CREATE MATERIALIZED VIEW plain.materialized AS SELECT a, b FROM plain.indexed WHERE a < 10 WITH DATA;
CREATE MATERIALIZED VIEW plain.without_data (x) WITH (fillfactor = 60) AS SELECT count(*) FROM plain.indexed WITH NO DATA;
CREATE MATERIALIZED VIEW plain.over_materialized AS SELECT max(a) AS a FROM plain.materialized;
CREATE UNIQUE INDEX on_materialized ON plain.materialized (a);
ALTER MATERIALIZED VIEW plain.materialized ALTER COLUMN b SET STATISTICS 5, ALTER COLUMN b SET STORAGE EXTERNAL, CLUSTER ON on_materialized;
REFRESH MATERIALIZED VIEW CONCURRENTLY plain.materialized;
CREATE MATERIALIZED VIEW plain.materialized_heap USING another_heap AS SELECT 1 AS a;
CREATE MATERIALIZED VIEW plain.owned_by_another AS SELECT 1 AS a;
ALTER MATERIALIZED VIEW plain.owned_by_another OWNER TO universe_owner;

CREATE RULE notify_on_delete AS ON DELETE TO plain.serials DO ALSO NOTIFY deleted;
CREATE RULE replaced AS ON INSERT TO plain.simple DO INSTEAD INSERT INTO plain.indexed (a, b) VALUES (NEW.a, NEW.b) RETURNING a, b;
CREATE RULE "Rule ""odd" AS ON UPDATE TO plain.simple WHERE OLD.a <> NEW.a DO INSTEAD (UPDATE plain.indexed SET a = NEW.a WHERE a = OLD.a; DELETE FROM plain.keys WHERE a = OLD.a);
CREATE RULE nothing AS ON DELETE TO plain.simple DO INSTEAD NOTHING;
CREATE RULE switched_off AS ON UPDATE TO plain.serials DO INSTEAD NOTHING;
ALTER TABLE plain.serials DISABLE RULE switched_off;
CREATE TABLE plain.ruled (a integer);
CREATE RULE always AS ON INSERT TO plain.ruled WHERE NEW.a = 7 DO INSTEAD NOTHING;
CREATE RULE of_replica AS ON UPDATE TO plain.ruled DO INSTEAD NOTHING;
ALTER TABLE plain.ruled ENABLE ALWAYS RULE always;
ALTER TABLE plain.ruled ENABLE REPLICA RULE of_replica;
ALTER RULE of_replica ON plain.ruled RENAME TO of_replicas;
