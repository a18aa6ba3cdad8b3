CREATE PUBLICATION nothing_in_it;
CREATE PUBLICATION of_all FOR ALL TABLES;
CREATE PUBLICATION of_tables FOR TABLE plain.mother, ONLY plain.keys, plain.by_list WITH (publish = 'insert, update');
CREATE PUBLICATION via_root FOR TABLE plain.by_range WITH (publish_via_partition_root = true);
CREATE PUBLICATION "Publication ""odd" FOR TABLE "Odd ""schema'"."Table ""a";
ALTER PUBLICATION nothing_in_it SET (publish = 'delete, truncate');
ALTER PUBLICATION "Publication ""odd" ADD TABLE plain.tree;
ALTER PUBLICATION of_tables DROP TABLE plain.keys;
\if :since_15
CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA plain, "Odd ""schema'";
CREATE PUBLICATION of_columns FOR TABLE plain.referenced (a, c), plain.keys (a, b);
CREATE PUBLICATION of_rows FOR TABLE plain.referenced WHERE (a > 1 AND c <> 'it''s'), plain.tree WHERE (id > 7);
\endif
\if :since_18
CREATE PUBLICATION of_generated FOR TABLE plain.generated WITH (publish_generated_columns = stored);
\endif
-- It never connects. A twin has none: it must reach no other server.
CREATE SUBSCRIPTION universe_subscription CONNECTION 'host=example.invalid dbname=x' PUBLICATION a, b WITH (connect = false, slot_name = NONE, enabled = false);
