"""The pictures of docs/pictures: python -m tests.browser.pictures takes them.

Each is the beginning of a page. Beside them lies which page it was, by the digest of its HTML: a
test tells where a page is another one by now.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "module_utils"))

from gonogo.contract import canonical  # noqa: E402 - what it imports is on the path by now
from tests.browser.built import Built, build  # noqa: E402
from tests.browser.looks import NARROW, WIDE, Screen, View  # noqa: E402
from tests.browser.provided import chromium, started  # noqa: E402

__all__ = ["FOLDER", "PICTURES", "Picture", "recorded", "sources"]

FOLDER = PROJECT / "docs" / "pictures"
SOURCES = FOLDER / "sources.json"
_COLOURS = 256


@dataclass(frozen=True)
class Picture:
    """A kind of page on a screen."""

    kind: str
    screen: Screen
    scheme: str = "light"

    @property
    def name(self) -> str:
        dark = "-dark" if self.scheme == "dark" else ""
        return f"{self.kind}-{self.screen.name}{dark}.png"


PICTURES = (
    Picture("go", WIDE),
    Picture("hold", WIDE),
    Picture("no_go", WIDE),
    Picture("no_go", WIDE, "dark"),
    Picture("no_go", NARROW),
    Picture("deployment", WIDE),
    Picture("fleet", WIDE),
    Picture("fleet", NARROW, "dark"),
    Picture("audit", WIDE),
    Picture("audit", WIDE, "dark"),
    Picture("audit", NARROW),
)


def sources(built: Mapping[str, Built]) -> dict[str, str]:
    """Kind of page → digest of its HTML, of all that there are pictures of."""
    kinds = sorted({picture.kind for picture in PICTURES})
    return {kind: canonical.sha256(built[kind].file.read_bytes()) for kind in kinds}


def take(browser: Browser, built: Mapping[str, Built], folder: Path) -> None:
    """Take all pictures."""
    for picture in PICTURES:
        view = View.open(browser, built[picture.kind].file, picture.screen, picture.scheme)
        (folder / picture.name).write_bytes(_small(view.page.screenshot()))
        view.close()


def _small(png: bytes) -> bytes:
    """The same picture of 256 colours."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    small = io.BytesIO()
    few = image.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(small, "PNG", optimize=True)
    return small.getvalue()


def main() -> int:
    """Take the pictures and write down of what."""
    program = chromium()
    if program is None:
        sys.stderr.write("the pictures stay as they are: there is no Chromium\n")
        return 1
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, started(program) as browser:
        built = build(Path(folder))
        take(browser, built, FOLDER)
        SOURCES.write_text(canonical.dumps(sources(built)), encoding="utf-8")
    return 0


def recorded() -> dict[str, str]:
    """What the pictures that are there were taken of."""
    found = json.loads(SOURCES.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


if __name__ == "__main__":
    sys.exit(main())
