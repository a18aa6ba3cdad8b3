# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""The stage restore: see module_utils/gonogo/controller/stages/restore.py."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from gonogo.controller.ansible.plugin import Plugin
from gonogo.controller.stages.restore import Restore


class ActionModule(Plugin):
    """See library/gonogo_restore.py."""

    logic = Restore
