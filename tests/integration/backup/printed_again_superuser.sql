-- What has no order is not compared in one.
CREATE FOREIGN DATA WRAPPER nobody OPTIONS (b '1', a '2', c '3');
CREATE SERVER nowhere FOREIGN DATA WRAPPER nobody OPTIONS (z '1', y '2', x '3');
CREATE FOREIGN TABLE public.far (a integer OPTIONS (n '1', m '2'), CONSTRAINT far CHECK (a BETWEEN 1 AND 9 AND a <> 5)) SERVER nowhere OPTIONS (l '1', k '2');
