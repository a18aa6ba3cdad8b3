"""What was measured, and the ratios that follow from it. Times are seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

__all__ = [
    "Bar",
    "Catalog",
    "Comparison",
    "Cost",
    "Figures",
    "Observation",
    "Pair",
    "Proof",
    "bars",
    "catalog_bar",
    "medians",
    "shares",
]

# The catalog may grow a hundredfold.
_CATALOG_LIMIT = 3.0
# A dump that is restored and compared, to one that is not.
_CUSTOM_LIMIT, _PLAIN_LIMIT = 1.0, 3.0


@dataclass(frozen=True)
class Cost:
    """What something has taken: time on the clock, and CPU time in three places."""

    wall: float
    controller: float
    target: float
    server: float

    @property
    def cpu(self) -> float:
        """CPU time in all places together."""
        return self.controller + self.target + self.server


@dataclass(frozen=True)
class Pair:
    """A run of the product and the same work by hand right after it."""

    product: Cost
    hand: Cost


@dataclass(frozen=True)
class Comparison:
    """Several pairs on one database, and how long the parts took (medians, part → seconds)."""

    name: str
    database_bytes: int
    pairs: Sequence[Pair]
    stages: Mapping[str, float]
    steps: Mapping[str, float]
    limit: float

    @property
    def ratio(self) -> float:
        """How many times as long a run takes. Neighbours met the same conditions, so they are
        divided first."""
        return median(pair.product.wall / pair.hand.wall for pair in self.pairs)

    @property
    def cpu_ratio(self) -> float:
        """The same for CPU time, which other work on the machine hardly changes."""
        return median(pair.product.cpu / pair.hand.cpu for pair in self.pairs)

    @property
    def product(self) -> Cost:
        """The median run, place by place."""
        return _middle([pair.product for pair in self.pairs])

    @property
    def hand(self) -> Cost:
        """The same by hand."""
        return _middle([pair.hand for pair in self.pairs])

    @property
    def bar(self) -> Bar:
        """Whether a run is cheap enough."""
        return Bar(f"whole run, {self.name} database, to by hand", self.ratio, self.limit)


@dataclass(frozen=True)
class Observation:
    """One run that was watched closely.

    ``modules`` is the time the target host's Python ran, in ``calls`` calls; of it, ``database``
    went by with the dump and with statements in ``sessions`` sessions, and ``reading_back`` with
    the archive. ``log_in``, ``round_trip`` and ``connect`` are what one of a kind takes.
    """

    wall: float
    modules: float
    calls: int
    log_in: float
    round_trip: float
    database: float
    sessions: int
    connect: float
    reading_back: float


@dataclass(frozen=True)
class Catalog:
    """The scripts that read the catalog, beside ``tables`` more tables than they ask about.

    ``seconds`` is what they take, ``reading`` what reading ``rows`` rows of it once takes.
    """

    tables: int
    rows: int
    seconds: float
    reading: float


@dataclass(frozen=True)
class Proof:
    """A backup that is restored and compared, several times: ``parts`` (part → seconds), ``start``
    (seconds for the empty cluster), and right after each what ``pg_dump`` takes alone, in its
    custom format and as plain SQL. ``limited``: whether it is the database that the limits are for.
    """

    name: str
    database_bytes: int
    limited: bool
    parts: Sequence[Mapping[str, float]]
    start: Sequence[float]
    custom: Sequence[float]
    plain: Sequence[float]

    @property
    def seconds(self) -> list[float]:
        """Dump, restore and comparison together."""
        return [sum(parts.values()) for parts in self.parts]

    @property
    def from_nothing(self) -> list[float]:
        """The same, and the empty cluster."""
        return [ours + start for ours, start in zip(self.seconds, self.start, strict=True)]

    def ratio(self, hands: Sequence[float], *, from_nothing: bool = False) -> float:
        """How many times as long as one of the dumps; neighbours are divided first."""
        ours = self.from_nothing if from_nothing else self.seconds
        return median(our / hand for our, hand in zip(ours, hands, strict=True))

    @property
    def bars(self) -> list[Bar]:
        """Whether a proof is cheap enough."""
        if not self.limited:
            return []
        what = f"proven backup, {self.name} database, to "
        return [
            Bar(f"{what}pg_dump -Fc", self.ratio(self.custom), _CUSTOM_LIMIT),
            Bar(f"{what}pg_dump", self.ratio(self.plain), _PLAIN_LIMIT),
        ]


@dataclass(frozen=True)
class Bar:
    """A limit that a figure is held against; both are ratios."""

    what: str
    measured: float
    limit: float

    @property
    def holds(self) -> bool:
        """Whether the figure stays below."""
        return self.measured <= self.limit


@dataclass(frozen=True)
class Figures:
    """Everything that was measured. ``shares``: comparison → part → seconds."""

    comparisons: Sequence[Comparison]
    shares: Mapping[str, Mapping[str, float]]
    catalogs: Sequence[Catalog]
    machine: Mapping[str, str]
    proofs: Sequence[Proof] = ()


def bars(figures: Figures) -> list[Bar]:
    """All limits, each beside what it limits."""
    found = [comparison.bar for comparison in figures.comparisons]
    for proof in figures.proofs:
        found += proof.bars
    if len(figures.catalogs) > 1:
        found.append(catalog_bar(figures.catalogs))
    return found


def catalog_bar(catalogs: Sequence[Catalog]) -> Bar:
    """Three times the time on the smallest catalog, and what reading the largest once takes."""
    smallest, largest = (
        choose(catalogs, key=lambda catalog: catalog.tables) for choose in (min, max)
    )
    return Bar(
        f"catalog of {largest.tables:,} tables, to {smallest.tables:,}",
        largest.seconds / smallest.seconds,
        _CATALOG_LIMIT + largest.reading / smallest.seconds,
    )


def shares(seen: Observation) -> dict[str, float]:
    """Where the time of a run went; the parts add up to the whole."""
    ssh = seen.log_in + seen.calls * seen.round_trip
    database = seen.database + seen.sessions * seen.connect
    return {
        "PostgreSQL": database,
        "reading the backup back": seen.reading_back,
        "Python on the target host": seen.modules - database - seen.reading_back,
        "SSH": ssh,
        "Ansible on the controller": seen.wall - seen.modules - ssh,
    }


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Part → median over all runs, which have the same parts."""
    return {part: median(run[part] for run in runs) for part in runs[0]}


def _middle(costs: Sequence[Cost]) -> Cost:
    return Cost(
        wall=median(cost.wall for cost in costs),
        controller=median(cost.controller for cost in costs),
        target=median(cost.target for cost in costs),
        server=median(cost.server for cost in costs),
    )
