"""One summary of a playbook that has judged several hosts.

==============  =================================================================================
`collecting`    what is known of each host, from its evidence alone; the waivers of all of them
`told`          the table on the terminal, and the last line for programs
`pages`         the directory of the summary: fleet.json, fleet.html, fleet.md, junit.xml
==============  =================================================================================
"""

from __future__ import annotations

from ...contract.records.fleet import FILE
from .collecting import Member, Place, collected
from .pages import TEMPLATES, write
from .told import last_line, table

__all__ = ["FILE", "TEMPLATES", "Member", "Place", "collected", "last_line", "table", "write"]
