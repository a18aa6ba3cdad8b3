"""What is asked of a page that is open in a browser. Each answer lists what is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Error, Page, Request

__all__ = ["NARROW", "PAPER", "WIDE", "Screen", "View"]


@dataclass(frozen=True)
class Screen:
    """What a page is looked at on."""

    name: str
    width: int
    height: int
    media: str = "screen"


WIDE = Screen("1280", 1280, 800)
NARROW = Screen("360", 360, 780)
# A4 with the margins that browsers have.
PAPER = Screen("paper", 718, 1000, "print")

_ACCESSIBLE = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

# Elements that are wider than what they stand in, and do not scroll in a region of their own.
_WIDER = """() => {
  const found = [];
  const width = document.documentElement.clientWidth;
  const excess = document.documentElement.scrollWidth - width;
  if (excess > 0) found.push(`the page is ${excess} px wider than the screen`);
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element);
    const excess = element.scrollWidth - element.clientWidth;
    if (style.overflowX === "visible" || element.clientWidth === 0 || excess <= 1) continue;
    const labelled = element.ariaLabel || element.getAttribute("aria-labelledby");
    const reached = element.tabIndex === 0 && element.role === "region" && labelled;
    const scrolls = style.overflowX === "auto" || style.overflowX === "scroll";
    const words = element.textContent.slice(0, 60);
    if (!(scrolls && reached)) found.push(`${element.tagName}: ${words}`);
  }
  return found;
}"""

# Where the first element ends that has the text by itself; null where none has, or it is not seen.
_BOTTOM = """(text) => {
  const has = (element) => element.textContent.replace(/\\s+/g, " ").includes(text);
  const found = [...document.querySelectorAll("body *")].find((element) =>
    element.checkVisibility() && has(element) && ![...element.children].some(has));
  return found ? found.getBoundingClientRect().bottom : null;
}"""

# Of every text, its colour upon the grounds behind it: below 4.5 : 1, or 3 : 1 where it is large.
_PALE = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const upon = (colours) => {
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (colour) => {
    const [red, green, blue] = colour.map((part) => part / 255).map((part) =>
      part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const dark = matchMedia("screen and (prefers-color-scheme: dark)").matches;
  const base = dark ? "#121212" : "#fff";
  const known = new Map();
  const grounds = (element) => {
    if (!element) return [base];
    if (!known.has(element)) {
      const style = getComputedStyle(element);
      const own = style.backgroundImage === "none" ? style.backgroundColor : "#808080";
      known.set(element, [...grounds(element.parentElement), own]);
    }
    return known.get(element);
  };
  const found = [];
  const said = (element, colour, text, style) => {
    const behind = grounds(element);
    const pair = [luminance(upon(behind)), luminance(upon([...behind, colour]))].sort();
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${text.trim().slice(0, 60)}`);
  };
  for (const element of document.querySelectorAll("body, body *")) {
    const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const text = own.map((node) => node.data).join("");
    const style = getComputedStyle(element);
    const drawn = element instanceof SVGElement ? style.fill : style.color;
    if (text.trim() && element.checkVisibility()) said(element, drawn, text, style);
    for (const part of ["::before", "::after"]) {
      const made = getComputedStyle(element, part);
      if (/^"./.test(made.content)) said(element, made.color, made.content, made);
    }
  }
  return found;
}"""

# Links to what is not on the page or not seen, and the addresses of the others.
_LINKS = """() => {
  const dead = [], others = [], ids = new Set();
  for (const { id } of document.querySelectorAll("[id]")) {
    if (ids.has(id)) dead.push(`two elements are ${id}`);
    ids.add(id);
  }
  for (const link of document.querySelectorAll("a")) {
    const address = link.getAttribute("href");
    if (!address || !address.startsWith("#")) { others.push(address); continue; }
    const target = document.getElementById(decodeURIComponent(address.slice(1)));
    if (!target || !target.getClientRects().length) dead.push(address);
  }
  return [dead, others];
}"""

# Texts that nobody sees, but those that only a screen needs, and folded ones on a screen.
_HIDDEN = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("nav, .skip")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    const seen = element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    if (!seen || !box.width || !box.height || box.right < 0 || box.bottom < 0)
      found.push(node.data.trim());
  }
  return found;
}"""

# Large parts that would be printed dark.
_DARK = """() => {
  const found = [];
  const wide = document.documentElement.clientWidth / 2;
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  for (const element of document.querySelectorAll("*")) {
    const colour = getComputedStyle(element).backgroundColor;
    canvas.fillStyle = "#fff"; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
    const bright = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    if (bright < 180 && element.getBoundingClientRect().width > wide)
      found.push(`${element.tagName} ${colour}`);
  }
  const { colorScheme } = getComputedStyle(document.documentElement);
  if (!/^(light|normal)$/.test(colorScheme)) found.push(`color-scheme ${colorScheme}`);
  return found;
}"""

_FOCUSABLE = "a[href], summary, button, input, [tabindex]"

# Of what has the focus: its place among what can have it, its box, and whether it is marked.
_FOCUSED = f"""() => {{
  const all = [...document.querySelectorAll("{_FOCUSABLE}")].filter((one) =>
    one.tabIndex >= 0 && one.checkVisibility());
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  return {{
    at: all.indexOf(element), of: all.length, name: element.textContent.trim().slice(0, 40),
    top: box.top + scrollY,
    seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
  }};
}}"""

_COMMAND = ".command"


@dataclass
class View:
    """A page that is open. `said` is what the browser complains of, `fetched` what was asked for
    beside the page itself."""

    page: Page
    file: Path
    screen: Screen
    said: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, browser: Browser, file: Path, screen: Screen, scheme: str) -> View:
        context = browser.new_context(
            viewport={"width": screen.width, "height": screen.height},
            color_scheme="dark" if scheme == "dark" else "light",
            offline=True,
        )
        view = cls(context.new_page(), file, screen)
        view.page.on("console", view._heard)
        view.page.on("pageerror", view._failed)
        view.page.on("request", view._asked)
        view.page.on("dialog", view._spoken)
        view.page.emulate_media(media="print" if screen.media == "print" else "screen")
        view.page.goto(file.as_uri())
        return view

    def close(self) -> None:
        self.page.context.close()

    def wider(self) -> Sequence[str]:
        """What does not fit the width of the screen."""
        return list(self.page.evaluate(_WIDER))

    def not_at_once(self, texts: Sequence[str], height: int) -> Sequence[str]:
        """The texts that are not seen without scrolling."""
        bottoms = {text: self.page.evaluate(_BOTTOM, " ".join(text.split())) for text in texts}
        return [text for text, bottom in bottoms.items() if bottom is None or bottom > height]

    def dead_links(self) -> Sequence[str]:
        """Links that lead nowhere: on the page, or to a file that is not there."""
        dead, others = self.page.evaluate(_LINKS)
        return [*dead, *(address for address in others if not self._is_there(address))]

    def hidden(self) -> Sequence[str]:
        """Texts that nobody sees."""
        return list(self.page.evaluate(_HIDDEN))

    def dark(self) -> Sequence[str]:
        """What would cost a printer its ink."""
        return list(self.page.evaluate(_DARK))

    def pale(self) -> Sequence[str]:
        """Texts that have too little contrast by WCAG AA, with all of the page unfolded."""
        self._unfold()
        return list(self.page.evaluate(_PALE))

    def inaccessible(self, axe: Path) -> Mapping[str, Sequence[str]]:
        """What axe-core says against the page with all of it unfolded: rule → elements."""
        self._unfold()
        self.page.evaluate(_script(axe))
        options = {"runOnly": list(_ACCESSIBLE), "resultTypes": ["violations"]}
        found = self.page.evaluate(f"axe.run(document, {json.dumps(options)})")
        return {rule["id"]: _where(rule) for rule in found["violations"]}

    def commands(self) -> int:
        """How many commands there are to be pasted."""
        return self.page.locator(_COMMAND).count()

    def uncopied(self) -> Sequence[str]:
        """Commands of which a click does not select every character, and nothing else."""
        wrong = []
        for command in self.page.locator(_COMMAND).all():
            text = (command.text_content() or "").strip()
            command.scroll_into_view_if_needed()
            command.click()
            selected = str(self.page.evaluate("getSelection().toString()"))
            if selected.strip() != text:
                wrong.append(text)
        return wrong

    def misled(self) -> Sequence[str]:
        """Where the Tab key leads out of order, nowhere, or to what is not seen or marked."""
        wrong: list[str] = []
        top = -1.0
        for expected in range(1000):
            self.page.keyboard.press("Tab")
            focus: dict[str, Any] | None = self.page.evaluate(_FOCUSED)
            if focus is None or focus["at"] < expected:
                return wrong if expected and self._all_reached(expected) else [*wrong, "an end"]
            wrong += [
                f"{focus['name']}: {fault}"
                for fault, is_so in (
                    ("out of order", focus["at"] != expected),
                    ("above the one before it", focus["top"] < top - 2),
                    ("not seen", not focus["seen"]),
                    ("not marked", not focus["marked"]),
                )
                if is_so
            ]
            # What stands in one line may be a little higher than what is before it.
            top = max(top, focus["top"] - 40)
        return [*wrong, "no end"]

    def _unfold(self) -> None:
        for_each = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
        self.page.evaluate(for_each)

    def _all_reached(self, number: int) -> bool:
        count = (
            f'[...document.querySelectorAll("{_FOCUSABLE}")]'
            ".filter((one) => one.tabIndex >= 0 && one.checkVisibility()).length"
        )
        return bool(self.page.evaluate(count) == number)

    def _is_there(self, address: str | None) -> bool:
        parts = urlsplit(address or "")
        if parts.scheme or parts.netloc or not parts.path:
            return False
        return (self.file.parent / unquote(parts.path)).is_file()

    def _heard(self, message: ConsoleMessage) -> None:
        self.said.append(f"{message.type}: {message.text}")

    def _spoken(self, dialog: Dialog) -> None:
        self.said.append(f"{dialog.type}: {dialog.message}")
        dialog.dismiss()

    def _failed(self, error: Error) -> None:
        self.said.append(str(error))

    def _asked(self, request: Request) -> None:
        if request.url != self.file.as_uri():
            self.fetched.append(request.url)


@cache
def _script(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _where(rule: Mapping[str, Any]) -> list[str]:
    """The elements that a rule of axe-core is about, and what it says of them."""
    return [f"{node['html'][:120]} {node.get('failureSummary', '')}" for node in rule["nodes"]]
