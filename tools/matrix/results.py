"""What became of a cell, kept in the cache until it runs again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from tools.matrix.axes import Cell
from tools.matrix.cache import Cache

PASSED, FAILED, UNAVAILABLE = "passed", "failed", "unavailable"

_FOLDER = "results"


@dataclass(frozen=True)
class Result:
    """``outcome`` is one of the three above; ``reasons`` say why it is not the first.

    ``versions`` are exact: server, pg_dump, ansible_core, python, psycopg, libpq, target_python and
    connection, as far as they were seen. ``verdicts`` are in a few characters, by profile.
    ``day`` is a date in ISO 8601, UTC; ``seconds`` is information only.
    """

    cell: str
    outcome: str
    day: str
    system: str
    reasons: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    seconds: int = 0

    def line(self) -> str:
        """One line for a terminal."""
        verdicts = [f"{name} {said}" for name, said in self.verdicts.items()]
        words = [f"{self.cell:30} {self.outcome}", *verdicts, *self.reasons]
        return "; ".join(words)


def keep(cache: Cache, result: Result) -> None:
    """Write it down, in place of an earlier one of the same cell."""
    folder = cache.directory / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(result), sort_keys=True, indent=2, ensure_ascii=False)
    new = folder / f"{result.cell}.json.new"
    new.write_text(f"{text}\n", encoding="utf-8")
    new.replace(folder / f"{result.cell}.json")


def load(cache: Cache, cell: Cell) -> Result | None:
    """What became of the cell, or None when it has never run."""
    try:
        text = (cache.directory / _FOLDER / f"{cell.name}.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return Result(**json.loads(text))
