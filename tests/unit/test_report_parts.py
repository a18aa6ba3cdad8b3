"""What all pages share: the style sheet can be read, and parts of a page are what they say."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gonogo.controller.report import inert
from gonogo.controller.report.parts import (
    Bar,
    Cell,
    Column,
    Command,
    Mark,
    Score,
    Segment,
    Table,
    tone,
)

TEMPLATES = Path(__file__).parents[2] / "roles" / "verdict" / "templates"

# Text upon what it stands: WCAG AA wants 4.5 : 1. Lines and parts of pictures: 3 : 1.
TEXTS = [
    *((text, ground) for text in ("text", "quiet", "link") for ground in ("page", "raised")),
    *((text, "plain-pale") for text in ("text", "quiet", "link")),
    *((text, ground) for text in ("good", "bad", "open") for ground in ("page", f"{text}-pale")),
    *((text, "plain-pale") for text in ("good", "bad", "open")),
    *(("on-solid", f"{ground}-solid") for ground in ("good", "bad", "open")),
]
SHAPES = [(part, "page") for part in ("good-solid", "bad-solid", "open-solid", "bar")]


def schemes() -> Mapping[str, Mapping[str, str]]:
    """Of the style sheet: name of a colour → its value, for each scheme."""
    style = (TEMPLATES / "style.css").read_text()
    light, dark, *_ = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = [dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in (light, dark)]
    return dict(zip(("light", "dark"), colours, strict=True))


def contrast(one: str, other: str) -> float:
    """As WCAG 2 counts it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_and_shape_can_be_seen(scheme: str) -> None:
    colours = schemes()[scheme]
    poor = {
        (front, back): round(contrast(colours[front], colours[back]), 2)
        for least, pairs in ((4.5, TEXTS), (3.0, SHAPES))
        for front, back in pairs
        if contrast(colours[front], colours[back]) < least
    }
    assert not poor


def test_both_schemes_have_every_colour() -> None:
    assert schemes()["light"].keys() == schemes()["dark"].keys()


def test_the_style_loads_nothing() -> None:
    style = (TEMPLATES / "style.css").read_text()
    assert not re.search(r"url\(|@import|//|expression", style)


PAGE = """
{% extends "page.html.j2" %}
{% import "parts.html.j2" as ui %}
{% block title %}{{ text }}{% endblock %}
{% block header %}<h1>{{ ui.badge("NO-GO", tone) }} {{ text }}</h1>{% endblock %}
{% block main %}
{{ ui.score(scores, "Score") }}
{{ ui.command(command) }}
{{ ui.facts(rows) }}
{{ ui.table(table) }}
{% endblock %}
"""


class Read(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, Mapping[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page(folder: Path, text: str) -> str:
    for file in TEMPLATES.iterdir():
        shutil.copy(file, folder)
    (folder / "one.html.j2").write_text(PAGE)
    parts = [Segment(25, 50, "bad"), Segment(90, 50, "open", "hatched")]
    bars = [Bar(text, parts, [Mark(60.5)]), Bar(text, caption=text, text=text)]
    columns = [
        Column("Table", head=True),
        Column("Rows", number=True),
        Column("Words", only="markdown"),
        Column("Time", only="html"),
    ]
    first = [Cell(text, code=True, anchor="a"), Cell("12", "bad"), Cell("said"), Cell(bars=bars)]
    second = [Cell("b", link="#a"), Cell(), Cell(), Cell(lines=[text, text])]
    return inert.html(
        "one.html.j2",
        folder,
        {
            "text": text,
            "tone": tone("NO-GO"),
            "scores": [Score("C1", text, "fail", "#a")],
            "command": Command(text, text),
            "rows": [(text, text)],
            "table": Table(text, columns, [first, second]),
        },
    )


def test_parts_are_laid_out(tmp_path: Path) -> None:
    text = page(tmp_path, "fine")
    read = Read()
    read.feed(text)
    by_tag = dict(read.tags)
    assert '<strong class="badge bad">NO-GO</strong>' in text
    assert ("a", {"class": "bad", "href": "#a", "title": "fine"}) in read.tags
    assert "✕</span> C1 <small>FAIL</small>" in text
    assert by_tag["pre"] == {"class": "command", "tabindex": "0"}
    assert ("th", {"scope": "col", "role": "columnheader", "class": "number"}) in read.tags
    assert ("th", {"scope": "row", "role": "rowheader", "id": "a"}) in read.tags
    assert ("td", {"role": "cell", "class": "number", "data-label": "Rows"}) in read.tags
    assert '<td role="cell" class="number" data-label="Rows"></td>' in text
    rects = [attributes for tag, attributes in read.tags if tag == "rect"]
    assert [rect.get("x") for rect in rects] == [None, "25.00%", "90.00%", None]
    assert '<text y="11">fine</text>' in text
    assert "said" not in text
    assert "Words" not in text
    assert by_tag["line"]["x1"] == "60.50%"
    assert by_tag["svg"]["aria-label"] == "fine"


def test_parts_are_inert(tmp_path: Path) -> None:
    evil = "\"'><script>alert(1)</script><a href='http://x'>\u202e\x1b[31m {{ 7*7 }}"
    read = Read()
    text = page(tmp_path, evil)
    read.feed(text)
    assert not {"script", "img", "iframe"} & {tag for tag, _ in read.tags}
    assert {attributes["href"] for tag, attributes in read.tags if tag == "a"} == {"#main", "#a"}
    assert not re.search("[\u202e\x1b]", text)
    assert text.count("{{ 7*7 }}") > 5
