-- What the application's own login may do: use every table, own and change none.

GRANT USAGE ON SCHEMA public TO apms_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO apms_app;
