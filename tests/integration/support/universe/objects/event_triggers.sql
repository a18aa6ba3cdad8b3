-- They come last: nothing of the above fires one.
CREATE EVENT TRIGGER of_start ON ddl_command_start EXECUTE FUNCTION plain.event_function();
CREATE EVENT TRIGGER of_end ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION plain.event_function();
CREATE EVENT TRIGGER of_drop ON sql_drop WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION plain.event_function();
CREATE EVENT TRIGGER of_rewrite ON table_rewrite EXECUTE FUNCTION plain.event_function();
CREATE EVENT TRIGGER "Event ""trigger" ON ddl_command_end WHEN TAG IN ('CREATE SEQUENCE') EXECUTE FUNCTION plain.event_function();
CREATE EVENT TRIGGER switched_off ON ddl_command_start EXECUTE FUNCTION plain.event_function();
ALTER EVENT TRIGGER switched_off DISABLE;
ALTER EVENT TRIGGER of_rewrite ENABLE ALWAYS;
ALTER EVENT TRIGGER of_drop ENABLE REPLICA;
\if :since_17
CREATE EVENT TRIGGER of_login ON login EXECUTE FUNCTION plain.event_function();
ALTER EVENT TRIGGER of_login DISABLE;
\endif
COMMENT ON EVENT TRIGGER of_start IS 'a comment';
