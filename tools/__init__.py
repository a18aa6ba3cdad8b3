"""Programs about the project, for those who work on it; a run needs none of them.

=============  =================================================================
`bench/`       what a run costs against doing the old runbook by hand
`matrix/`      the whole job on many versions of PostgreSQL, ansible-core, Python
`sabotage/`    breaks copies of the database and sees what the gate says
`count`        how many files are edited for one thing more of a kind
`cli`          what their command lines have in common, and the sandbox's
`playbook`     how a playbook is started
`project`      where things are
=============  =================================================================
"""

from __future__ import annotations

import sys

from tools.project import PROJECT

# The engine's package, wherever a tool is started from.
sys.path.insert(0, str(PROJECT / "module_utils"))
