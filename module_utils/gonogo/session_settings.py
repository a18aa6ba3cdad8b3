"""The settings that an answer can depend on, and what each session of this project sets them to.

A session pins them when it is opened; a phase script pins them again before each of its blocks,
because application code that ran in between may have changed them.

Runs on the target host: Python 3.9, standard library.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["NEVER", "NEWER", "PINNED", "SEARCH_PATH", "pinned"]

# pg_temp is named, and last: unnamed it would be searched first for tables and types.
SEARCH_PATH = "pg_catalog, pg_temp"

# Known to every supported version, and allowed to everybody.
PINNED: Mapping[str, str] = {
    "search_path": SEARCH_PATH,
    "row_security": "off",
    "client_encoding": "UTF8",
    # As the files of a migration are read: a backslash in plain quotes is a backslash.
    "standard_conforming_strings": "on",
    "client_min_messages": "warning",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "xmloption": "content",
    "extra_float_digits": "1",
    "quote_all_identifiers": "off",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "gin_fuzzy_search_limit": "0",
    "check_function_bodies": "on",
    "default_table_access_method": "heap",
    "default_tablespace": "",
    "temp_tablespaces": "",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "constraint_exclusion": "partition",
    "plan_cache_mode": "auto",
    "enable_indexscan": "on",
    "enable_indexonlyscan": "on",
    "enable_bitmapscan": "on",
    "jit": "off",
}

# Pinned where the server knows them.
NEWER: Mapping[str, str] = {
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "restrict_nonsystem_relation_kind": "",
}

# For superusers to set, so that they cannot be pinned. Anything else that the session has not begun
# with ends a script; what it has begun with is for the checks to judge.
NEVER: Mapping[str, str] = {
    "session_replication_role": "origin",
    "ignore_system_indexes": "off",
    "zero_damaged_pages": "off",
}


def pinned(timeouts: Mapping[str, str]) -> dict[str, str]:
    """`PINNED` with the limits of a run: `lock`, `statement`, `idle_in_transaction`."""
    return {
        **PINNED,
        "lock_timeout": timeouts["lock"],
        "statement_timeout": timeouts["statement"],
        "idle_in_transaction_session_timeout": timeouts["idle_in_transaction"],
    }
