"""One summary of a playbook that has judged several hosts.

==============  =================================================================================
`collecting`    what is known of each host, from its evidence alone; the waivers of all of them
`shapes`        which databases are of which shape, and what differs
`told`          the table on the terminal, and the last line for programs
`planning`      what would be applied to each host, as one plan to be approved
`pages`         the directory of the summary: fleet.json, fleet.html, fleet.md, junit.xml
==============  =================================================================================
"""

from __future__ import annotations

from ...contract.records.fleet import FILE
from .collecting import Member, Place, collected
from .pages import TEMPLATES, write
from .planning import PAGE, plan_lines, planned, write_plan
from .told import last_line, table

__all__ = ["FILE", "PAGE", "TEMPLATES", "Member", "Place", "collected", "last_line", "plan_lines"]
__all__ += ["planned", "table", "write", "write_plan"]
