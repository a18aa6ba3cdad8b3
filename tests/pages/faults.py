"""Runs that lose what they stand on, or are ended in the middle."""

from __future__ import annotations

from tests.pages import Page, Row, Table

__all__ = ["FAULTS"]

_CUT = "test_cut.py::test_run_that_is_cut_is_a_hold_and_the_next_one_a_go"
_HERE = "test_faults.py"
_CHANGE = "test_mishaps.py::test_every_change"
_GONE = "test_interrupted.py::test_nothing_is_committed_for_a_controller_that_is_gone"
_JUDGED = "HOLD, written down; its sessions are ended"
_TOLD = "`HOLD  nothing was judged`; the next run ends what it has left"
_SILENT = "no verdict, so HOLD; the next run ends what it has left"

_ENDED = (
    ("the SSH connection is cut", "each stage on the host: before, during or after", _JUDGED, _CUT),
    ("the module is killed", "each stage on the host: before, during or after", _JUDGED, _CUT),
    ("the session of the stage, or the one that has the lock, is ended", "the same", _JUDGED, _CUT),
    ("pg_dump is killed", "backup", _JUDGED, _CUT),
    (
        "ansible-playbook gets SIGTERM or SIGINT",
        "each stage on the host but deploy: before, during or after",
        _TOLD,
        _CUT,
    ),
    (
        "ansible-playbook gets SIGKILL",
        "each stage on the host: before, during or after",
        _SILENT,
        _CUT,
    ),
    (
        "ansible-playbook gets SIGTERM while a worker of it sends a message (Ansible would wait for"
        " the worker for ever)",
        "backup",
        _TOLD,
        "test_mishaps.py::test_a_worker_that_is_ended_in_a_message",
    ),
    (
        "ansible-playbook gets SIGKILL before the verdict is written",
        "verdict",
        _SILENT,
        "test_cut.py::test_run_that_is_cut_before_its_verdict_has_none",
    ),
    (
        "the last call to the host is cut after a stage has failed",
        "verdict",
        "HOLD, written down",
        "test_cut.py::test_verdict_of_a_failed_run_whose_last_call_is_cut_is_a_hold",
    ),
    (
        "ansible-playbook and what writes get SIGKILL; ansible-playbook gets SIGTERM",
        "before every single change of a file, on either side (some 140 in a run)",
        "no verdict, or the one that was earned; nothing unfinished is left but in the run's own"
        " directory",
        _CHANGE,
    ),
    (
        "what was begun on the host wakes up after a later run has ended its own",
        "phases",
        "it writes nothing: its run has no lock",
        "test_cut.py::test_module_of_a_fenced_run_writes_nothing",
    ),
    (
        "the same, with a dump that is done",
        "backup",
        "it is not sealed, and removed",
        "test_cut.py::test_backup_of_a_fenced_run_is_not_sealed",
    ),
    (
        "ansible-playbook gets SIGINT, SIGTERM or SIGHUP in the middle of a migration",
        "deploy",
        "what the module does is cancelled and nothing committed; `HOLD  HOST  interrupted "
        "(SIGTERM): the migration may have been applied`",
        _GONE,
    ),
    (
        "ansible-playbook, its process group, it and its workers, or ssh get SIGKILL in the middle"
        " of a migration",
        "deploy",
        "what the module does is cancelled and nothing committed",
        _GONE,
    ),
    (
        "SIGKILL in the middle of a migration",
        "deploy",
        "the next run says that nothing of it is there, puts that on record, and applies it",
        "test_interrupted.py::test_the_next_run_says_what_became_of_an_interrupted_deployment",
    ),
    (
        "SIGTERM when a migration is committed and its answer has not come yet",
        "deploy",
        "`the migration may have been applied`; the next run, or `undo.yml`, says that it is there,"
        " and `undo.yml` takes it back to the schema that was sealed before",
        "test_interrupted.py::test_a_migration_that_nobody_heard_of_is_taken_back",
    ),
    (
        "the run loses its lock in the middle of a migration",
        "deploy",
        "nothing is committed; what was committed before is on record",
        "test_deploy.py::test_what_was_committed_before_a_run_lost_its_lock_is_told",
    ),
    (
        "an interrupted build of an index leaves it unfinished",
        "deploy",
        "whoever finds out what was left names the index, and the command that removes it",
        "test_deploy.py::test_an_unfinished_index_is_named_by_whoever_finds_out_what_was_left",
    ),
    (
        "a signal to ansible-playbook or its group, SIGKILL of them, of the module, of what keeps"
        " the lock or the twin, or of ssh, the end of the sessions",
        "judging, deploying, cleanup, undo and restore, at random: before a change of a file,"
        " behind a statement of a migration, or as soon as the server shows how far a restore is",
        "no GO that was not earned; what was committed is sealed as an intent, and the next run"
        " says what became of it and puts it on record; after that nothing is left",
        "test_interruptions.py::test_some_interruptions",
    ),
    (
        "SIGKILL in the middle of a migration on the twin",
        "rehearsal",
        f"{_SILENT}, the twin too",
        "test_rehearsal.py::test_a_run_that_is_killed_on_its_twin_leaves_nothing_to_the_next",
    ),
    (
        "the twin's supervisor, its server, or both are killed",
        "twin",
        "no process, directory, socket or shared memory is left",
        "test_twin_cut.py::test_supervisor_and_server_that_were_killed",
    ),
    (
        "what restores the backup is killed",
        "twin",
        "the same",
        "test_twin_cut.py::test_module_that_was_killed_while_it_restored",
    ),
    (
        "an approved removal of rows is cut",
        "cleanup",
        "all rows are gone, or none",
        "test_cut.py::test_cleanup_that_is_cut_removes_all_rows_or_none",
    ),
)

_WRITTEN_TO = (
    (
        "the database is written to after the plan was shown",
        "cleanup, undo, restore",
        "nothing is done; what came is named, and asked for again",
        "test_restore_approval.py::test_what_came_after_the_plan_is_asked_for_again",
    ),
    (
        "it is written to while the backup is restored",
        "restore",
        "the new database is removed, the present one stays",
        "test_restore_approval.py::test_what_comes_while_the_backup_is_restored_stops_it",
    ),
    (
        "it is written to in the moment before the names are changed",
        "restore",
        "the restore is done; what came is named, it is in the database that is kept",
        "test_restore_approval.py::test_what_comes_in_the_last_moment_is_named",
    ),
    (
        "restoring fails",
        "restore",
        "what this call has made is removed, nothing else",
        "test_restore_approval.py::test_a_failure_removes_what_was_made_and_nothing_else",
    ),
    (
        "SIGTERM when a backup is restored and its answer has not come yet",
        "restore",
        "`the backup of run RUN_ID may have been restored`; the next run, or `restore.yml`, says"
        " that it was and what the database that was there is called, and puts it on record",
        "test_restore.py::test_a_restore_that_nobody_heard_of_is_found_by_the_next_run",
    ),
    (
        "SIGTERM before anything was restored",
        "restore",
        "`restore.yml` says that nothing came of the approval, and asks for it again",
        "test_restore.py::test_a_restore_that_came_to_nothing_is_said_by_the_next",
    ),
    (
        "a restore is interrupted, and others change the databases before anybody looks",
        "restore",
        "nobody says that it was done: another database has the name, the record leaves it open",
        "test_restored.py::test_what_others_have_done_since_is_not_taken_for_the_restore",
    ),
    (
        "a restore is killed before it can remove its roles",
        "restore",
        "the next one removes them, unless another run is at work on the server",
        "test_restored.py::test_roles_of_a_killed_restore_go_with_the_next",
    ),
    (
        "the answer to the change of names is lost",
        "restore",
        "the database that is used by then stays",
        "test_restore_approval.py::test_a_failure_does_not_remove_what_has_the_live_name_by_then",
    ),
    (
        "a restore is killed before it can remove what it has made",
        "restore",
        "the next plan names that database, by its oid; a plan from before does not remove it",
        "test_restore_approval.py::test_what_a_killed_restore_has_left_is_in_the_plan",
    ),
)

_LOST = (
    (
        "the server is stopped at once (an immediate shutdown), and started again",
        "each stage on the host: before or after, until the phases are done",
        "HOLD",
        f"{_HERE}::test_the_server_is_stopped_at_once",
    ),
    (
        "the controller's disk is full",
        "each stage on the host: before or after",
        "HOLD: `No space left on device`; no verdict is written",
        f"{_HERE}::test_no_room_for_the_evidence",
    ),
    (
        "from then on there is no room, or no right to write",
        "before every single change of a file, on either side",
        "no verdict, or the one that was earned",
        _CHANGE,
    ),
    (
        "the clock is set ahead or back, by a day or more than a year",
        "between the changes of files, all over the run",
        "GO, as without; no waiver that had expired counts again",
        "test_mishaps.py::test_a_clock_that_is_changed",
    ),
    (
        "the host's disk is full",
        "backup",
        "HOLD: `No space left on device`; a part of a backup is none",
        f"{_HERE}::test_no_room_for_the_backup",
    ),
    (
        "the host is so busy that a statement takes longer on the twin than it may",
        "rehearsal",
        "tried again when the host has time; HOLD with the numbers where it stays so, a NO-GO only "
        "for the rewriting of a large table",
        "test_slow.py::test_what_stays_slow_is_unknown_and_not_bad",
    ),
    (
        "on the twin a statement or the undo meets a full disk, has no memory, or is cancelled",
        "rehearsal",
        "HOLD: it may be the host's",
        "test_slow.py::test_what_the_host_has_too_little_of_is_nothing_bad",
    ),
    (
        "the login may not log in any more",
        "each stage on the host: before or after, until the phases are done",
        "HOLD: `is not permitted to log in`",
        f"{_HERE}::test_the_login_loses_its_right_to_log_in",
    ),
    (
        "somebody else holds a lock",
        "backup, preflight, phases",
        "HOLD after the time that was given: `canceling statement due to ... timeout`",
        f"{_HERE}::test_somebody_else_holds_a_lock",
    ),
    (
        "the same",
        "deploy",
        "tried again, then refused; the holder is named",
        "test_deploy.py::test_a_lock_that_is_not_to_be_had_stops_it_and_names_the_holder",
    ),
    (
        "of two hosts one is refused",
        "deploy",
        "the other is deployed to, judged, and has its verdict",
        "test_hosts.py::test_a_token_is_one_hosts_and_each_host_has_its_verdict",
    ),
    (
        "of two hosts one is refused, cannot be reached, or fails while it deploys; the play has"
        " the strategy free, goes on host by host or in batches, or allows no failure",
        "deploy",
        "the other is deployed to, judged, and has its verdict; the one has a word of its own",
        "test_hosts.py::test_what_happens_to_one_host_is_not_the_others",
    ),
    (
        "of many hosts one has a misspelt variable, cannot be reached, is a NO-GO, or has its"
        " worker of ansible-playbook killed",
        "all",
        "as many verdicts as hosts: that one's has its cause, the others are a GO",
        "test_fleet.py::test_as_many_verdicts_as_hosts",
    ),
    (
        "all databases of a host would have their twin at the same time",
        "twin and rehearsal",
        "they take turns, as many at once as `twin_at_once` says",
        "test_fleet.py::test_twins_take_turns",
    ),
    (
        "a second run is started",
        "each stage on the host: before or after, once the lock is taken",
        "the second is refused and names the first, which goes on to its GO",
        f"{_HERE}::test_a_second_run",
    ),
    (
        "files of the evidence or of the runbook are changed",
        "all",
        "HOLD: the file is named",
        "test_forgery.py::test_tampering_with_an_open_run",
    ),
)


def _table(rows: tuple[tuple[str, str, str, str], ...], heading: str) -> Table:
    return Table(
        ("What happens", "Where", "What becomes of it"),
        [Row((what, where, answer), test) for what, where, answer, test in rows],
        heading=heading,
    )


FAULTS = Page(
    "faults.md",
    "Faults",
    (
        "What can end a run, or take away what it stands on. A run is stopped at its place first "
        "and nothing waits for a time. In none of these is there a GO that was not earned. Where a "
        "next run follows, the test sees too that no row is lost, or left that the ledger does not "
        "name, that the evidence can be read, and that the next run comes to the right verdict. "
        "`make faults` runs the files of these tests, and writes this page.",
        _table(_ENDED, "A run is ended"),
        _table(_LOST, "A run goes on without what it needs"),
        _table(_WRITTEN_TO, "What was approved has changed, or does not come to its end"),
        "A full disk takes root, who may mount a small file system. Changes of files are counted "
        "where Python makes them; what pg_dump writes is one of them, the whole archive. "
        "`make test` tries some of the changes, `make faults` every one. It also interrupts "
        "200 times at random (`INTERRUPTIONS=N SEED=S`); each is printed with its number, and "
        "`--interruption-seed S --first-interruption N` does it again. Seen so far with seed 1 are "
        "the numbers 0 to 14 without SSH and 0 to 13 over it: no GO that was not earned, no commit "
        "without a record, and nothing left.",
        "Between the last proof that the controller listens and the moment COMMIT arrives there "
        "is always a moment, and a network that falls silent tells nobody. What is committed then "
        "is sealed as an intent and found afterwards.",
    ),
)
