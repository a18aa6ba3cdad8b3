"""The settings that an answer can depend on, and what each session of this project sets them to.

A session pins them when it is opened; a phase script pins them again before each of its blocks,
because application code that ran in between may have changed them.

Runs on the target host: Python 3.9, standard library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = [
    "LIMITS",
    "NEVER",
    "NEWER",
    "PEER",
    "PINNED",
    "PLANNING",
    "SEARCH_PATH",
    "options",
    "pinned",
    "restoring",
    "without_limits",
]

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
    "jit": "off",
}

# By which way the planner comes to an answer: an index that lacks rows gives another one, and a
# setting of the role that forbids the best way takes more time. What the server has room for
# (work_mem, effective_cache_size, how many work side by side) is for the server to say.
PLANNING: Mapping[str, str] = {
    "enable_bitmapscan": "on",
    "enable_gathermerge": "on",
    "enable_hashagg": "on",
    "enable_hashjoin": "on",
    "enable_incremental_sort": "on",
    "enable_indexonlyscan": "on",
    "enable_indexscan": "on",
    "enable_material": "on",
    "enable_mergejoin": "on",
    "enable_nestloop": "on",
    "enable_parallel_append": "on",
    "enable_parallel_hash": "on",
    "enable_partition_pruning": "on",
    "enable_partitionwise_aggregate": "off",
    "enable_partitionwise_join": "off",
    "enable_seqscan": "on",
    "enable_sort": "on",
    "enable_tidscan": "on",
    "seq_page_cost": "1",
    "random_page_cost": "4",
    "cpu_tuple_cost": "0.01",
    "cpu_index_tuple_cost": "0.005",
    "cpu_operator_cost": "0.0025",
    "parallel_setup_cost": "1000",
    "parallel_tuple_cost": "0.1",
    "min_parallel_table_scan_size": "8MB",
    "min_parallel_index_scan_size": "512kB",
    "jit_above_cost": "100000",
    "jit_inline_above_cost": "500000",
    "jit_optimize_above_cost": "500000",
    "cursor_tuple_fraction": "0.1",
    "from_collapse_limit": "8",
    "join_collapse_limit": "8",
    "geqo": "on",
    "geqo_threshold": "12",
    "geqo_effort": "5",
    "geqo_pool_size": "0",
    "geqo_generations": "0",
    "geqo_selection_bias": "2",
    "geqo_seed": "0",
}

# Pinned where the server knows them.
NEWER: Mapping[str, str] = {
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "restrict_nonsystem_relation_kind": "",
    "enable_async_append": "on",
    "enable_distinct_reordering": "on",
    "enable_group_by_reordering": "on",
    "enable_memoize": "on",
    "enable_presorted_aggregate": "on",
    "enable_self_join_elimination": "on",
    "recursive_worktable_factor": "10",
    # The same by its old name, and its new one.
    "force_parallel_mode": "off",
    "debug_parallel_query": "off",
}

# How a server finds out that whoever it works for is gone. It may not find that out too early.
PEER: Mapping[str, str] = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "client_connection_check_interval": "5000",
}

# What a server ends a statement or a session for, and the first version that knows it.
LIMITS: Mapping[str, int] = {
    "statement_timeout": 0,
    "lock_timeout": 0,
    "idle_in_transaction_session_timeout": 0,
    "idle_session_timeout": 140000,
    "transaction_timeout": 170000,
}
_PEER_SINCE = {"client_connection_check_interval": 140000}

# For superusers to set, so that they cannot be pinned. Anything else that the session has not begun
# with ends a script; what it has begun with is for the checks to judge.
NEVER: Mapping[str, str] = {
    "session_replication_role": "origin",
    "ignore_system_indexes": "off",
    "zero_damaged_pages": "off",
}


def pinned(timeouts: Mapping[str, str]) -> dict[str, str]:
    """`PINNED` and `PLANNING` with the limits of a run: `lock`, `statement`,
    `idle_in_transaction`.
    """
    return {
        **PINNED,
        **PLANNING,
        "lock_timeout": timeouts["lock"],
        "statement_timeout": timeouts["statement"],
        "idle_in_transaction_session_timeout": timeouts["idle_in_transaction"],
    }


def without_limits(server_version: int) -> str:
    """Options of a connection to a server of this version: none of its limits counts from the
    start on, whoever has set it (the server's file, ALTER DATABASE, ALTER ROLE).

    For client programs, which pin only some of them, and late; and for a session that a limit would
    end before it has pinned anything.
    """
    limits = {name: "0" for name, since in LIMITS.items() if server_version >= since}
    peer = {
        name: value for name, value in PEER.items() if server_version >= _PEER_SINCE.get(name, 0)
    }
    return " ".join(f"-c {name}={value}" for name, value in {**limits, **peer}.items())


# What of a role's, a database's or a server's own settings would stand in the way of a restore, or
# make other values or definitions of what is in the archive; pg_restore sets the rest itself.
_RESTORING: Mapping[str, str] = {
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "default_tablespace": "",
    "local_preload_libraries": "",
}
# Setting and value -> the versions that know it: the first of a major version, and all later ones.
_RESTORING_NEWER: Mapping[tuple[str, str], tuple[int, ...]] = {
    ("idle_session_timeout", "0"): (140000,),
    ("transaction_timeout", "0"): (170000,),
    # It came with minor versions, too.
    ("restrict_nonsystem_relation_kind", ""): (130016, 140013, 150008, 160004, 170000),
}


def restoring(server_version: int, *, monetary: str | None) -> dict[str, str]:
    """Settings that a session restores with, all of them allowed to everybody.

    `monetary` is the locale that amounts of money were dumped in, None where there are none.
    """
    newer = {
        name: value
        for (name, value), known in _RESTORING_NEWER.items()
        if _knows(server_version, known)
    }
    return {**_RESTORING, **newer, **({"lc_monetary": monetary} if monetary else {})}


def _knows(version: int, known: tuple[int, ...]) -> bool:
    return version >= known[-1] or any(
        first <= version < (first // 10000 + 1) * 10000 for first in known
    )


def options(settings: Mapping[str, str]) -> str:
    """Settings in the form of libpq's `options`: they hold from the beginning of the session on,
    whatever the role or the database has for it.
    """
    return " ".join(f"-c {name}={_escaped(value)}" for name, value in settings.items())


def _escaped(value: str) -> str:
    return re.sub(r"([\s\\])", r"\\\1", value)
