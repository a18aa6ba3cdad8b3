-- Tables number bench.first to bench.last of a large application, as an application has them: ten
-- columns, a primary key, a unique key, two more indexes, a CHECK, defaults, and a foreign key to
-- the table before. Everything lies where the tables lie that the scripts look for.

DO $$
DECLARE
    name text;
    parent text := 'extra_' || greatest(current_setting('bench.first')::bigint - 1, 1);
BEGIN
    FOR name IN
        SELECT 'extra_' || number
        FROM generate_series(current_setting('bench.first')::bigint,
                             current_setting('bench.last')::bigint) AS number
        ORDER BY number
    LOOP
        EXECUTE format(
            'CREATE TABLE public.%1$I (
                id text NOT NULL DEFAULT gen_random_uuid()::text,
                workspace_id uuid NOT NULL,
                parent_id text,
                code text NOT NULL,
                name text,
                status text NOT NULL DEFAULT ''DRAFT'',
                amount numeric(12, 2),
                payload jsonb,
                created_at timestamp NOT NULL DEFAULT now(),
                updated_at timestamp NOT NULL DEFAULT now(),
                CONSTRAINT %2$I PRIMARY KEY (id),
                CONSTRAINT %3$I UNIQUE (workspace_id, code),
                CONSTRAINT %4$I CHECK (status IN (''DRAFT'', ''ACTIVE'', ''CLOSED'')),
                CONSTRAINT %5$I FOREIGN KEY (parent_id) REFERENCES public.%6$I (id))',
            name, name || '_pkey', name || '_code', name || '_status', name || '_parent', parent);
        EXECUTE format('CREATE INDEX %2$I ON public.%1$I (workspace_id, status)',
                       name, name || '_by_status');
        EXECUTE format('CREATE INDEX %2$I ON public.%1$I (created_at) WHERE status = ''ACTIVE''',
                       name, name || '_active');
        parent := name;
    END LOOP;
END
$$
