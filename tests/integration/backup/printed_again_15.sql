CREATE PUBLICATION pub FOR TABLE public.t (id, n) WHERE (n BETWEEN 1 AND 9 AND id > 0), public.u WHERE (id > 0 AND id < 9);
