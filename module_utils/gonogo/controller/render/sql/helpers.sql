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
-- are checked before the undoing. state is 00000 when the command was accepted; own: no trigger
-- has refused it. `acting` is a role whose rights and settings the command has.
CREATE FUNCTION pg_temp.attempt(
    command text,
    question text DEFAULT NULL,
    acting text DEFAULT NULL,
    OUT state text,
    OUT constraint_name text,
    OUT table_name text,
    OUT message text,
    OUT affected bigint,
    OUT answer jsonb,
    OUT own boolean
) LANGUAGE plpgsql AS $gonogo_helper$
DECLARE
    done boolean := false;
    context text;
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
        message = MESSAGE_TEXT,
        context = PG_EXCEPTION_CONTEXT;
    -- What a trigger raises has its function in the first line.
    own := coalesce(position(command IN context) BETWEEN 1 AND position(chr(10) IN context), false)
        OR context ~ '^[^\n]*"SET CONSTRAINTS ALL IMMEDIATE"\n';
    -- Errors about data quote the value, and a value may be somebody's.
    IF state LIKE '22%' THEN
        message := regexp_replace(message, '".*"', '"..."');
    END IF;
    affected := NULL;
    answer := NULL;
END
$gonogo_helper$;

-- Asks the query of a check (ok, examined, expected, observed, samples) once, and says what it comes
-- to. A check that fails although what it expects was observed, or counts more of something than
-- there is, contradicts itself (odd). may_be_empty: it may pass although nothing was examined.
CREATE FUNCTION pg_temp.judged(
    INOUT check_id text,
    may_be_empty boolean,
    query text,
    OUT status text,
    OUT examined bigint,
    OUT expected text,
    OUT observed text,
    OUT samples jsonb
) LANGUAGE plpgsql AS $gonogo_helper$
DECLARE
    ok boolean;
    seen text[];
    odd boolean;
BEGIN
    EXECUTE format('SELECT q.ok, coalesce(q.examined, 0)::bigint, q.expected::text, q.observed::text, q.samples FROM (%s) AS q', query)
        INTO STRICT ok, examined, expected, observed, seen;
    -- What the answer is made of is here; where the query was planned, code of the database may have run.
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false);
    odd := coalesce(NOT ok AND observed = expected, false)
        OR coalesce(substring(observed FROM '^([0-9]+) of [0-9]')::numeric > substring(observed FROM '^[0-9]+ of ([0-9]+)')::numeric, false);
    status := CASE WHEN odd OR ok IS NULL OR ok AND examined = 0 AND NOT may_be_empty THEN 'inconclusive' WHEN ok THEN 'pass' ELSE 'fail' END;
    observed := CASE WHEN odd THEN 'the answer contradicts itself: ' ELSE '' END || observed;
    samples := to_jsonb(coalesce(seen[1:20], '{}'));
END
$gonogo_helper$;

-- The same for a check that counts what is wrong: wrong, unclear, examined, expected, details, samples.
CREATE FUNCTION pg_temp.counted(
    INOUT check_id text, may_be_empty boolean, words text, query text,
    OUT status text, OUT examined bigint, OUT expected text, OUT observed text, OUT samples jsonb
) LANGUAGE sql AS $gonogo_helper$
    SELECT j.* FROM pg_temp.judged(check_id, may_be_empty, format($gonogo_query$
        SELECT CASE WHEN wrong > examined THEN NULL WHEN wrong > 0 THEN false WHEN unclear = 0 THEN wrong = 0 END AS ok, examined, expected,
            concat_ws('; ', CASE WHEN wrong > examined THEN 'the answer contradicts itself: ' ELSE '' END
                || format('%%s of %%s %%s', coalesce(wrong::text, 'unknown'), coalesce(examined, 0), %1$L::text),
                nullif(details, ''), CASE WHEN unclear > 0 THEN format('%%s cannot be told', unclear) END) AS observed,
            samples
        FROM (%2$s) AS c$gonogo_query$, words, query)) AS j
$gonogo_helper$;

-- The same for one that lists what is wrong: object, words and whether that is certain; if none of it
-- is, the check is inconclusive. The first ten in words, up to 20 as samples. number: how
-- many were examined.
CREATE FUNCTION pg_temp.problems(
    INOUT check_id text, may_be_empty boolean, wanted text, number text, query text,
    OUT status text, OUT examined bigint, OUT expected text, OUT observed text, OUT samples jsonb
) LANGUAGE sql AS $gonogo_helper$
    SELECT j.* FROM pg_temp.judged(check_id, may_be_empty, format($gonogo_query$
        SELECT CASE WHEN bool_or(certain) THEN false WHEN count(*) = 0 THEN true END AS ok, %1$s AS examined, %2$L::text AS expected,
            coalesce(string_agg(concat_ws(' ', object, words), '; ' ORDER BY number) FILTER (WHERE number <= 10)
                || CASE WHEN count(*) > 10 THEN format('; and %%s more', count(*) - 10) ELSE '' END, 'as expected') AS observed,
            array_agg(DISTINCT object) AS samples
        FROM (SELECT *, row_number() OVER (ORDER BY certain DESC, object, words) AS number
            FROM (%3$s) AS f (object, words, certain)) AS p$gonogo_query$, number, wanted, query)) AS j
$gonogo_helper$;

-- The same for a command that must be refused with one of these states by one of these constraints
-- (null: by any); it is undone whatever happens. Refused otherwise, or accepted without touching a row,
-- it is inconclusive.
CREATE FUNCTION pg_temp.refused(
    INOUT check_id text, may_be_empty boolean, wanted text, states text[], constraints text[], command text,
    OUT status text, OUT examined bigint, OUT expected text, OUT observed text, OUT samples jsonb
) LANGUAGE sql AS $gonogo_helper$
    SELECT j.* FROM pg_temp.judged(check_id, may_be_empty, format($gonogo_query$
        SELECT CASE WHEN a.state = '00000' AND a.affected > 0 THEN false
                WHEN a.state = ANY (%1$L::text[]) AND coalesce(a.constraint_name = ANY (%2$L::text[]), %2$L IS NULL) THEN true END AS ok,
            1 AS examined, %3$L::text AS expected,
            CASE WHEN a.state = '00000' THEN format('accepted, %%s row(s)', a.affected)
                ELSE concat_ws(', ', 'refused with ' || a.state, 'constraint ' || nullif(a.constraint_name, ''), a.message) END AS observed,
            '{}'::text[] AS samples
        FROM pg_temp.attempt(%4$L) AS a$gonogo_query$, states, constraints, wanted, command)) AS j
$gonogo_helper$;

-- The same for one whose question was asked before anything was tried (rows_first), and is asked once
-- more. Both answers have to be right. more: a query for what else cannot be told, in words.
CREATE FUNCTION pg_temp.again(
    INOUT check_id text, may_be_empty boolean, question text, more text,
    OUT status text, OUT examined bigint, OUT expected text, OUT observed text, OUT samples jsonb
) LANGUAGE sql AS $gonogo_helper$
    SELECT j.* FROM pg_temp.judged(check_id, may_be_empty, format($gonogo_query$
        SELECT CASE WHEN NOT f.ok OR NOT n.ok THEN false WHEN f.ok AND m.words IS NULL THEN n.ok END AS ok, n.examined, n.expected,
            CASE WHEN f.ok AND n.ok THEN concat_ws('; ', n.observed, m.words)
                WHEN f.ok THEN n.observed || ', and not before test rows were made'
                WHEN NOT n.ok OR n.ok IS NOT DISTINCT FROM f.ok THEN n.observed
                ELSE f.observed || ', before test rows were made' END AS observed,
            CASE WHEN f.ok OR NOT n.ok OR n.ok IS NOT DISTINCT FROM f.ok THEN n.samples ELSE f.samples END AS samples
        FROM %1$s AS n
        LEFT JOIN pg_temp.rows_first AS f ON f.check_id = %2$L
        CROSS JOIN (SELECT string_agg(w.words, '; ') AS words FROM (%3$s) AS w (words)) AS m$gonogo_query$, question, check_id, more)) AS j
$gonogo_helper$;
