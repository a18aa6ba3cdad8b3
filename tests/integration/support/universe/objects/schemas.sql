CREATE SCHEMA plain;
CREATE SCHEMA "Odd ""schema'";
CREATE SCHEMA "schema with blanks" AUTHORIZATION universe_owner;
CREATE SCHEMA AUTHORIZATION universe_reader;
CREATE SCHEMA with_elements
    CREATE TABLE inside (id integer PRIMARY KEY)
    CREATE VIEW seen AS SELECT id FROM inside
    CREATE INDEX on_inside ON inside ((id + 1));
CREATE SCHEMA empty_one;
CREATE SCHEMA "ünïcödé";
CREATE SCHEMA "select";
CREATE SCHEMA named_once;
ALTER SCHEMA named_once RENAME TO renamed;
ALTER SCHEMA renamed OWNER TO universe_group;
CREATE TABLE "ünïcödé"."tàblé" ("cölumn" text DEFAULT 'ß', "日本" integer);
CREATE TABLE "select"."table" ("order" integer, "user" text, "1st" integer);
