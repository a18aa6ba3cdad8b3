"""What the inventory asks for: checked before anything is touched."""

from .requested import (
    Asked,
    check_budgets,
    check_command_line,
    check_options,
    check_run_id,
    check_timeouts,
    check_variables,
    load_runbook,
    refuse_no_hosts,
    require_options,
    unknown_run,
)

__all__ = [
    "Asked",
    "check_budgets",
    "check_command_line",
    "check_options",
    "check_run_id",
    "check_timeouts",
    "check_variables",
    "load_runbook",
    "refuse_no_hosts",
    "require_options",
    "unknown_run",
]
