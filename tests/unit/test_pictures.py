"""The pictures in docs/ show the pages as they are, are all there, and are small."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.browser.built import build
from tests.browser.pictures import FOLDER, PICTURES, recorded, sources
from tests.pages.reports import SHOWN


def test_every_picture_is_there_and_shown() -> None:
    there = {file.name for file in FOLDER.glob("*.png")}
    assert there == {picture.name for picture in PICTURES} == {*SHOWN}


def test_the_pictures_are_of_the_pages_as_they_are(tmp_path: Path) -> None:
    assert recorded() == sources(build(tmp_path)), "take them again: make docs"


def test_the_pictures_are_small() -> None:
    sizes = {file.name: file.stat().st_size for file in FOLDER.glob("*.png")}
    assert {name for name, size in sizes.items() if size >= 150_000} == set()
    assert sum(sizes.values()) < 2_000_000
    for picture in PICTURES:
        with Image.open(FOLDER / picture.name) as image:
            assert (image.mode, image.width) == ("P", picture.screen.width)
