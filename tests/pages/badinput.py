"""What somebody may write, or a database may hold, and what becomes of it."""

from __future__ import annotations

from tests.pages import Page, Row, Table

__all__ = ["BAD_INPUT"]


def _rows(*rows: tuple[str, str, str]) -> list[Row]:
    return [Row((what, answer), test) for what, answer, test in rows]


_REFUSED = "one error: file, line, key, value (escaped, cut), what is right"

BAD_INPUT = Page(
    "bad-input.md",
    "Bad input",
    (
        "Every file and variable is looked at before the first connection. What is wrong is one "
        "error that reads like PostgreSQL's, with the next step; what is hostile stays text.",
        Table(
            ("What is written", "What becomes of it"),
            _rows(
                (
                    "Any value for any variable of any role (drawn at random: SQL, templates, "
                    "commands, control characters, numbers of 400 digits, lists for texts)",
                    "taken as it is, or one error; never a traceback",
                    "unit/test_badinput.py::test_any_value_of_any_variable",
                ),
                (
                    "Variables nobody knows",
                    "refused: `Did you mean ...?`",
                    "unit/test_badinput.py::test_any_variable_of_that_prefix",
                ),
                (
                    "Values that look like something else where a word of a list is asked for",
                    "refused",
                    "unit/test_badinput.py::test_what_looks_like_something_else_is_refused",
                ),
                (
                    "`runbook.yml` with any value changed, removed, doubled, any key renamed",
                    _REFUSED,
                    "unit/test_badinput.py::test_any_change_of_a_runbook",
                ),
                (
                    "`runbook.yml` with any bytes in any place: tags of Python, anchors, tabs",
                    _REFUSED,
                    "unit/test_badinput.py::test_any_bytes_in_a_runbook",
                ),
                (
                    "A key twice, an unknown key, a tag, an alias, another encoding, a bomb",
                    _REFUSED,
                    "unit/test_yamlfile.py::test_refused",
                ),
                (
                    "Text where a number is asked for, `no` for a text, an id twice, and so on",
                    _REFUSED,
                    "unit/test_schema.py::test_wrong",
                ),
                (
                    "A check without a criterion, a phase without a check, a cycle",
                    _REFUSED,
                    "unit/test_runbook.py::test_mistakes",
                ),
                (
                    "A manifest that names what it does not declare",
                    _REFUSED,
                    "unit/test_manifest.py::test_wrong",
                ),
                (
                    "A file of the runbook that is missing, empty, or leads out of its folder",
                    _REFUSED,
                    "unit/test_runbook.py::test_files",
                ),
                (
                    "A template with an undefined name, an unknown filter, a way out",
                    _REFUSED,
                    "unit/test_runbook.py::test_template_mistakes",
                ),
                (
                    "A meta-command of psql in a script",
                    "refused with file and line",
                    "unit/test_render.py::test_meta_commands_are_refused",
                ),
                (
                    "A parameter of another type, too long, or not declared",
                    "refused",
                    "unit/test_runbook.py::test_parameter_refused",
                ),
                (
                    "A waiver without an owner, a reason, a day, or for what there is not",
                    "refused",
                    "unit/test_request.py::test_waiver_refused",
                ),
                (
                    "A file of waivers that is no list of them, or has one that is none",
                    "refused",
                    "unit/test_request.py::test_a_file_of_waivers_is_refused",
                ),
                (
                    "Hosts of a waiver that are no names",
                    "refused",
                    "unit/test_request.py::test_hosts_of_a_waiver_are_a_list_of_names",
                ),
                (
                    "An audit of an unknown profile or runbook, with a misspelt variable",
                    "refused",
                    "integration/audit/test_audit.py::test_bad_input_is_one_error",
                ),
                (
                    "A number that is negative, too large, or none (`nan`, `inf`): hours, "
                    "sessions, attempts, factors",
                    "refused, with its range",
                    "unit/test_approval.py::test_a_number_out_of_its_range_is_one_error",
                ),
                (
                    "A limit of a session that PostgreSQL cannot count",
                    "refused, with the longest",
                    "unit/test_approval.py::test_a_limit_that_no_server_can_count",
                ),
                (
                    "Several mistakes in the files of a runbook",
                    "one error, which names each with its file and line",
                    "unit/test_author.py::test_what_the_files_say_of_each_other_is_told_at_once",
                ),
                (
                    "A check that no template asks, and a template that asks what nothing declares",
                    "refused, with the line, before anything is touched",
                    "unit/test_author.py::test_a_check_that_is_lost_is_told_before_anything",
                ),
                (
                    "A line removed from a runbook, a key renamed or of another type, a call block "
                    "removed, repeated or without an empty line around it",
                    "one error with file and line, or the same checks",
                    "unit/test_author.py::test_every_damage_to_a_small_runbook_is_told_or_harmless",
                ),
                (
                    "SQL with commands of psql, rows behind COPY, transactions, settings that "
                    "change how SQL is read",
                    "refused, each with its line",
                    "unit/test_statements.py::test_a_whole_file_of_psql_tells_each_of_its_faults",
                ),
                (
                    "Evidence that lacks a key, or has a value of another kind: of another "
                    "version, or edited",
                    "one error: the file, the key, what is there",
                    "unit/test_fault.py::test_a_value_of_another_kind",
                ),
                (
                    "An account that passwd does not know, as in a container",
                    "works; its number is the operator's name, and a twin could not be tried",
                    "test_nameless.py::test_with_a_home_it_is_a_go",
                ),
                (
                    "An account whose home directory nobody knows",
                    "one error, before anything is made",
                    "test_nameless.py::test_without_one_it_is_refused_before_anything",
                ),
                (
                    "A password in the place of a run's id, or of a directory",
                    "refused, by the variable that was set",
                    "unit/test_secrets.py::test_the_variable_is_named_that_a_person_has_set",
                ),
                (
                    "The name of a person that cannot be seen",
                    "refused, with the character",
                    "unit/test_approval.py::test_a_name_that_cannot_be_seen",
                ),
                (
                    "A login that leads nowhere, elsewhere, or shows its password",
                    "one error for each of 31 ways",
                    "test_login.py::test_refusal_is_one_clear_error",
                ),
                (
                    "Command lines and inventories that cannot be judged",
                    "one error, and nothing was judged",
                    "test_run.py::test_bad_input_is_one_clear_error_and_never_a_go",
                ),
            ),
            heading="Refused",
        ),
        Table(
            ("What is there", "What becomes of it"),
            _rows(
                (
                    "A database, a table, a trigger with quotes, capitals, blanks, brackets and "
                    "63 bytes in their names; rows with templates, markup, escape sequences",
                    "judged like any other; nothing is executed, every report stays readable",
                    "test_badinput.py::test_hostile_rows_and_names_are_inert",
                ),
                (
                    "Any text as a value in SQL",
                    "comes back as it was",
                    "unit/test_quoting.py::test_a_literal_is_the_text",
                ),
                (
                    "Any name in SQL",
                    "names that very thing; one that PostgreSQL would cut is refused",
                    "unit/test_quoting.py::test_an_identifier_is_the_name",
                ),
                (
                    "A value with a line `-- @check` in it",
                    "is no check",
                    "unit/test_render.py::test_a_value_cannot_forge_a_block",
                ),
                (
                    "Markup in names and rows",
                    "inert in HTML and in Markdown",
                    "unit/test_report.py::test_hostile_text_is_inert_in_html",
                ),
                (
                    "Control characters in names and rows",
                    "escaped in the terminal and in every report",
                    "unit/test_report.py::test_no_report_holds_control_characters",
                ),
            ),
            heading="Inert",
        ),
        "`make attacks` draws some thousand more.",
    ),
)
