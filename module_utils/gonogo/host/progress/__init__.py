"""How far a stage is: written down now and then, while it works, for the controller to read.

`telling` keeps the one small file that a call may have, and knows the steps that are at work;
`server` is what PostgreSQL says of the sessions of this run, `dumping` and `restoring` what is
counted of an archive.

Nothing of it is evidence and nothing decides by it. What cannot be counted or written is left out;
no step fails for it. Without a file nothing is counted at all.

Runs on the target host: Python 3.9, standard library only.
"""

from .telling import Session, Step, lending, lent, step, telling

__all__ = ["Session", "Step", "lending", "lent", "step", "telling"]
