-- The database as lines that can be compared: every row, the state of every sequence, every
-- object with its definition, owner and rights, and the settings of the database. Takes a
-- superuser, so that no right hides a row, and leaves nothing behind.
SET search_path = '';

CREATE FUNCTION pg_temp.rows_of(relation regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE pg_catalog.format(
        'SELECT count(*) || '' rows '' || COALESCE(sum(hashtextextended(t::text, 0)), 0) FROM %s AS t',
        relation
    ) INTO answer;
    RETURN answer;
END $$;

CREATE FUNCTION pg_temp.state_of(sequence regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE pg_catalog.format('SELECT last_value || '' '' || is_called FROM %s', sequence)
        INTO answer;
    RETURN answer;
END $$;

WITH ours AS (
    SELECT c.oid, c.oid::regclass AS name, c.relkind, c.relowner, c.relacl, c.reloptions
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
)
SELECT 'rows ' || name || ': ' || pg_temp.rows_of(name) FROM ours WHERE relkind = 'r'
UNION ALL
SELECT 'sequence ' || name || ': ' || pg_temp.state_of(name) FROM ours WHERE relkind = 'S'
UNION ALL
SELECT 'relation ' || name || ': ' || concat_ws(' ', oid, relkind, relowner, relacl, reloptions)
FROM ours
UNION ALL
SELECT 'column ' || o.name || '.' || a.attname || ': '
    || concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                 pg_get_expr(d.adbin, d.adrelid))
FROM ours AS o
JOIN pg_attribute AS a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = o.oid AND d.adnum = a.attnum
UNION ALL
SELECT 'index ' || o.name || ': ' || pg_get_indexdef(i.indexrelid) || ' ' || i.indisvalid
FROM ours AS o JOIN pg_index AS i ON i.indexrelid = o.oid
UNION ALL
SELECT 'constraint ' || o.name || ': ' || c.conname || ' ' || pg_get_constraintdef(c.oid)
FROM ours AS o JOIN pg_constraint AS c ON c.conrelid = o.oid
UNION ALL
SELECT 'trigger ' || o.name || ': ' || t.tgenabled::text || ' ' || pg_get_triggerdef(t.oid)
FROM ours AS o JOIN pg_trigger AS t ON t.tgrelid = o.oid
UNION ALL
SELECT 'function ' || p.oid::regprocedure || ': '
    || concat_ws(' ', p.proowner, p.proacl, md5(p.prosrc))
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
UNION ALL
SELECT 'schema ' || nspname || ': ' || concat_ws(' ', nspowner, nspacl)
FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%temp\_%'
UNION ALL
SELECT 'extension ' || extname || ': ' || extversion FROM pg_extension
UNION ALL
SELECT 'setting: ' || concat_ws(' ', setrole::regrole, setconfig)
FROM pg_db_role_setting
WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 1;
