CREATE STATISTICS public.st (mcv) ON m, (n BETWEEN 1 AND 9 AND v IN ('a'::varchar(10), 'b'::varchar(10))) FROM public.t;
CREATE FUNCTION public.body(a integer, b integer DEFAULT CASE WHEN pg_backend_pid() BETWEEN 1 AND 9 AND random() > 0 THEN 1 END)
    RETURNS boolean LANGUAGE sql
    BEGIN ATOMIC
        UPDATE public.t SET n = a WHERE n BETWEEN 1 AND 9 AND m > 0;
        SELECT a BETWEEN 1 AND 9 AND b > 0;
    END;
CREATE FUNCTION public.one(a integer) RETURNS boolean LANGUAGE sql RETURN a BETWEEN 1 AND 9 AND a <> 5;
CREATE PROCEDURE public.act(INOUT a integer) LANGUAGE sql BEGIN ATOMIC SELECT a FROM public.t WHERE n BETWEEN 1 AND 9 AND m > a; END;
