"""What a run has come to and what may be done next, from its evidence alone.

==============  =================================================================================
`explanation`   for programs: the JSON of the last line
`actions`       what can be done next, and what of it takes a person
`said`          the same for people
==============  =================================================================================
"""

from __future__ import annotations

from .explanation import FORMAT, Explanation, explain
from .said import last_line, lines

__all__ = ["FORMAT", "Explanation", "explain", "last_line", "lines"]
