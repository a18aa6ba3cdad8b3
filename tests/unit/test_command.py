"""The command of a migration tool: what it is told of the copy, and what is told of its output."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gonogo.host.capture import command


def _output(*chunks: bytes) -> list[str]:
    found = command._Output()
    for chunk in chunks:
        found.add(chunk)
    return found.told().splitlines()


def test_the_url_names_no_host_before_the_path(tmp_path: Path) -> None:
    """Ruby takes no user without one, JavaScript neither, and both take what comes behind."""
    relay: Any = SimpleNamespace(directory=tmp_path / "a b", user="o'w@n", database="d/b")
    given = command.Command(["x"], tmp_path, {"APP": "scheme+x://{address}"}, 1)
    found = command._environment(given, relay, tmp_path)
    for url in (found["DATABASE_URL"], found["APP"]):
        parts = urlsplit(url)
        assert (parts.netloc, parts.path) == ("", "/d%2Fb")
        words = {"user": ["o'w@n"], "host": [f"{tmp_path}/a b"], "port": ["5432"]}
        assert parse_qs(parts.query) == words
    assert found["APP"].startswith("scheme+x:///")


def test_output_is_told_by_its_first_and_last_lines() -> None:
    assert _output() == ["It wrote nothing."]
    few = [f"line {number}" for number in range(16)]
    assert _output("\n".join(few).encode()) == few
    many = [f"line {number}" for number in range(17)]
    assert _output("\n".join(many).encode()) == [*many[:4], "...", *many[5:]]


@pytest.mark.parametrize("size", [1, 700, 1 << 16])
def test_no_more_of_it_is_kept(size: int) -> None:
    text = b"what is wrong\n" + b"from somewhere\n" * 100_000 + b"the end"
    found = command._Output()
    for start in range(0, len(text), size):
        found.add(text[start : start + size])
    assert len(found.first) + len(found.last) <= 6_000
    lines = found.told().splitlines()
    assert (lines[0], lines[4], lines[-1]) == ("what is wrong", "...", "the end")
    assert len(lines) == 17
