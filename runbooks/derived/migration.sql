-- Whoever extends this runbook brings a migration; this one changes nothing.
SELECT 1;
