"""The ratios as a drawing: stacked bars, and a line where each limit is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import cycle

from tools.bench.byhand import STEPS
from tools.bench.figures import Catalog, Comparison, Figures, catalog_bar

__all__ = ["draw"]

_WIDTH, _LEFT, _RIGHT = 860, 190, 50
_BAR, _GAP, _GROUP = 22, 6, 30
_END = "text-anchor='end'"
_FONT = "font-family='system-ui, sans-serif' font-size='13'"

# Told apart by the colour-blind as well.
_COLOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#9A9A9A",
)
_OTHER = "#333333"
_LIMIT = "#C00000"

# The stage of a run and the step by hand that do the same work have the same colour.
_ALIKE = dict(zip(("backup", "copy_sql", "phases"), STEPS, strict=True))


def draw(figures: Figures) -> str:
    """The whole drawing as SVG."""
    canvas = _Canvas()
    if figures.comparisons:
        _comparisons(canvas, figures.comparisons)
    if len(figures.catalogs) > 1:
        _catalogs(canvas, figures.catalogs)
    return canvas.finish()


class _Canvas:
    """Elements from the top down; ``y`` is where the next one goes."""

    def __init__(self) -> None:
        self.y = 16.0
        self._elements: list[str] = []

    def text(self, x: float, y: float, words: str, style: str = "") -> None:
        self._elements.append(
            f"<text x='{x:.1f}' y='{y:.1f}' {_FONT} {style} fill='#222'>{escape(words)}</text>"
        )

    def box(self, x: float, y: float, width: float, colour: str, title: str) -> None:
        self._elements.append(
            f"<rect x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{_BAR}' fill='{colour}'>"
            f"<title>{escape(title)}</title></rect>"
        )

    def limit(self, x: float, top: float, bottom: float, words: str) -> None:
        self._elements.append(
            f"<line x1='{x:.1f}' y1='{top:.1f}' x2='{x:.1f}' y2='{bottom:.1f}'"
            f" stroke='{_LIMIT}' stroke-width='2' stroke-dasharray='5 3'/>"
        )
        self._elements.append(
            f"<text x='{x - 4:.1f}' y='{bottom - 4:.1f}' font-family='system-ui, sans-serif'"
            f" font-size='11' text-anchor='end' fill='{_LIMIT}'>{escape(words)}</text>"
        )

    def heading(self, words: str) -> None:
        self.y += 12
        self.text(16, self.y, words, "font-weight='bold'")
        self.y += 14

    def legend(self, colours: Mapping[str, str]) -> None:
        x = float(_LEFT)
        for name, colour in colours.items():
            width = 30 + 7.8 * len(name)
            if x + width > _WIDTH - 10:
                x, self.y = float(_LEFT), self.y + 20
            self._elements.append(
                f"<rect x='{x:.1f}' y='{self.y:.1f}' width='12' height='12' fill='{colour}'/>"
            )
            self.text(x + 17, self.y + 11, name)
            x += width
        self.y += 30

    def finish(self) -> str:
        return "\n".join(
            [
                f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {self.y:.0f}'"
                f" width='{_WIDTH}' height='{self.y:.0f}'>",
                f"<rect width='{_WIDTH}' height='{self.y:.0f}' fill='#fff'/>",
                *self._elements,
                "</svg>",
                "",
            ]
        )


def _comparisons(canvas: _Canvas, found: Sequence[Comparison]) -> None:
    """Every group is measured in what its own work by hand takes."""
    stages = dict.fromkeys(stage for one in found for stage in one.stages)
    colours = dict(zip(stages, cycle(_COLOURS), strict=False))
    legend = {
        f"{stage} ({_ALIKE[stage]})" if stage in _ALIKE else stage: colours[stage]
        for stage in stages
    }
    colours |= {step: colours.get(stage, _OTHER) for stage, step in _ALIKE.items()}
    scale = _scale([max(one.limit, one.ratio) for one in found])
    canvas.heading("Whole run, in multiples of the same work by hand")
    for one in found:
        top = canvas.y
        rows = (("by hand", one.steps, 1.0), ("run", one.stages, one.ratio))
        for who, seconds, ratio in rows:
            _stack(canvas, f"{one.name}, {who}", seconds, ratio, scale, colours)
        canvas.limit(_LEFT + one.limit * scale, top - 6, canvas.y + 12, f"limit {one.limit:g}x")
        canvas.y += _GROUP
    canvas.legend(legend)


def _stack(
    canvas: _Canvas,
    label: str,
    seconds: Mapping[str, float],
    ratio: float,
    scale: float,
    colours: Mapping[str, str],
) -> None:
    """A bar as long as the ratio, divided like the seconds."""
    unit = sum(seconds.values()) / ratio
    canvas.text(_LEFT - 10, canvas.y + 16, label, _END)
    x = float(_LEFT)
    for part, taken in seconds.items():
        width = max(taken, 0.0) / unit * scale
        canvas.box(x, canvas.y, width, colours[part], f"{part}: {taken:.2f} s")
        x += width
    canvas.text(x + 6, canvas.y + 16, f"{ratio:.2f}x")
    canvas.y += _BAR + _GAP


def _catalogs(canvas: _Canvas, catalogs: Sequence[Catalog]) -> None:
    first, last = catalogs[0], catalogs[-1]
    bar = catalog_bar(catalogs)
    scale = _scale([bar.limit, *(one.seconds / first.seconds for one in catalogs)])
    canvas.heading(f"Checks of the catalog, in multiples of those on {first.tables:,} tables")
    top = canvas.y
    for one in catalogs:
        canvas.text(_LEFT - 10, canvas.y + 16, f"{one.tables:,} tables", _END)
        ratio = one.seconds / first.seconds
        canvas.box(_LEFT, canvas.y, ratio * scale, _COLOURS[0], f"{one.seconds:.3f} s")
        canvas.text(_LEFT + ratio * scale + 6, canvas.y + 16, f"{ratio:.2f}x")
        canvas.y += _BAR + _GAP
    words = f"limit at {last.tables:,}: 3x, and reading the catalog once"
    canvas.limit(_LEFT + bar.limit * scale, top - 6, canvas.y + 12, words)
    canvas.y += _GROUP


def _scale(ratios: Sequence[float]) -> float:
    """Pixels of one multiple, with room for a number behind the longest bar."""
    return float(_WIDTH - _LEFT - _RIGHT - 20) / max(ratios)
