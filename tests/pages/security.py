"""Who may do what, where secrets are, what evidence proves."""

from __future__ import annotations

from tests.pages import Page, Row, Table

__all__ = ["SECURITY"]

_HERE = "test_security.py"


def _rows(*rows: tuple[str, ...]) -> list[Row]:
    return [Row(tuple(row[:-1]), row[-1]) for row in rows]


_ROLES = _rows(
    (
        "`gonogo_validate`",
        "validates: backup, proof, every script, cleanup",
        "CONNECT, TEMPORARY; USAGE of the schemas; SELECT of every table and sequence; INSERT, "
        "UPDATE, DELETE on the migration's tables; INSERT, DELETE on `workspaces`",
        f"{_HERE}::test_a_whole_run_with_the_role_is_a_go",
    ),
    (
        "",
        "",
        "one that is missing is named, as a HOLD or before the run is opened",
        f"{_HERE}::test_a_privilege_that_is_missing_is_named",
    ),
    (
        "",
        "",
        "what cannot be read cannot be backed up: HOLD, with the table's name",
        f"{_HERE}::test_what_cannot_be_backed_up_is_named",
    ),
    (
        "`gonogo_deploy`",
        "deploys and takes back as well",
        "what the owner of the tables has, as the owner: what it makes belongs to it",
        f"{_HERE}::test_only_the_role_that_deploys_may_deploy",
    ),
    (
        "both",
        "end what a cut run of theirs has left",
        "sessions of their own, nobody else's",
        f"{_HERE}::test_the_role_ends_its_own_sessions_and_nobody_elses",
    ),
    (
        "both",
        "nothing more",
        "no superuser, no CREATEDB, CREATEROLE, REPLICATION, BYPASSRLS; `gonogo_validate` changes "
        "no table, no trigger, no marker",
        f"{_HERE}::test_the_roles_can_do_nothing_more",
    ),
    (
        "whoever restores",
        "puts a proven backup in the place of the database",
        "a superuser, or the owner of everything with CREATEDB and pg_signal_backend; without it "
        "the plan says so",
        "test_restore.py::test_login_that_may_not_is_told_what_it_takes",
    ),
    (
        "a superuser, once",
        "marks the database, makes the roles",
        "or the owner, in the database's comment; the application cannot",
        "test_marker.py::test_the_owner_can_write_the_comment_and_not_the_setting",
    ),
    (
        "the application",
        "uses the tables",
        "its rights are a check of every run",
        "test_checks.py::test_check_notices",
    ),
    (
        "the login of the target host",
        "owns the backups, the SQL and the project's part there",
        "no root; its files are its own (0700, 0600)",
        "test_run.py::test_target_profile_is_a_go",
    ),
)
_PEOPLE = _rows(
    (
        "Anybody with the inventory",
        "validates a staging; nothing it writes outlives the approved cleanup",
        "test_run.py::test_cleanup_needs_approval_and_removes_exactly_the_ledger",
    ),
    (
        "Whoever holds a GO of staging",
        "may begin on production, with these very files and no others",
        "test_promotion.py::test_production_lets_in_what_was_a_go_elsewhere",
    ),
    (
        "The inventory, and nobody else",
        "says that a target may be written to freely, and which environment comes before it",
        "unit/test_protection.py::test_protected",
    ),
    (
        "Whoever starts a run",
        "takes the protection of a target away by no variable",
        "test_protection.py::test_the_command_line_takes_nothing_away",
    ),
    (
        "Whoever writes a playbook around it",
        "neither: by no fact, no host that is added, no play and no file that is included",
        "test_protection.py::test_a_playbook_takes_nothing_away",
    ),
    (
        "Whoever gives their name and the token of the plan",
        "lets a deployment, an undo, a cleanup, a restore happen; of that plan only",
        "test_rollout.py::test_only_an_approval_of_this_plan_counts",
    ),
    (
        "Whoever has a key that the inventory names, where it names any",
        "the same, by a signature; the token and a name are none",
        "unit/test_signing.py::test_a_bad_approval",
    ),
    (
        "Nobody",
        "runs on a database that says it is another environment",
        "test_run.py::test_database_of_another_environment_is_refused",
    ),
    (
        "Nobody",
        "runs beside another run on the same database",
        "test_run.py::test_second_run_stops_and_names_the_first",
    ),
)
_APPROVALS = _rows(
    (
        "of a cleanup",
        "the run's rows as they were shown, by their content",
        "test_cleanup.py::test_an_approval_is_for_the_rows_it_was_shown",
    ),
    (
        "of an undo",
        "the rows and values that would be lost, by their content, and the tables by their oid",
        "test_undo.py::test_an_approval_is_for_these_rows_and_not_for_as_many",
    ),
    (
        "of a restore",
        "what the present database holds, table by table, and the databases that are removed, by "
        "their oid",
        "test_restore_approval.py::test_what_came_after_the_plan_is_asked_for_again",
    ),
    (
        "of a deployment",
        "the statements, the database, what is there of the migration, the evidence that lets it "
        "in, and the rows that it has removed on the twin",
        "unit/test_approval.py::test_what_changed_since_the_plan_is_named",
    ),
    (
        "of a fleet",
        "each host that its plan lists, as long as that host's own plan is the one that stands "
        "there; on each once",
        "unit/test_fleet_plan.py::test_a_bad_approval",
    ),
    (
        "of anything",
        "nothing that came later: it is named (table, rows), and asked for again",
        "test_restore.py::test_one_run_is_restored_twice_and_an_old_token_covers_nothing_new",
    ),
    (
        "of a deployment, used before",
        "nothing: the evidence of the run that has shown it says so, and the target host to every "
        "other controller",
        "test_rollout.py::test_only_an_approval_of_this_plan_counts",
    ),
    (
        "by signatures",
        "that text alone which names run, plan and token; by persons of the inventory's list, with "
        "keys that are valid and not revoked ([approvals.md](approvals.md))",
        "unit/test_signing.py::test_a_bad_approval",
    ),
    (
        "by a name that cannot be seen (U+200B, U+202E, control characters, fillers, marks alone)",
        "nothing; the same for the owner of a waiver and for the operator",
        "unit/test_approval.py::test_a_name_that_cannot_be_seen",
    ),
)
_REMOVED = _rows(
    (
        "The directories of a twin carry its mark; whatever a file names that lacks it stays",
        "unit/test_removal.py::test_a_note_leads_to_nothing_that_is_not_the_twins",
    ),
    (
        "A directory of somebody else, or that others may write to, stays, whatever its name is",
        "unit/test_removal.py::test_a_directory_that_only_has_the_name_of_a_twin_stays",
    ),
    (
        "An unfinished backup goes only where nothing is in it but what pg_dump writes",
        "unit/test_removal.py::test_only_what_pg_dump_has_written_is_removed",
    ),
    (
        "A process is ended only where the kernel says that it is the twin's server",
        "unit/test_removal.py::test_no_process_is_ended_that_only_names_the_directory",
    ),
    (
        "Sessions are ended at a socket of the twin only",
        "unit/test_removal.py::test_a_note_does_not_say_where_sessions_are_ended",
    ),
    (
        "A run whose record was changed is not taken for dead",
        "unit/test_evidence.py::test_a_record_that_was_changed_does_not_say_who_is_gone",
    ),
    (
        "A restore drops the database that its call has made, and no other of that name",
        "test_restore_approval.py::test_nothing_is_dropped_where_the_new_one_cannot_be_made",
    ),
    (
        "What a killed restore has left is known by a comment that names its own oid and name, "
        "and is in the plan",
        "test_restore_approval.py::test_the_first_words_of_a_comment_prove_nothing",
    ),
    (
        "A database beside the source is dropped only by the same proof",
        "test_scratch.py::test_what_somebody_else_has_made_under_the_name_stays",
    ),
    (
        "A ledger names only rows whose ids follow from the run",
        "unit/test_ledger.py::test_a_row_that_no_run_has_made_is_in_no_ledger",
    ),
    (
        "A cleanup that would write to a table which the login cannot read stops, and names the "
        "table and the privilege",
        "test_cleanup.py::test_whatever_it_reaches_and_cannot_see_stops_it",
    ),
    (
        "What a trigger would only do at COMMIT is done and compared before",
        "test_undo.py::test_what_a_trigger_would_do_at_commit_is_seen_before",
    ),
)
_SECRETS = _rows(
    (
        "The private key of the gate is read on the controller alone, from a file that its owner "
        "alone may read; nothing of it is in a message, an argument or the evidence",
        "unit/test_attestation.py::test_a_file_that_is_no_key_is_refused",
    ),
    (
        "The password is in a password file of the target host, 0600, or there is none (peer, "
        "certificate). It is in no argument, no variable of the environment, no output, no file "
        "of the run",
        "test_secrets.py::test_the_password_is_nowhere",
    ),
    (
        "A password in any variable, in any form people have it (a URI, `password=`, a private "
        "key), is refused before a run is opened, and is neither shown nor kept",
        "unit/test_secrets.py::test_a_secret_is_refused_before_anything_else",
    ),
    (
        "A bare password cannot be told from a name: where the value is refused, the error says "
        "its key and its shape",
        "unit/test_secrets.py::test_a_bare_password_that_is_refused_is_not_shown",
    ),
    (
        "What libpq, Ansible or a file's name bring into an error goes through one redaction",
        "unit/test_secrets.py::test_no_error_carries_it",
    ),
    (
        "The terminal (`-vvv`), the evidence and the target host are searched for it",
        "test_secrets.py::test_a_secret_in_the_wrong_place_is_nowhere",
    ),
    (
        "A password file, key or service file that others can read is refused",
        "test_login.py::test_refusal_is_one_clear_error",
    ),
    (
        "The server proves its name where `ssl_mode` is `verify-full`: another authority, another "
        "name, no TLS are refused",
        "test_login.py::test_refusal_is_one_clear_error",
    ),
    (
        "The target host proves itself by its key: an unknown or a changed one is refused, "
        "nobody is asked",
        "test_ssh.py::test_run_at_a_server_with_another_key_judges_nothing",
    ),
    (
        "PG* variables of whoever starts a run redirect nothing",
        "test_login.py::test_variables_of_libpq_do_not_count",
    ),
    (
        "Contents of rows are in no error and in no evidence: keys and names only",
        "unit/test_connection.py::test_no_contents_of_rows",
    ),
    (
        "The copy that the backup is restored into has no network and no password",
        "test_twin.py::test_kept_it_is_a_target_like_its_source",
    ),
)
_INERT = _rows(
    (
        "Nothing in the database is ever a template, a command or markup",
        "test_badinput.py::test_hostile_rows_and_names_are_inert",
    ),
    (
        "A template of the runbook prints SQL by filters only, in a sandbox",
        "unit/test_render.py::test_the_sandbox_holds",
    ),
    (
        "Names and values are quoted by one place; any text comes back as it was",
        "unit/test_quoting.py::test_a_literal_is_the_text",
    ),
    (
        "`search_path` is `pg_catalog, pg_temp` in every session; shadows of tables and functions "
        "change nothing",
        "test_blindness.py::test_settings_that_would_blind",
    ),
    (
        "Code of the application that runs in the session that judges cannot change unseen what "
        "the checks compare with",
        "test_session.py::test_what_the_checks_compare_with_cannot_be_changed",
    ),
    (
        "What pins the session before each block is executed by its digest: an exchanged text ends "
        "the script",
        "test_session.py::test_what_runs_before_a_check_changes_no_answer",
    ),
    (
        "A block that the server would read in another way (`standard_conforming_strings`) ends "
        "the script",
        "test_session.py::test_a_block_that_would_be_read_in_another_way_ends_the_script",
    ),
    (
        "Nor can what it has deferred: rows are noted before it runs, settings are pinned after it",
        "test_session.py::test_a_step_that_was_just_made_is_not_changed",
    ),
    (
        "Rows that are there are asked for before code of the application has run, where nothing "
        "can be written: rows that it corrects in the session that judges are wrong all the same",
        "test_rows_first.py::test_rows_that_code_of_the_application_corrects_are_wrong",
    ),
    (
        "A script that asks for them later is refused before it runs",
        "unit/test_rows_first.py::test_what_is_asked_too_late",
    ),
    (
        "A condition of a CHECK or an index that calls a function which could say another thing "
        "to the application is no proof",
        "test_lies.py::test_what_says_one_thing_to_a_run_is_no_go",
    ),
    (
        "Files of evidence follow no link and are replaced as a whole",
        "unit/test_evidence.py::test_a_replaced_link_is_not_followed",
    ),
    (
        "A runbook leads out of its folder by no link and no path",
        "unit/test_runbook.py::test_files",
    ),
    (
        "Rows that stand in the way of a migration are looked for on the copy alone, by the role "
        "that has run it there, in a transaction that is read-only: keys and a query are told, and "
        "nothing where a row could be hidden",
        "test_in_the_way.py::test_a_query_changes_nothing_and_hides_no_row",
    ),
    (
        "What a program is told of a run is ASCII on one line, whatever the database says; "
        "evidence that was altered is not explained",
        "unit/test_explain.py::test_a_hostile_text_stays_a_text",
    ),
)
_DEFINITIONS = "test_definitions.py"
_RIGHTS = "test_rights.py"
_CODE = _rows(
    (
        "a table, view, function, type, domain",
        "have its code run by a superuser while a backup is restored into the twin: CHECK, domain, "
        "default, generated column, index, statistics, partition, policy, rule, trigger, cast, "
        "operator, materialized view; also a constant that is converted when a definition is read",
        "its part is made and filled in the session of a role that owns it and nothing else",
        f"{_RIGHTS}::test_no_code_of_an_owner_runs_as_a_superuser_on_the_twin",
    ),
    (
        "",
        "the same, where a superuser's table, view or event trigger calls its function",
        "superusers have such a role, too; event triggers come last and are not fired",
        f"{_RIGHTS}::test_nor_does_it_in_what_a_superuser_has_made_with_it",
    ),
    (
        "",
        "the same, in a database beside the source",
        "as on the twin",
        f"{_RIGHTS}::test_no_code_of_an_owner_runs_as_a_superuser_in_a_database_beside_the_source",
    ),
    (
        "",
        "the same, where a definition is read once more to be compared with its source",
        "the role that may only read does it, in a transaction that is rolled back",
        f"{_DEFINITIONS}::test_what_is_printed_in_another_way_is_equal",
    ),
    (
        "",
        "become a superuser of the real server when a backup is restored in its place",
        "as on the twin; the roles are removed",
        f"{_RIGHTS}::test_no_code_of_an_owner_runs_as_a_superuser_on_a_restore",
    ),
    (
        "",
        "reach tables of another owner while a backup is restored",
        "each owner has a role of its own",
        f"{_RIGHTS}::test_owners_are_kept_apart",
    ),
    (
        "",
        "use what it has been granted for more than a CHECK needs while a backup is restored",
        "its role may read, in this database, what the owner may read there, and no more",
        f"{_RIGHTS}::test_a_check_may_look_at_what_its_owner_may_read",
    ),
    (
        "",
        "have its code run by whoever reads its table: a backup, its proof, the plan of a restore. "
        "Planning a query computes what an index and statistics call of constants",
        "such a table is read by COPY, which plans nothing",
        f"{_RIGHTS}::test_to_read_is_to_run_nobodys_code",
    ),
    (
        "",
        "the same, by whoever compares tables while a run's rows are removed",
        "as for a backup; but for the tables that the rows are in",
        f"{_RIGHTS}::test_nor_does_a_cleanup_run_it",
    ),
    (
        "a table of the migration",
        "have its triggers, CHECKs, indexes and policies run with the rights of the login, where a "
        "run tries writes, deploys, takes back or cleans up",
        "it cannot be avoided: they have to act as they do for the application. PostgreSQL runs "
        "them as who is logged in, and SET ROLE is no boundary. So the login has no more than it "
        "needs and is a member of nothing else; a stronger one is refused",
        "test_security.py::test_the_roles_can_do_nothing_more",
    ),
    (
        "a table, view, function, type, domain",
        "have its code run with the rights of a restoring login that is no superuser",
        "the login is refused before anything is touched",
        f"{_RIGHTS}::test_who_owns_nothing_and_is_no_superuser_does_not_restore",
    ),
    (
        "",
        "have its code run by a stronger login that validates, deploys, takes back or cleans up",
        "the login is refused before anything is touched; the error names the code and its owner",
        f"{_RIGHTS}::test_a_login_that_is_stronger_than_the_code_is_refused",
    ),
    (
        "",
        "use a login that may read files of the server, write them or run its programs",
        "as a superuser",
        f"{_RIGHTS}::test_a_power_over_the_server_counts_as_much",
    ),
    (
        "",
        "hide code in an expression without a function of its own",
        "an expression that calls a volatile function of the system is code",
        f"{_RIGHTS}::test_what_of_a_table_is_code",
    ),
    (
        "an extension",
        "add a function of its own to it, so that it passes for the extension's",
        "whose code it is, its owner says and not the extension",
        f"{_RIGHTS}::test_code_is_not_the_extensions_because_its_owner_says_so",
    ),
    (
        "",
        "name a thing so that it passes for another's, or for an event trigger",
        "owners and kinds are read from the archive's own table of contents",
        "unit/test_twin_parts.py::test_event_triggers_come_last_and_are_known_by_kind",
    ),
    (
        "whoever is a superuser of the twin all the same",
        "read password files, the project or other processes, run a program, make a connection",
        "the kernel has taken that from its server; where it cannot, `twin.json` says so",
        f"{_RIGHTS}::test_the_server_of_the_twin_reaches_nothing",
    ),
)
_LOADED = _rows(
    (
        "What a target host imports is text whose SHA-256 the controller says with the call; it "
        "is verified, and compiled from memory",
        "unit/test_remote_module.py::test_a_changed_file_is_refused_and_named",
    ),
    (
        "Nothing that lies beside it or that a variable of the environment names is imported",
        "unit/test_remote_module.py::test_what_lies_beside_it_is_never_imported",
    ),
    (
        "A migration tool's command gets the address of a copy of the database and no other: no "
        "password file, no service file, no variable of this project's environment, no terminal, "
        "and no TCP where the kernel can take it (Linux 6.7)",
        "test_capture.py::test_the_environment_leads_nowhere_else",
    ),
    (
        "It writes below its folder and a temporary directory of its own, and to no other file "
        "(Linux 6.7): no approval, no file of this project, no backup. It reads the memory of no "
        "other process, and signals none (Linux 6.12)",
        "test_capture.py::test_it_writes_where_it_may_and_reaches_no_other_process",
    ),
    (
        "It is the application's code under the account of the login, or, where that is root, of "
        "its folder's owner. So what that account reads is left to it, a password file too, and "
        "Unix sockets by their path: of a server, of whatever starts programs for the account, "
        "and of twins where the login is not root. What it has changed unheard is refused where "
        "the copy's schema shows it",
        "unit/test_captured.py::test_what_changes_the_schema_otherwise_is_refused",
    ),
    (
        "One that opens no session there, or asks for another database or user, is refused",
        "test_capture.py::test_a_command_that_is_of_no_use_is_one_error",
    ),
    (
        "What it has started is ended with it",
        "test_capture.py::test_what_it_leaves_behind_is_ended",
    ),
    (
        "psycopg of the host is imported from directories only that nobody but root and the "
        "login can write to; elsewhere the project's own is",
        "unit/test_ownership.py::test_of_a_search_path_what_others_can_change_is_left_out",
    ),
    (
        "Every directory of `gonogo_remote_dir`'s path belongs to root or the login, and nobody "
        "else may write to it",
        "unit/test_remote_module.py::test_a_directory_of_somebody_else_is_refused",
    ),
    (
        "An answer carries a seal (HMAC) with a key that was made for this call",
        "unit/test_stage.py::test_an_answer_to_another_question_is_none",
    ),
    (
        "Modules, action and callback plugins and roles of this project's names that lie "
        "elsewhere are refused",
        "test_shadows.py::test_what_lies_elsewhere_is_refused",
    ),
    (
        "`run.json` names what else took part by path and SHA-256: the playbook, `ansible.cfg`, "
        "plugins of others",
        "test_shadows.py::test_a_playbook_of_another_name_has_the_last_word",
    ),
    (
        "A file of the project that changes while a run goes on is a HOLD",
        "unit/test_stage.py::test_a_project_that_changes_is_noticed",
    ),
    (
        "Compiled templates live as long as the run, in a directory that nobody else can change",
        "unit/test_render.py::test_code_is_shared_where_nobody_else_can_write",
    ),
    (
        "A definition from another run's evidence is only read on the twin, as that of a view, a "
        "rule or a routine, and not at all where it has what no server prints",
        "unit/test_definition_parts.py::test_what_no_server_prints_has_nothing_to_be_read",
    ),
)
_PROVES = _rows(
    (
        "where the gate has a key, that whoever has it has closed this very run: nobody else "
        "writes a directory anew that production admits",
        "unit/test_attestation.py::test_a_chain_that_was_written_anew_is_let_in_without_keys_and_refused_with_them",
    ),
    (
        "that no byte of a file and no line of the chain is another than when it was written, "
        "as long as nobody has written the whole directory anew",
        "test_verifier.py::test_it_sees_every_alteration",
    ),
    (
        "that it is the very directory, where its head was kept elsewhere: the last line of a "
        "run's output, the evidence of the production run that it has let in, a ticket",
        "test_verifier.py::test_what_it_cannot_see_and_the_head_can",
    ),
    (
        "what was added afterwards: a cleanup, an undo and a restore print a head of their own. It "
        "proves everything up to there; with an earlier one, what came later is named as unproven",
        "test_verifier.py::test_what_was_added_later_is_proven_by_a_later_head",
    ),
    (
        "that the decision follows from the answers: two programs that share no line agree",
        "test_verifier.py::test_it_agrees_with_the_project",
    ),
    (
        "that an edit in the middle of a run is not sealed with what comes after it",
        "unit/test_forgery.py::test_an_edit_is_not_sealed_with_what_is_added",
    ),
    (
        "that everything the archive has data of was compared, value by value or by what the "
        "type's output function writes: also what extensions keep for users, and large objects",
        "test_proof.py::test_data_that_nobody_compares_is_no_proof",
    ),
    (
        "that the archive can be restored and equals its source, table by table",
        "test_twin_run.py::test_the_proof_is_in_the_evidence_and_the_report",
    ),
)

SECURITY = Page(
    "security.md",
    "Security",
    (
        "Who may do what, which role needs which privilege, where secrets are, and what the "
        "evidence proves.",
        Table(
            ("Role", "What for", "Privileges"),
            _ROLES,
            heading="Roles of the database",
            words="`roles.sql` of the runbook makes the first two: `psql -X -v ON_ERROR_STOP=1 -v "
            "owner=apms_staging -d apms_staging -f roles.sql`. A run with the owner of the "
            "tables works as well and needs neither. Who is stronger than that (a superuser, or "
            "who could become one, read the server's files or run its programs) is refused where "
            "code of somebody weaker would run with these rights.",
        ),
        Table(("Who", "May"), _PEOPLE, heading="People"),
        Table(
            ("Approval", "Covers"),
            _APPROVALS,
            heading="Approvals",
            words="Whoever approves has seen a plan; the approval is for what that plan has shown. "
            "On a database that is written to, a restore is planned anew with every row: stop the "
            "application first.",
        ),
        Table(
            ("",),
            _REMOVED,
            heading="What is removed and ended",
            words="By what it is, not by what a file, a name or a comment says.",
        ),
        Table(("",), _SECRETS, heading="Secrets and connections"),
        Table(("",), _INERT, heading="Hostile content"),
        Table(("",), _LOADED, heading="Whose code runs"),
        Table(
            ("Owner of", "Could", "What is done about it"),
            _CODE,
            heading="Code in the database",
        ),
        Table(
            ("It proves",),
            _PROVES,
            heading="What the evidence proves",
            words="```console\n$ python3 verify/verify_evidence.py runs/staging/RUN_ID "
            "--head HASH\n```\n\nThe program needs nothing of the project: copy it to where the "
            "evidence is kept. HASH is what the run has printed behind `Evidence:`.",
        ),
        "## What it cannot prove\n\n"
        "* Whoever can write into the directory of the runs can write a whole directory anew, "
        "chain and verdict included; only a head that was kept elsewhere shows it, or a signature: "
        "[attestation.md](attestation.md). Let somebody else's system keep the output of the run "
        "(CI does), or give the gate a key.\n"
        "* Whoever can change the project's own code, what Python has compiled of it, Ansible, or "
        "the Python it runs on decides what it says. `run.json` holds the SHA-256 of every file "
        "that takes part; compare them with those of the commit.\n"
        "* A callback plugin under a name of its own can print any line, a GO as well. It changes "
        "neither the verdict nor the exit status, and `run.json` names it. Where callback and "
        "action plugins are all replaced, nobody of this project is asked.\n"
        "* Whoever is root on the target host, has its login or owns its Python, or is a superuser "
        "of the database, can show a run whatever they like. The seal of an answer proves that "
        "who gives it has read the question, not who it is.\n"
        "* Times are those of the controller's clock. A clock that is wrong makes waivers and "
        "promotions last longer or shorter; evidence that ends in the future lets nobody in.\n"
        "* A name in an approval that is not signed is what somebody has typed. Whether it is "
        "another person than the operator is for whoever reads it. What signatures prove is in "
        "[approvals.md](approvals.md).\n"
        "* That a deploy token was used is on record at the controller and on the target host. "
        "Whoever can change both can use it again until it expires.\n"
        "* An application whose role owns the tables, or is a member of the role that does, can "
        "drop the guards, disable triggers and alter what the checks have seen. That is how many "
        "applications log in, so it is no failure of a check: the guards are judged as they are. "
        "Where they have to bind the application, give it a role that owns nothing.\n"
        "* What a trigger does over a connection of its own (dblink) is in no lock of the "
        "transaction, so a cleanup and an undo cannot see it.\n"
        "* The words of `verdict.json` and the reports are made from the evidence and are no "
        "part of its chain. `playbooks/recompute.yml` compares `verdict.json` byte by byte; the "
        "small program compares decision, score, statuses and what each reason is about.\n"
        "* A GO is about the moment of the run: what was changed since is for the next one.",
    ),
)
