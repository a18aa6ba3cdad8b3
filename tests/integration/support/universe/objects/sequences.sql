CREATE SEQUENCE plain.plain_sequence;
CREATE SEQUENCE plain.small AS smallint START 5 INCREMENT 2 MINVALUE -7 MAXVALUE 99 CACHE 3 CYCLE;
CREATE SEQUENCE plain.big AS bigint INCREMENT -1 MAXVALUE 9223372036854775807 MINVALUE -9223372036854775808 START 9223372036854775807;
CREATE SEQUENCE plain.middle AS integer START WITH 100 NO MINVALUE NO MAXVALUE NO CYCLE;
CREATE SEQUENCE "Odd ""schema'"."Sequence ""a" START 10;
CREATE SEQUENCE plain.used;
SELECT nextval('plain.used'), nextval('plain.used'), nextval('plain.big'), setval('plain.small', 11, false), setval('plain.middle', 700) \g /dev/null
CREATE SEQUENCE plain.restarted START 3;
ALTER SEQUENCE plain.restarted RESTART WITH 30 INCREMENT BY 5 OWNED BY NONE;
ALTER SEQUENCE plain.restarted RENAME TO "restarted once";
ALTER SEQUENCE plain."restarted once" OWNER TO universe_owner;
CREATE SEQUENCE plain.exhausted MAXVALUE 2;
SELECT nextval('plain.exhausted'), nextval('plain.exhausted') \g /dev/null
\if :since_15
CREATE UNLOGGED SEQUENCE plain.unlogged_sequence;
SELECT nextval('plain.unlogged_sequence') \g /dev/null
\endif
CREATE TABLE plain.serials (a serial, b bigserial, c smallserial, d integer);
ALTER SEQUENCE plain.serials_b_seq CACHE 20;
CREATE SEQUENCE plain.owned OWNED BY plain.serials.d;
ALTER TABLE plain.serials ALTER COLUMN d SET DEFAULT nextval('plain.owned');
INSERT INTO plain.serials DEFAULT VALUES;
INSERT INTO plain.serials DEFAULT VALUES;
