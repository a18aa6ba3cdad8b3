-- @setup session
SET search_path = pg_catalog, pg_temp;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET client_min_messages = 'warning';
-- What each block begins with: every setting that an answer can depend on is pinned again, and the
-- helpers and tables in pg_temp are compared with those that this script has made, which are listed
-- at the end of the text. A block says its digest, and executes it or ends the script.
SET gonogo.session = $gonogo_text${{ pins }}$gonogo_text$;
SET gonogo.guard = $gonogo_text${{ guard }}$gonogo_text$;
DO $$BEGIN EXECUTE current_setting('gonogo.session'); END$$;
