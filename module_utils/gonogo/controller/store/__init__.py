"""Where the evidence of a run is taken to, so that the job which comes next finds it.

Whoever runs a job may be gone when it ends, with all of its files. A store keeps one file a run, by
what the run was about: its environment, its customer and the digest of its runbook. It is not
trusted: what is taken from it is verified as any evidence is, and its names decide nothing.

===========  ===================================================================
`subject`    what evidence is kept and found by, and the name of its file
`packing`    a directory of evidence as one file, and back again, whatever somebody has put there
`places`     what a person has written as a store: a directory, a host, a git repository
`directory`  files in a directory
`sftp`       files on a host, by the sftp of OpenSSH
`git`        files in a branch of a git repository
`programs`   how the last two are reached, and what that may take of this machine
`finding`    the runs that a store has of a subject, the newest first
===========  ===================================================================
"""

from __future__ import annotations

from .finding import Found, found
from .keeping import keep, opened
from .packing import packed, unpacked
from .places import Place, Store, StoreError, place_of
from .subject import Subject

__all__ = [
    "Found",
    "Place",
    "Store",
    "StoreError",
    "Subject",
    "found",
    "keep",
    "opened",
    "packed",
    "place_of",
    "unpacked",
]
