"""The figures as a page of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from tools.bench.byhand import STEPS
from tools.bench.catalogs import READ, SCRIPTS
from tools.bench.figures import Bar, Catalog, Comparison, Cost, Figures, Proof, bars, medians

__all__ = ["bar_lines", "render", "table"]

_INTRODUCTION = """\
# Benchmarks

What a run costs against doing the old runbook by hand, measured by `make bench` in one go. Ratios \
are what counts: both sides meet the same machine, in turn. The seconds are those of one machine.

![The whole run and its catalog checks, as multiples](benchmarks.svg)
"""

_WHOLE = """\
## The whole run

`ansible-playbook validate_staging.yml` over a real OpenSSH server, with the project's \
`ansible.cfg`, against a script that does over the same SSH client, options and kept connection \
what the old runbook asks a person to type: a plain `pg_dump` on the host, `scp` of the SQL files, \
and `psql -X -v ON_ERROR_STOP=1 -f` for each. The SQL is what the run before it has rendered. Not \
in the script, and so the run's to pay: proving the target, the lock, reading the backup back and \
sealing it, the race (two sessions), evidence, verdict, reports. Not in the script either is what \
a person does between the commands: look up values, paste them, read, decide.

Both log in anew each time, find their files in the page cache, and leave nothing: test rows \
are rolled back, backups removed. One pair to warm up does not count. The ratio is the median of \
the ratios of neighbours. CPU is user and system time of controller, target host and server \
together.
"""

_SIZES = """\
The tiny database is the sandbox at scale 1, {tiny}. The big one has {big}: the application's \
tables, which the checks read, take half of it; the other half is one table of text that \
compresses three to one.
"""

_STAGES = """\
Stage by stage (medians). By hand, `{dump}` is the backup, `{copy}` the copy, `{judge}` all checks.
"""

_SHARES = """\
## The shares of Ansible, SSH and PostgreSQL

Of one run that was watched closely, and in which one session asks everything (`phases_jobs: 1`):

* *PostgreSQL*: `pg_dump`, as `backup.json` says; every other statement, as the server's log says \
(`log_duration`); and what opening the sessions takes.
* *reading the backup back*: as `backup.json` says.
* *Python on the target host*: what is left of the time its interpreter ran, which notes when it \
starts and ends.
* *SSH*: logging in, and `ssh HOST true` over the kept connection, once for each module.
* *Ansible on the controller*: the rest.
"""

_PROOF = """\
## A proven backup

Every run restores the backup it took into a throw-away cluster on the target host, and compares \
it there with its source: rows and a hash of every table, sequences, large objects, schema. Dump, \
restore and comparison, as the evidence says, against two dumps that nobody restores, made right \
after it: `pg_dump -Fc` with its defaults, and the plain one of the old runbook. (The comparisons \
above leave this out on both sides.)

The limits are for the database of texts: {text}, in four tables of the kind that the big one has \
one of. To restore the big one, the indexes and foreign keys of the application's tables are made \
anew, and no dump does anything of that kind; it is here to be seen, and has no limit.

The empty cluster that the archive is restored into takes as long for a database of any size. It \
is a row of its own, outside of the limits.
"""

_CATALOGS = """\
## Large catalogs

{scripts}, as a run has rendered them, in databases that hold the migration and ever more other \
tables in the same schema, each with ten columns, four indexes, a CHECK and a foreign key. To \
compare with, the catalog is read once: every row and column of {read}.
"""

_REPEAT = """\
## To repeat

```console
$ make bench                        # writes this page and its plot
$ make bench BENCH='--only tiny'    # one part of it, on the terminal: tiny, big, catalogs or proof
$ make bench BENCH=--check          # fails when a limit is exceeded
```

It takes Linux, OpenSSH's client and server, and 5 GB below `$TMPDIR`; no root. An otherwise idle \
machine gives steady figures.
"""


def render(figures: Figures) -> str:
    """The whole page."""
    parts = [_INTRODUCTION, _bars(bars(figures))]
    if figures.comparisons:
        parts += [_WHOLE, _comparisons(figures.comparisons)]
        sizes = {one.name: _size(one.database_bytes) for one in figures.comparisons}
        if sizes.keys() >= {"tiny", "big"}:
            parts += [_SIZES.format(**sizes)]
        parts += [_STAGES.format(dump=STEPS[0], copy=STEPS[1], judge=STEPS[2])]
        parts += [_parts(figures.comparisons)]
    if figures.shares:
        parts += [_SHARES, _shares(figures.shares)]
    if figures.proofs:
        sizes = {one.name: _size(one.database_bytes) for one in figures.proofs}
        parts += [_PROOF.format(text=sizes["text"])]
        parts += [_proof(one) for one in figures.proofs]
    if figures.catalogs:
        scripts = " and ".join(f"`{name}`" for name in SCRIPTS)
        read = ", ".join(f"`{name}`" for name in READ)
        parts += [_CATALOGS.format(scripts=scripts, read=read), _catalogs(figures.catalogs)]
    parts += ["## Measured on\n", _machine(figures.machine), _REPEAT]
    return "\n".join(parts)


def bar_lines(found: Sequence[Bar]) -> list[str]:
    """One line a limit, for the terminal."""
    return [
        f"{'ok' if bar.holds else 'OVER':5} {_times(bar.measured):>7}, limit {_times(bar.limit)}: "
        f"{bar.what}"
        for bar in found
    ]


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A table whose first ``left`` columns are words and whose others are numbers."""
    rule = ["---" if number < left else "---:" for number in range(len(header))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (header, rule, *rows))


def _bars(found: Sequence[Bar]) -> str:
    return table(
        ["", "measured", "limit", ""],
        [
            [bar.what, _times(bar.measured), _times(bar.limit), "ok" if bar.holds else "**over**"]
            for bar in found
        ],
    )


def _size(number: int) -> str:
    return f"{number / 1e9:.2f} GB" if number > 1e8 else f"{number / 1e6:.0f} MB"


def _comparisons(found: Sequence[Comparison]) -> str:
    rows = []
    for one in found:
        for who, cost, walls in (
            ("run", one.product, [pair.product.wall for pair in one.pairs]),
            ("by hand", one.hand, [pair.hand.wall for pair in one.pairs]),
        ):
            rows.append([f"{one.name}, {who}", *_cost(cost, walls)])
        rows.append([f"**{one.name}, ratio**", f"**{_times(one.ratio)}**", *_ratios(one)])
    header = ["", "wall s", "range", "CPU s", "controller", "target", "server", "n"]
    return table(header, rows)


def _cost(cost: Cost, walls: Sequence[float]) -> list[str]:
    return [
        f"{cost.wall:.2f}",
        f"{min(walls):.2f} to {max(walls):.2f}",
        f"{cost.cpu:.2f}",
        f"{cost.controller:.2f}",
        f"{cost.target:.2f}",
        f"{cost.server:.2f}",
        str(len(walls)),
    ]


def _ratios(one: Comparison) -> list[str]:
    each = [pair.product.wall / pair.hand.wall for pair in one.pairs]
    spread = f"{min(each):.2f} to {max(each):.2f}"
    return [spread, f"**{_times(one.cpu_ratio)}**", "", "", "", str(len(each))]


def _parts(found: Sequence[Comparison]) -> str:
    rows = []
    for kind in ("stages", "steps"):
        parts: dict[str, None] = {}
        for one in found:
            parts.update(dict.fromkeys(getattr(one, kind)))
        for part in parts:
            name = part if kind == "stages" else f"by hand: {part}"
            rows.append([name, *(f"{getattr(one, kind).get(part, 0):.2f}" for one in found)])
    return table(["", *(f"{one.name}, s" for one in found)], rows)


def _shares(shares: Mapping[str, Mapping[str, float]]) -> str:
    header = [""]
    for name in shares:
        header += [f"{name}, s", "share"]
    parts = dict.fromkeys(part for share in shares.values() for part in share)
    rows = []
    for part in parts:
        row = [part]
        for share in shares.values():
            row += [f"{share[part]:.2f}", f"{share[part] / sum(share.values()):.0%}"]
        rows.append(row)
    return table(header, rows)


def _proof(proof: Proof) -> str:
    rows = [[part, f"{seconds:.2f}", *3 * [""]] for part, seconds in medians(proof.parts).items()]
    totals: tuple[tuple[str, Sequence[float]], ...] = (
        ("**together**", proof.seconds),
        ("the empty cluster", proof.start),
        ("**with the empty cluster**", proof.from_nothing),
    )
    dumps = (("`pg_dump -Fc`", proof.custom), ("`pg_dump`, plain", proof.plain))
    rows += [[words, *_spread(seconds), "", ""] for words, seconds in totals]
    rows += [
        [
            words,
            *_spread(seconds),
            _times(proof.ratio(seconds)),
            _times(proof.ratio(seconds, from_nothing=True)),
        ]
        for words, seconds in dumps
    ]
    header = [f"{proof.name} database", "s", "range", "together, to it", "with the empty cluster"]
    return table(header, rows)


def _spread(seconds: Sequence[float]) -> list[str]:
    return [f"{median(seconds):.2f}", f"{min(seconds):.2f} to {max(seconds):.2f}"]


def _catalogs(catalogs: Sequence[Catalog]) -> str:
    first = catalogs[0].seconds
    return table(
        ["other tables", "rows of the catalog", "scripts, s", "to the first", "reading it once, s"],
        [
            [
                f"{catalog.tables:,}",
                f"{catalog.rows:,}",
                f"{catalog.seconds:.3f}",
                _times(catalog.seconds / first),
                f"{catalog.reading:.3f}",
            ]
            for catalog in catalogs
        ],
    )


def _machine(machine: Mapping[str, str]) -> str:
    return table(["", ""], [[name, words] for name, words in machine.items()], left=2)


def _times(ratio: float) -> str:
    return f"{ratio:.2f}x"
