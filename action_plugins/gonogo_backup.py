"""Records the sealed backup in the evidence."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

from ansible.module_utils.parsing.convert_bool import boolean

from gonogo.controller.ansible.stage import LOGIN, Stage


class ActionModule(Stage):
    """See library/gonogo_backup.py."""

    stage = "backup"
    spec = {
        "login": LOGIN,
        "directory": {"type": "str", "required": True},
        "pg_bin": {"type": "str"},
        "compress": {"type": "str", "default": "auto"},
        "jobs": {"type": "int", "default": 0},
        "lock_wait": {"type": "int", "default": 10000},
    }

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.checking:
            return self.call_with_database("backup", {**arguments, "run_id": "check"})
        run = self.open_run()
        self.same_login(run, arguments)
        # Only a twin is compared with its source.
        twin = self._variable("twin_enabled")
        result = self.call_with_database(
            "backup",
            {
                **arguments,
                "run_id": run.run_id,
                "fingerprint": twin is None or boolean(twin),
            },
        )
        run.write_json("backup.json", result["backup"], stage=self.stage)
        run.append(self.stage, "stage_passed")
        return result
