"""A line now and then that says how far a stage is, for whoever waits.

`words` makes the lines of what the target host has written down, `watching` asks for it while a
stage works. It is neither evidence nor a part of any answer: what is shown here was written by the
other side, and decides nothing. Whatever fails of it is not told.
"""

from .watching import Watch, watched
from .words import Words, took

__all__ = ["Watch", "Words", "took", "watched"]
