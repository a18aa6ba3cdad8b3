-- Runs one command, asks one question about what it left (a query that returns a single jsonb
-- value), and undoes both, whatever happened. Constraints that were deferred are checked
-- before the undoing. state is 00000 when the command was accepted.
CREATE FUNCTION pg_temp.attempt(
    command text,
    question text DEFAULT NULL,
    OUT state text,
    OUT constraint_name text,
    OUT table_name text,
    OUT message text,
    OUT affected bigint,
    OUT answer jsonb
) LANGUAGE plpgsql AS $gonogo_helper$
BEGIN
    EXECUTE command;
    GET DIAGNOSTICS affected = ROW_COUNT;
    SET CONSTRAINTS ALL IMMEDIATE;
    IF question IS NOT NULL THEN
        EXECUTE question INTO answer;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'GN000', MESSAGE = 'accepted';
EXCEPTION
    WHEN SQLSTATE 'GN000' THEN
        state := '00000';
        message := 'accepted';
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS
            state = RETURNED_SQLSTATE,
            constraint_name = CONSTRAINT_NAME,
            table_name = TABLE_NAME,
            message = MESSAGE_TEXT;
        -- Errors about data quote the value, and a value may be somebody's.
        IF state LIKE '22%' THEN
            message := regexp_replace(message, '".*"', '"..."');
        END IF;
        affected := NULL;
        answer := NULL;
END
$gonogo_helper$;
