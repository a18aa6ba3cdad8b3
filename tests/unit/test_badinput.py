"""Whatever a person writes into an inventory or a runbook is accepted, or is one clear error."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gonogo.contract.errors import GonogoError
from gonogo.controller import runbook
from gonogo.controller.invocation import project
from gonogo.controller.reading import yamlfile
from gonogo.controller.request import host_request

ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "runbooks" / "20251229010228_add_master_tables_final_v2"

GOOD: dict[str, Any] = {
    "gonogo_environment": "staging",
    "gonogo_protected": False,
    "gonogo_login": {"db": "apms_staging"},
    "gonogo_profile": "target",
    "gonogo_remote_dir": "~/gonogo",
    "gonogo_residue": "keep",
    "gonogo_runbook": str(RUNBOOK),
    "gonogo_runs_dir": "runs",
}

# What looks like something else: SQL, a template, a command, a path, another type of YAML.
LOOKALIKES = (
    "",
    " ",
    "\0",
    "\n",
    "\x1b[31mred\x1b[0m",
    "\u202egnp.exe",
    "\ud800",
    "no",
    "~",
    "1e999",
    ".inf",
    "'; DROP TABLE users; --",
    'x"; drop table users; --',
    "{{ lookup('pipe', 'id') }}",
    "{{ ''.__class__.__mro__ }}",
    "{% for a in range(9) %}",
    "$(id)",
    "`id`",
    "-oProxyCommand=id",
    "../../etc/passwd",
    "/dev/zero",
    "postgresql://evil/x",
    "host=evil dbname=x",
    "~nobody_such/x",
    "\N{CYRILLIC SMALL LETTER A}pms",
    "x" * 64,
    "ä" * 32,
    "9" * 400,
    "[" * 2000,
)

# What moves the cursor, reorders or hides text.
UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}

TEXTS = st.one_of(st.sampled_from(LOOKALIKES), st.text(max_size=12))
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.just(10**400), st.just(-1)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(TEXTS, SCALARS), inner, max_size=3)
    ),
    max_leaves=6,
)


def _shaped(option: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that come further than the type: keys the option knows, with any values."""
    keys = option.get("options")
    if not keys:
        return VALUES
    return st.one_of(VALUES, st.dictionaries(st.sampled_from(sorted(keys)), VALUES, max_size=4))


OPTIONS = project.options()
VARIABLES = st.sampled_from(sorted(OPTIONS)).flatmap(
    lambda name: st.tuples(st.just(name), _shaped(OPTIONS[name]))
)


@pytest.fixture(scope="module", autouse=True)
def _loaded_once() -> Iterator[None]:
    """The shipped runbook takes half a second to load, and most examples do not touch it."""
    load = runbook.load
    known = {}

    def cached(directory: Path, **more: Any) -> runbook.Runbook:
        key = (str(directory), repr(more))
        if key not in known:
            if str(directory) == str(RUNBOOK) and more.get("parameters") == {}:
                known[key] = load(directory, **more)
            else:
                return load(directory, **{**more, "templates": False})
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runbook, "load", cached)
        yield


def check(values: dict[str, Any]) -> None:
    """What is done with a host's variables before anything is connected to."""
    host_request.check("db", variables=values, extra={}, said=values, play={})


def _is_one_error(error: GonogoError) -> None:
    text = error.render()
    assert "Traceback" not in text
    assert len(text) < 4000
    assert not any(category(char) in UNSAFE for char in text.replace("\n", "")), repr(text)
    assert text.splitlines()[0].strip()


def test_the_good_values_are_good() -> None:
    check(GOOD)


@given(VARIABLES)
@settings(max_examples=300)
def test_any_value_of_any_variable(case: tuple[str, Any]) -> None:
    _any_value(case)


def _any_value(case: tuple[str, Any]) -> None:
    name, value = case
    try:
        check({**GOOD, name: value})
    except GonogoError as error:
        _is_one_error(error)


@given(st.dictionaries(TEXTS.map(lambda text: f"gonogo_{text}"), VALUES, min_size=1, max_size=2))
@settings(max_examples=50)
def test_any_variable_of_that_prefix(values: dict[str, Any]) -> None:
    try:
        check({**GOOD, **values})
    except GonogoError as error:
        _is_one_error(error)


@pytest.mark.parametrize("value", LOOKALIKES)
@pytest.mark.parametrize("name", ["gonogo_profile", "gonogo_residue", "gonogo_timeouts"])
def test_what_looks_like_something_else_is_refused(name: str, value: str) -> None:
    with pytest.raises(GonogoError) as caught:
        check({**GOOD, name: value})
    _is_one_error(caught.value)


@pytest.mark.parametrize("name", ["deploy_approved_by", "undo_approved_by"])
def test_an_approver_who_cannot_be_seen_is_refused_at_once(name: str) -> None:
    check({**GOOD, name: "Dewi"})
    with pytest.raises(GonogoError, match=r"cannot be seen \(U\+200B\)") as caught:
        check({**GOOD, name: "De\u200bwi"})
    _is_one_error(caught.value)


# --- the files of a runbook ---------------------------------------------------------------------


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, (dict, list)):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in inner:
            yield from _places(item, (*path, key))


RAW = (RUNBOOK / "runbook.yml").read_bytes()
DATA = yaml.safe_load(RAW)
PLACES = list(_places(DATA))[1:]


def _put(data: Any, path: tuple[Any, ...], value: Any, how: str) -> Any:
    """A copy with one place changed, removed, or there twice."""
    if not path:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    key, rest = path[0], path[1:]
    if rest:
        copy[key] = _put(data[key], rest, value, how)
    elif how == "remove":
        del copy[key]
    elif how == "twice" and isinstance(copy, list):
        copy.insert(key, copy[key])
    elif how == "another key" and isinstance(copy, dict):
        copy[str(value)] = copy.pop(key)
    else:
        copy[key] = value
    return copy


MUTATIONS = st.tuples(
    st.sampled_from(PLACES),
    VALUES,
    st.sampled_from(["change", "change", "remove", "twice", "another key"]),
)


def _load(folder: Path) -> None:
    try:
        runbook.load(folder, profile="target", parameters={}, templates=False)
    except GonogoError as error:
        _is_one_error(error)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A runbook whose manifest is parsed once: it takes the longest, and is not touched."""
    load, known = yamlfile.load, {}

    def cached(path: Path, *more: Any) -> Any:
        if path.name != "manifest.yml":
            return load(path, *more)
        if path not in known:
            known[path] = load(path, *more)
        return known[path]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yamlfile, "load", cached)
        yield Path(shutil.copytree(RUNBOOK, tmp_path_factory.mktemp("mutated") / RUNBOOK.name))


def _mutated(folder: Path, case: tuple[tuple[Any, ...], Any, str]) -> None:
    place, value, how = case
    text = yaml.safe_dump(_put(DATA, place, value, how), allow_unicode=True)
    (folder / "runbook.yml").write_text(text, encoding="utf-8", errors="surrogatepass")
    _load(folder)


def _garbled(folder: Path, case: tuple[int, bytes]) -> None:
    place, bytes_ = case
    cut = place % len(RAW)
    (folder / "runbook.yml").write_bytes(RAW[:cut] + bytes_ + RAW[cut + len(bytes_) :])
    _load(folder)


BYTES = st.tuples(
    st.integers(min_value=0, max_value=10**6),
    st.one_of(
        st.binary(min_size=1, max_size=8),
        st.sampled_from(
            [b"\t", b"&a *a", b"!!python/object/apply:os.system", b"\n---\n", b"{{", b"#"]
        ),
    ),
)


@given(MUTATIONS)
@settings(max_examples=30)
def test_any_change_of_a_runbook(folder: Path, case: tuple[tuple[Any, ...], Any, str]) -> None:
    _mutated(folder, case)


@given(BYTES)
@settings(max_examples=30)
def test_any_bytes_in_a_runbook(folder: Path, case: tuple[int, bytes]) -> None:
    _garbled(folder, case)


@pytest.mark.attack
@given(VARIABLES)
@settings(max_examples=5000)
def test_many_more_values(case: tuple[str, Any]) -> None:
    _any_value(case)


@pytest.mark.attack
@given(MUTATIONS)
@settings(max_examples=300)
def test_many_more_changes(folder: Path, case: tuple[tuple[Any, ...], Any, str]) -> None:
    _mutated(folder, case)


@pytest.mark.attack
@given(BYTES)
@settings(max_examples=1000)
def test_many_more_bytes(folder: Path, case: tuple[int, bytes]) -> None:
    _garbled(folder, case)
