-- The indexes that 05_indexes_off.sql took away, as they were.

DO $$
DECLARE
    index record;
BEGIN
    FOR index IN SELECT definition FROM postponed ORDER BY name LOOP
        EXECUTE index.definition;
    END LOOP;
END
$$;
