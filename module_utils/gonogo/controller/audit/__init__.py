"""What an audit keeps and says.

==============  =================================================================================
`comparing`     two audits of one database: what is new, worse, better, gone
`kept`          the audits of a host on disk: the last one, the baseline, how a number went
`said`          lines for the terminal and for programs
`pages`         the report: audit.json, audit.html, audit.md
==============  =================================================================================
"""

from __future__ import annotations

from .comparing import changes, number_of
from .kept import Shelf, record
from .pages import write
from .said import counts, last_line, lines

__all__ = ["Shelf", "changes", "counts", "last_line", "lines", "number_of", "record", "write"]
