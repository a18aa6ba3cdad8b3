"""What the gate said to each change, kept so that a page can be made of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tools.project import CACHE
from tools.sabotage.lab import Outcome

__all__ = ["DIRECTORY", "Records"]

DIRECTORY = CACHE / "sabotage"


@dataclass
class Records:
    """Of one major version: the server's whole version, and the outcome of each change by id."""

    major: int
    version: str = ""
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    @classmethod
    def read(cls, major: int, directory: Path = DIRECTORY) -> Records:
        """Those of the last run; none where there was none."""
        file = directory / f"{major}.json"
        if not file.is_file():
            return cls(major)
        saved = json.loads(file.read_text(encoding="utf-8"))
        return cls(major, saved["version"], _by_id(map(Outcome.of, saved["outcomes"])))

    def write(self, directory: Path = DIRECTORY) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        outcomes = [outcome.record() for outcome in self.outcomes.values()]
        text = json.dumps({"version": self.version, "outcomes": outcomes}, indent=1)
        file = directory / f"{self.major}.json"
        file.with_suffix(".new").write_text(text, encoding="utf-8")
        file.with_suffix(".new").replace(file)


def _by_id(outcomes: Iterable[Outcome]) -> dict[str, Outcome]:
    return {outcome.id: outcome for outcome in outcomes}
