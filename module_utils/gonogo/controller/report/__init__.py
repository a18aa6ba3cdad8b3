"""The report of a run, for people and CI.

`view` gathers what a report says into one `page`, a file for each part of it (`why`, `findings`,
`results`, `timeline`, `proof`, `costs`, `log`); `parts` is what all pages are put together from,
`waivers` what two of them say alike, `inert` prints it. `terminal` has the last lines of a run,
`next_steps` the commands to be pasted.
"""

from .next_steps import next_steps
from .terminal import nothing_judged, summary_lines
from .view import render_html, render_junit, render_markdown, write_reports

__all__ = [
    "next_steps",
    "nothing_judged",
    "render_html",
    "render_junit",
    "render_markdown",
    "summary_lines",
    "write_reports",
]
