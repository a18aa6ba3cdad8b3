SELECT lo_from_bytea(70001, 'first'), lo_from_bytea(70002, '\x00ff00'), lo_create(70003), lo_from_bytea(70004, '') \g /dev/null
ALTER LARGE OBJECT 70002 OWNER TO universe_owner;
GRANT SELECT, UPDATE ON LARGE OBJECT 70001 TO universe_reader WITH GRANT OPTION;
COMMENT ON LARGE OBJECT 70001 IS 'it''s large';
