"""The runbook of the derived checks, and what makes it be about a folder of migrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...contract.errors import InputError
from ...contract.records.queries import QueriesRecord
from ..declared.runbook import Criterion, Declaration, DeclaredCheck, Phase
from ..invocation import project
from ..reading import yamlfile
from . import criteria, own_checks, queries
from .book import Runbook
from .own_checks import AFTER, BEFORE, CRITERION, OwnCheck, OwnChecks
from .queries import QueryFile
from .source import Source

__all__ = [
    "DERIVED",
    "DERIVED_PROFILE",
    "NOTHING",
    "OWN_PHASES",
    "Beside",
    "about",
    "beside",
    "has_migration",
    "with_own",
    "without_trial",
]

DERIVED = project.ROOT / "runbooks" / "derived"
DERIVED_PROFILE = "target"

# When a person's own checks are asked → the phase they are asked in.
OWN_PHASES = {
    BEFORE: Phase(
        "00_own", title="Own checks before", transaction="snapshot", after=None, stage="preflight"
    ),
    AFTER: Phase("09_own", title="Own checks", transaction="snapshot", after=None),
}


@dataclass(frozen=True)
class Beside:
    """What a person has put beside a folder of migrations: the queries of the application, and
    checks of its own; and how criteria count."""

    queries: QueryFile | None = None
    checks: OwnChecks | None = None
    criteria: Mapping[str, object] = field(default_factory=dict)

    @property
    def digests(self) -> dict[str, str]:
        """Path → SHA-256 of every file of it, as the runbook's digests have them."""
        found = {}
        if self.queries is not None:
            found[f"queries/{self.queries.path.name}"] = self.queries.sha256
        if self.checks is not None:
            found |= {f"checks/{name}": digest for name, digest in self.checks.digests.items()}
        return found


NOTHING = Beside()


def beside(
    *, queries_file: Path | None, checks: Path | None, criteria: Mapping[str, object]
) -> Beside:
    """Read what is there beside a folder. Raises InputError."""
    return Beside(
        queries=queries.read(queries_file) if queries_file else None,
        checks=own_checks.read(checks) if checks else None,
        criteria=criteria,
    )


def about(
    runbook: Runbook,
    source: Source,
    pending: Sequence[str] | None = None,
    *,
    beside: Beside = NOTHING,
    served: QueriesRecord | None = None,
) -> Runbook:
    """The runbook about the migrations of these names; about all of the folder where nobody has
    looked yet what is applied. `served` are the queries that the database has seen. Raises
    InputError for a criterion that there is not."""
    if runbook.directory != DERIVED and (beside.criteria or beside.checks):
        _refuse(runbook, beside)
    names = [one.name for one in source.migrations] if pending is None else pending
    named = beside.queries.queries if beside.queries else ()
    own = beside.checks.checks if beside.checks else ()
    declared = with_own(runbook.declared, own)
    if pending is not None and not names:
        declared = without_trial(declared)
    if runbook.directory == DERIVED or declared.adds_to:
        declared = criteria.counted(declared, beside.criteria)
    return replace(
        runbook,
        declared=declared,
        source=source,
        pending=tuple(names),
        queries=(*named, *(queries.recorded(served) if served else ())),
        own_checks=own,
        set_criteria={name: str(level) for name, level in beside.criteria.items()},
        beside=beside.digests,
    )


def _refuse(runbook: Runbook, beside: Beside) -> None:
    """A runbook of somebody's own says itself how its criteria count, and its checks are asked by
    templates. Raises InputError."""
    if beside.criteria:
        raise InputError(
            "a runbook of your own says itself how its criteria count",
            key=criteria.KEY,
            file=str(runbook.directory),
            hint="Say it in its runbook.yml: class, effect and scoring.",
        )
    templates = [phase.name for phase in OWN_PHASES.values()]
    known = [folder / f"{name}.sql.j2" for folder in runbook.template_folders for name in templates]
    if sum(file.is_file() for file in known) < len(templates):
        raise InputError(
            "own checks are asked by the templates of the derived checks",
            key=own_checks.KEY,
            file=str(runbook.directory),
            hint="Let the runbook extend them (extends: derived), or have checks of its own.",
        )


def with_own(declared: Declaration, own: Sequence[OwnCheck]) -> Declaration:
    """The declaration with a person's own checks, in phases of their own."""
    if not own:
        return declared
    asked = {one.when for one in own}
    first = [OWN_PHASES[BEFORE]] if BEFORE in asked else []
    last = [OWN_PHASES[AFTER]] if AFTER in asked else []
    checks = [
        DeclaredCheck(
            id=one.id,
            title=one.title,
            criterion=CRITERION,
            phase=OWN_PHASES[one.when].name,
            remedy=one.remedy,
            effect=one.effect,
            empty_ok=one.empty_ok,
        )
        for one in own
    ]
    scored = [CRITERION] if any(one.effect == "no_go" for one in own) else []
    return replace(
        declared,
        scoring=[*declared.scoring, *scored],
        phases=[*declared.phases, *first, *last],
        criteria=[*declared.criteria, Criterion(CRITERION, class_="critical", title="Own checks")],
        checks=[*declared.checks, *checks],
    )


def without_trial(declared: Declaration) -> Declaration:
    """The declaration where nothing is pending: without what is asked of the trial of a migration,
    its cost and its way back, since there is none."""
    left_out = {phase.name for phase in declared.phases if phase.only == "rehearsal"}
    checks = [check for check in declared.checks if check.phase not in left_out]
    asked = {check.criterion for check in checks}
    gone = {one.id for one in declared.criteria if not one.of} - asked
    return replace(
        declared,
        phases=[phase for phase in declared.phases if phase.name not in left_out],
        checks=checks,
        criteria=[one for one in declared.criteria if one.id not in gone],
        scoring=[one for one in declared.scoring if one not in gone],
    )


def has_migration(directory: Path) -> bool:
    """Whether a runbook has files of its own to be applied: it is about no folder of migrations.

    Raises InputError for a file that nobody can read.
    """
    file = directory / "runbook.yml"
    data = yamlfile.load(file).data if file.is_file() else None
    return isinstance(data, dict) and "migration" in data
