"""Sessions that do not see what is there, or do not act as they should."""

from __future__ import annotations

from tests.pages import Page, Row, Table

__all__ = ["BLINDING", "BLINDNESS"]

# Settings that make checks pass for nothing, or scripts fail: recognised wherever they are set.
BLINDING = (
    "session_replication_role = replica",
    "session_replication_role = 'LOCAL'",
    "default_transaction_read_only = on",
    "default_transaction_read_only = true",
    "default_transaction_read_only = 1",
)

_HERE = "test_blindness.py"
_FUNCTIONS = "test_functions.py"
_RECOGNISED = "HOLD: `a setting of the role or the database would blind the checks`"

_ROWS = (
    *(
        (
            f"`{setting}`, on the database, the role, the role in the database, or all roles",
            _RECOGNISED,
            f"{_HERE}::test_settings_that_would_blind",
        )
        for setting in BLINDING
    ),
    (
        "`search_path` with shadows of operators and functions in front, `row_security`, "
        "timeouts of a millisecond for locks and idle transactions, on the role",
        "no effect: sessions pin them; every check answers as without",
        f"{_HERE}::test_settings_that_no_session_follows",
    ),
    (
        "The same of the application's role, however it is spelt (`REPLICA`, `ON`, `t`, `yes`, 1)",
        "NO-GO: C1.9 and C1.10 name it",
        f"{_FUNCTIONS}::test_settings_however_they_are_spelt",
    ),
    (
        "Code of the application that changes settings of the session while it judges, replaces or "
        "shadows a helper, or changes what a check has kept",
        "no effect: settings are pinned before each block; another helper ends the script",
        "test_session.py::test_what_runs_before_a_check_changes_no_answer",
    ),
    (
        "The same, by code that waits until the constraints of the transaction are asked for",
        "no effect, or the script ends",
        "test_session.py::test_what_is_deferred_changes_no_setting",
    ),
    (
        "A guard that refuses only where it knows the run (name of the session, id, settings, ...)",
        "NO-GO: sessions and rows look like the application's; HOLD: its text is not the runbook's",
        f"{_FUNCTIONS}::test_a_guard_that_knows_the_run",
    ),
    (
        "A function, a condition of a trigger or a CHECK that depends on the login, a setting, the "
        "age of a row, another table, a day, chance; a trigger of another table or an event "
        "trigger that writes into the migration's tables",
        "HOLD: `not proven, whatever a probe says`",
        f"{_FUNCTIONS}::test_code_that_no_probe_can_prove",
    ),
    (
        "A guard that minds the application's role only",
        "NO-GO, where the login may take that role: guards are tried as it, too",
        f"{_FUNCTIONS}::test_guards_are_tried_as_the_applications_role",
    ),
    (
        "A foreign key whose own triggers call another function (a superuser's edit of the "
        "catalog)",
        "NO-GO: C1.3 names it",
        f"{_FUNCTIONS}::test_code_that_a_superuser_has_put_there",
    ),
    (
        "A guard that is dropped, or switched off and on again, after its check and before the "
        "run is closed",
        "HOLD: `what was judged has changed since`, with its name",
        "test_judged.py::test_a_guard_dropped_before_the_run_is_closed",
    ),
    (
        "Settings that are nobody's fault: times, numbers, strings, planner, isolation",
        "no effect",
        "test_benign.py::test_nobody_minds",
    ),
    (
        "A role that may connect and nothing else",
        "HOLD: 0.9 names what is missing, table by table",
        f"{_HERE}::test_a_role_that_sees_nothing",
    ),
    (
        "A role without one of its privileges",
        "HOLD: 0.9 names it",
        "test_security.py::test_a_privilege_that_is_missing_is_named",
    ),
    (
        "Row-level security that applies to the login",
        "HOLD: `row-level security applies to the login`; no statement is answered from a part",
        f"{_HERE}::test_rows_that_policies_hide",
    ),
    (
        "The same, for the backup and its proof",
        "no backup, or no proof of it",
        "test_twin.py::test_rows_hidden_from_the_login",
    ),
    (
        "An index that does not know all rows of its table, whatever the database sets for the "
        "planner",
        "fingerprints, and the plans of a cleanup and an undo, read the table",
        "test_proof.py::test_an_index_that_hides_rows_answers_nothing",
    ),
    (
        "A cast to text that somebody has made for a type, an array, a row",
        "values are compared by what the type's output function writes",
        "test_proof.py::test_a_cast_to_text_hides_nothing",
    ),
    (
        "A table or sequence that an extension has asked to have dumped",
        "compared like any other, with the condition that the dump has",
        "test_proof.py::test_what_extensions_keep_is_missing",
    ),
    (
        "As many tables as pg_dump can lock, and no room for more locks",
        "a proof all the same; where pg_dump itself finds no room, the setting is named",
        "test_many_tables.py::test_no_more_locks_than_a_dump_needs",
    ),
    (
        "Thousands of tables (50,000 were tried); a table of 1,600 columns; partitions by the "
        "hundred",
        "a proof, in a time that grows with their number and not with its square",
        "test_many_tables.py::test_a_table_as_wide_as_can_be_and_hundreds_of_partitions",
    ),
    (
        "Limits for sessions, transactions and statements, or for a peer that does not answer, and "
        "the planner's settings, on the database or the role",
        "no effect: every session has its own; so have those of pg_dump and pg_restore, and the "
        "one that waits with the lock",
        "test_limits.py::test_a_session_has_its_own_settings",
    ),
    (
        "A limit that only a superuser may lift (`temp_file_limit`, the number of sessions)",
        "HOLD: the limit, its value and who has set it",
        "test_limits.py::test_a_limit_is_named_with_who_has_set_it",
    ),
    (
        "A check that fails although it observes what it expects, or counts more than there is",
        "HOLD: `the answer contradicts itself`",
        "test_contradiction.py::test_what_was_observed_and_the_status_go_together",
    ),
    (
        "A replica",
        "HOLD: `the server is a replica in recovery`",
        f"{_HERE}::test_a_replica",
    ),
    (
        "PgBouncer, pooling transactions, statements or sessions",
        "HOLD: `a connection pooler stands between this run and the server`",
        f"{_HERE}::test_pgbouncer",
    ),
    (
        "A login that acts as another role from its first statement on (`SET role`)",
        "works as that role, and ends its own sessions as itself",
        "test_security.py::test_the_role_ends_its_own_sessions_and_nobody_elses",
    ),
)

BLINDNESS = Page(
    "blindness.md",
    "Blindness",
    (
        "A check that sees nothing passes, unless somebody minds. What can stand between a run "
        "and what is there, and what becomes of it: recognised, or without effect, and never a "
        "GO for that.",
        Table(
            ("What", "What becomes of it"),
            [Row((what, answer), test) for what, answer, test in _ROWS],
        ),
        "PgBouncer is a real one, where it is installed (`apt-get install pgbouncer`); the "
        "replica is made with `pg_basebackup`.",
    ),
)
