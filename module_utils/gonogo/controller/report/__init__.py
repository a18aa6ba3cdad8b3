"""The report of a run, for people and CI."""

from .view import (
    nothing_judged,
    render_html,
    render_junit,
    render_markdown,
    summary_lines,
    write_reports,
)

__all__ = [
    "nothing_judged",
    "render_html",
    "render_junit",
    "render_markdown",
    "summary_lines",
    "write_reports",
]
