"""The decision: a pure function of the evidence.

Anything proven bad is a NO-GO, anything unknown a HOLD; what is left is a GO, or UP-TO-DATE where
there was no migration to judge. Nothing here reads
a clock, a file or the environment, and no record raises: what cannot be understood is a HOLD. The
parts, from the bottom up:

============  ==================================================================
`values`      values of JSON of which nobody has said what they are
`plan`        what has to be there for a GO, as `plan.json` holds it
`statuses`    what checks and criteria have come to
`conditions`  what is said beside the decision
`activity`    the same about who was at work right before a deployment, in words
`waivers`     which failed checks are accepted, until when and by whom
`reasons`     what stands against a GO
`proof`       the same about the backup that was restored
`rehearsal`   the same about what was tried on a copy of the database
`outlook`     what would change the decision
`decision`    `decide`: all of it in one document
============  ==================================================================
"""

from __future__ import annotations

from .activity import holding, next_step, sentence, summary
from .decision import decide
from .plan import CLASSES, EFFECTS, read_plan
from .reasons import PRODUCTION, is_protected
from .rehearsal import findings
from .statuses import COPY_ONLY, STATUSES, WORDS, misfits
from .waivers import may_be_waived

__all__ = [
    "CLASSES",
    "COPY_ONLY",
    "EFFECTS",
    "PRODUCTION",
    "STATUSES",
    "WORDS",
    "decide",
    "findings",
    "holding",
    "is_protected",
    "may_be_waived",
    "misfits",
    "next_step",
    "read_plan",
    "sentence",
    "summary",
]
