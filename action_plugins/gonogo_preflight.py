"""The stage preflight; see phase_stage.py."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from gonogo.controller.stages.phases import PhaseStage


class ActionModule(PhaseStage):
    """See library/gonogo_preflight.py."""

    stage = "preflight"
    spec = {**PhaseStage.spec, "after_deploy": {"type": "bool", "default": False}}
