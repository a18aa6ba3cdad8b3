"""Code of templates is kept for the project's own, and only where nobody else can write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gonogo.controller import project, template_cache
from gonogo.controller.render import template_environment
from gonogo.controller.template_check import check_templates
from gonogo.errors import InputError

Kept = Callable[[], list[Path]]


def forget() -> None:
    template_cache._directory.cache_clear()
    template_cache._version.cache_clear()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project of its own, with one template."""
    monkeypatch.setattr(project, "ROOT", tmp_path)
    (tmp_path / "phases").mkdir()
    (tmp_path / "phases" / "a.sql.j2").write_text("SELECT {{ facts.x | literal }};")
    forget()
    yield tmp_path
    forget()


@pytest.fixture
def kept(root: Path) -> Kept:
    return lambda: sorted((root / ".cache" / "templates").glob("*/*"))


def check(root: Path) -> None:
    check_templates([root / "phases"], facts=["x"], parameters=[])


def rendered(root: Path) -> str:
    return template_environment([root / "phases"]).get_template("a.sql.j2").render(facts={"x": 1})


def test_what_was_compiled_is_found_again(root: Path, kept: Kept) -> None:
    assert rendered(root) == "SELECT 1;"
    (code,) = kept()
    before = code.stat().st_mtime_ns
    assert rendered(root) == "SELECT 1;"
    assert code.stat().st_mtime_ns == before
    (root / "phases" / "a.sql.j2").write_text("SELECT {{ facts.x | literal }} + 1;")
    assert rendered(root) == "SELECT 1 + 1;"
    assert code.parent.parent.stat().st_mode & 0o777 == 0o700


def test_templates_of_others_are_not_kept(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert template_cache.compiled([root / "phases", elsewhere]) is None


def test_a_directory_others_can_write_to_is_not_believed(root: Path) -> None:
    (root / ".cache" / "templates").mkdir(parents=True)
    (root / ".cache" / "templates").chmod(0o777)
    assert template_cache.compiled([root / "phases"]) is None


def test_a_link_is_not_believed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (root / ".cache").mkdir()
    (root / ".cache" / "templates").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    assert template_cache.compiled([root / "phases"]) is None


def test_nothing_is_kept_where_nothing_can_be_written(root: Path) -> None:
    (root / ".cache").write_text("")
    assert template_cache.compiled([root / "phases"]) is None
    check(root)


def test_good_templates_are_checked_once(root: Path, kept: Kept) -> None:
    check(root)
    (mark,) = kept()
    before = mark.stat().st_mtime_ns
    check(root)
    assert mark.stat().st_mtime_ns == before


def test_what_has_changed_is_checked_again(root: Path) -> None:
    check(root)
    with pytest.raises(InputError, match="no fact"):
        check_templates([root / "phases"], facts=[], parameters=[])
    (root / "phases" / "a.sql.j2").write_text("{{ nothing }}")
    for _ in range(2):
        with pytest.raises(InputError, match="undefined"):
            check(root)


def test_another_version_leaves_nothing_of_the_old(
    root: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(root)
    (old,) = kept()
    forget()
    monkeypatch.setattr("jinja2.__version__", "0.0")
    check(root)
    (new,) = kept()
    assert new.parent != old.parent
