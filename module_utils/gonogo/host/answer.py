"""From what a stage asks to what it is told: errors become results, never a traceback.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Optional

from ..contract import fault, home
from ..contract.errors import GonogoError
from ..contract.options.option import ArgumentSpec
from ..contract.ownership import require_own, trustworthy
from .progress import telling
from .session import link
from .stages import find
from .transport import bundle
from .transport.bundle import Bundle
from .transport.driver import DriverMissingError, provide

__all__ = ["answer"]


# Arguments of the entries that name a directory of this project, all below gonogo_remote_dir.
_DIRECTORIES = ("directory", "backup_directory")


# The arguments of an entry, and the result of a module, as JSON has them: they are read by whoever
# knows what is in them, the file of the entry and the controller.
_Json = Mapping[str, Any]


class _Driver(NamedTuple):
    """How psycopg is found: the controller's, and the directory of the client programs."""

    psycopg: Optional[Bundle] = None  # noqa: UP045 - Python 3.9 reads it
    bin_dir: Optional[str] = None  # noqa: UP045 - Python 3.9 reads it

    @classmethod
    def of(cls, arguments: _Json) -> _Driver:
        given = arguments.get("driver")
        return cls(Bundle(**given["psycopg"]), given.get("pg_bin")) if given else cls()


def answer(
    entry: str,
    arguments: _Json,
    *,
    check_mode: bool,
    package: _Json,
    search_path: Sequence[str],
    progress: _Json | None = None,
) -> _Json:
    """Do what an entry is for; returns a module's result.

    `arguments` are as the entry's spec wants them, but for paths, which mean this host. `package`
    is the bundle that this project was imported from, `search_path` where this Python would look
    for modules beside those of its standard library. `progress` says in which file the
    call writes down how far it is, and how often.
    """
    own = Bundle(package["file"], package["sha256"], package.get("content"))
    found = find(entry)
    # What leaves a process behind forks, which goes well with one thread only.
    watch = contextlib.nullcontext() if found.leaves_process else link.watched(_cancel_all)
    try:
        given = _with_paths(found.spec, arguments)
        driver = _Driver.of(given)
        _require_own_directories(own, given)
        if not check_mode:
            _keep(own, driver)
        sys.path.extend(trustworthy(search_path))
        with watch, _telling({} if check_mode else progress or {}):
            if found.needs_psycopg:
                _provide_psycopg(driver)
            return found.run(given, check_mode=check_mode)
    except DriverMissingError as error:
        # The controller then sends psycopg and calls again.
        return {**_failed(error), "missing": "psycopg"}
    except GonogoError as error:
        return _failed(error)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return _failed(GonogoError(f"{error.strerror or error}{where}"))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told as what it is
        return _failed(_of_the_server(error) or fault.told(error, doing=f"the entry {entry}"))


def _telling(progress: _Json) -> AbstractContextManager[None]:
    return telling(progress.get("file"), progress.get("seconds") or 1.0)


def _provide_psycopg(driver: _Driver) -> None:
    """Make psycopg importable; what needs it can be imported after that.

    A module that nobody listens to any more ends here: it may wake up long after its run.
    """
    link.require()
    provide(driver.psycopg, bin_dir=driver.bin_dir)


def _of_the_server(error: Exception) -> GonogoError | None:
    """What the server has said, or that it says nothing any more; None where it is neither.

    psycopg has errors of its own for calls that it does not understand. They have no SQLSTATE.
    """
    psycopg = sys.modules.get("psycopg")
    if psycopg is None or not isinstance(error, psycopg.Error):
        return None
    if error.sqlstate is None and not isinstance(error, psycopg.OperationalError):
        return None
    told = importlib.import_module(".session.connection", __package__).described(error)
    primary = f"{told['sqlstate'] or 'connection lost'}: {told['message']}"
    return GonogoError(primary, detail=told["detail"], hint=told["hint"])


def _require_own_directories(package: Bundle, arguments: _Json) -> None:
    """What lies on this host is read, run and removed: none of it may be somebody else's."""
    kept = Path(package.file).parent
    named = [arguments[name] for name in _DIRECTORIES if arguments.get(name)]
    for directory in (kept.parent, kept, *map(Path, named)):
        require_own(directory, variable="gonogo_remote_dir")


def _keep(package: Bundle, driver: _Driver) -> None:
    """What was sent is found by the next call."""
    for sent in (package, driver.psycopg):
        if sent is not None:
            bundle.keep(sent)


def _cancel_all() -> None:
    """As `connection.cancel_all`, where there are sessions."""
    connection = sys.modules.get(f"{__package__}.session.connection")
    if connection is not None:
        connection.cancel_all()


def _failed(error: GonogoError) -> _Json:
    parts = {"primary": error.primary, "detail": error.detail, "hint": error.hint}
    if isinstance(error, fault.FaultError):
        parts["traceback"] = error.traceback
    return {"failed": True, "msg": error.render(), "error": parts}


def _with_paths(spec: ArgumentSpec, arguments: _Json, within: str = "") -> _Json:
    """Copy of the arguments with `~` and variables in their paths expanded, as Ansible does it."""
    expanded = dict(arguments)
    for name, option in spec.items():
        value = expanded.get(name)
        if value is None:
            continue
        if option.get("type") == "path":
            expanded[name] = str(home.expanded(value, name=within + name))
        elif "options" in option:
            expanded[name] = _with_paths(option["options"], value, f"{within}{name}.")
    return expanded
