{% import 'gonogo.sql.j2' as gonogo %}
-- The settings of an application's session, until the end of the transaction or of the block it
-- is undone with: those this session would have begun with, or those of the role `acting`, whose
-- rights it then has, too. search_path stays: by another one, an operator of a command of ours
-- could be somebody's own, and mean other rows than ours. So do the time zone, in which the
-- answers are compared, and the limits.
CREATE FUNCTION pg_temp.as_application(acting text) RETURNS void
LANGUAGE plpgsql AS $gonogo_helper$
DECLARE
    own text[];
    setting text[];
    name text;
BEGIN
    SELECT array_agg(ARRAY[split_part(c.line, '=', 1), substr(c.line, strpos(c.line, '=') + 1)]
                     ORDER BY s.setrole <> 0, s.setdatabase <> 0)
    INTO own
    FROM pg_catalog.pg_db_role_setting AS s
    CROSS JOIN LATERAL unnest(s.setconfig) AS c (line)
    WHERE acting IS NOT NULL AND split_part(c.line, '=', 1) !~ '^(search_path|role|TimeZone|.*_timeout)$'
      AND s.setrole IN (0, (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = acting))
      AND s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()));
    FOREACH name IN ARRAY {{ of_login | literal }} LOOP
        EXECUTE format('SET LOCAL %I TO DEFAULT', name);
    END LOOP;
    IF own IS NOT NULL THEN
        FOREACH setting SLICE 1 IN ARRAY own LOOP
            BEGIN
                PERFORM pg_catalog.set_config(setting[1], setting[2], true);
            EXCEPTION WHEN OTHERS THEN
                -- Not for this login to set.
                NULL;
            END;
        END LOOP;
    END IF;
    IF acting IS NOT NULL THEN
        PERFORM pg_catalog.set_config('role', acting, true);
    END IF;
END
$gonogo_helper$;

-- Runs one command as the application would, asks one question about what it left (a query that
-- returns a single jsonb value), and undoes both, whatever happened. Constraints that were deferred
-- are checked before the undoing. state is 00000 when the command was accepted. `acting` is a role
-- whose rights and settings the command has.
CREATE FUNCTION pg_temp.attempt(
    command text,
    question text DEFAULT NULL,
    acting text DEFAULT NULL,
    OUT state text,
    OUT constraint_name text,
    OUT table_name text,
    OUT message text,
    OUT affected bigint,
    OUT answer jsonb
) LANGUAGE plpgsql AS $gonogo_helper$
DECLARE
    done boolean := false;
BEGIN
    PERFORM pg_temp.as_application(acting);
    EXECUTE command;
    GET DIAGNOSTICS affected = ROW_COUNT;
    SET CONSTRAINTS ALL IMMEDIATE;
    -- The question is ours again, whatever the command has made of the session.
    {{ gonogo.ours_again() | indent(4) }}
    IF question IS NOT NULL THEN
        EXECUTE question INTO answer;
    END IF;
    done := true;
    RAISE EXCEPTION 'undone';
EXCEPTION WHEN OTHERS THEN
    -- Undone are the settings, too: from here on they are those of the check.
    IF done THEN
        state := '00000';
        message := 'accepted';
        RETURN;
    END IF;
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
