"""Command line: ``python -m tools.bench``, what ``make bench`` runs.

Exit status: 0 measured, 1 an error or, with ``--check``, a limit exceeded, 130 and 143
interrupted.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import database
from tools import cli
from tools.bench import catalogs, contents, machine, page, plot, product, proof, shares
from tools.bench import figures as rules
from tools.bench.comparison import compare
from tools.bench.figures import Catalog, Comparison, Figures, Proof
from tools.bench.lab import Lab, opened
from tools.cli import Parser, say
from tools.project import DOCS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PARTS = ("tiny", "big", "catalogs", "proof")


@dataclass(frozen=True)
class Plan:
    """How much is measured. ``scale`` and ``big_texts`` make the big database, ``texts`` the one
    that is nothing else."""

    tiny_repetitions: int
    big_repetitions: int
    scale: int
    big_texts: tuple[int, ...]
    texts: tuple[int, ...]
    sizes: tuple[int, ...]
    catalog_repetitions: int


_FULL = Plan(
    tiny_repetitions=7,
    big_repetitions=3,
    scale=850,
    big_texts=(1_100_000,),
    texts=(860_000, 640_000, 430_000, 210_000),
    sizes=(100, 1_000, 10_000),
    catalog_repetitions=5,
)
# To see that everything works; the ratios say nothing.
_QUICK = Plan(
    tiny_repetitions=1,
    big_repetitions=1,
    scale=20,
    big_texts=(20_000,),
    texts=(9_000, 6_000),
    sizes=(10, 100),
    catalog_repetitions=1,
)

_TINY_LIMIT, _BIG_LIMIT = 4.0, 1.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; returns the exit status."""
    return cli.run(_parser(), arguments)


def _bench(asked: argparse.Namespace) -> int:
    parts = asked.only or _PARTS
    figures = _measure(_QUICK if asked.quick else _FULL, parts)
    whole = not asked.quick and set(parts) == set(_PARTS)
    _tell(figures, asked.output if whole else None)
    return int(asked.check and not all(bar.holds for bar in rules.bars(figures)))


def _measure(plan: Plan, parts: Sequence[str]) -> Figures:
    compared: list[Comparison] = []
    seen: dict[str, Mapping[str, float]] = {}
    grown: list[Catalog] = []
    proven: list[Proof] = []
    with opened() as lab:
        described = machine.describe(lab)
        size = contents.create(lab.cluster, "tiny", scale=1)
        if "tiny" in parts:
            _compare(lab, "tiny", size, plan.tiny_repetitions, _TINY_LIMIT, compared, seen)
        if "catalogs" in parts:
            grown = catalogs.measure(
                lab.cluster,
                product.run(lab, "tiny").scripts(),
                sizes=plan.sizes,
                repetitions=plan.catalog_repetitions,
                say=say,
            )
        if "proof" in parts:
            say("making the database of texts")
            size = contents.create(lab.cluster, "text", scale=1, texts=plan.texts)
            _prove(lab, "text", size, plan.big_repetitions, proven, limited=True)
            database.drop(lab.cluster, "text")
        if {"big", "proof"} & {*parts}:
            say("making the big database")
            size = contents.create(lab.cluster, "big", scale=plan.scale, texts=plan.big_texts)
        if "proof" in parts:
            _prove(lab, "big", size, plan.big_repetitions, proven, limited=False)
        if "big" in parts:
            _compare(lab, "big", size, plan.big_repetitions, _BIG_LIMIT, compared, seen)
    return Figures(compared, seen, grown, described, proven)


def _prove(
    lab: Lab, name: str, size: int, repetitions: int, proven: list[Proof], *, limited: bool
) -> None:
    proven.append(
        proof.measure(
            lab, name, database_bytes=size, limited=limited, repetitions=repetitions, say=say
        )
    )


def _compare(
    lab: Lab,
    name: str,
    size: int,
    repetitions: int,
    limit: float,
    compared: list[Comparison],
    seen: dict[str, Mapping[str, float]],
) -> None:
    compared.append(
        compare(
            lab,
            name,
            name=name,
            database_bytes=size,
            repetitions=repetitions,
            limit=limit,
            say=say,
        )
    )
    seen[name] = rules.shares(shares.observe(lab, name))


def _tell(figures: Figures, directory: Path | None) -> None:
    """Write page and plot, or print the page; then the limits, as the last word."""
    text = page.render(figures)
    if directory is None:
        say(f"\n{text}")
    else:
        directory.mkdir(exist_ok=True)
        (directory / "benchmarks.md").write_text(text, encoding="utf-8")
        (directory / "benchmarks.svg").write_text(plot.draw(figures), encoding="utf-8")
        say(f"Written: {directory / 'benchmarks.md'} and benchmarks.svg\n")
    for line in page.bar_lines(rules.bars(figures)):
        say(line)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m tools.bench",
        description="Measure what a run costs against doing the old runbook by hand.",
    )
    parser.set_defaults(command=_bench)
    parser.add_argument(
        "--only",
        action="append",
        choices=_PARTS,
        help="one part of it; prints the figures and writes no file (can be repeated)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small and once, to see that it works; writes no file, and the ratios say nothing",
    )
    parser.add_argument("--check", action="store_true", help="fail when a limit is exceeded")
    parser.add_argument(
        "--output",
        type=Path,
        default=DOCS,
        help="where benchmarks.md and benchmarks.svg go (default: docs)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
