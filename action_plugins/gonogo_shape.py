# Written by python -m tests.generated, from module_utils/gonogo/contract/options.
"""The stage shape: see module_utils/gonogo/controller/stages/shape.py."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from gonogo.controller.ansible.plugin import Plugin
from gonogo.controller.stages.shape import Measure


class ActionModule(Plugin):
    """See library/gonogo_shape.py."""

    logic = Measure
