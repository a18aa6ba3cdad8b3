"""Phase scripts: from a template and facts to plain SQL.

The renderer is strict. What a template prints must be SQL already (see `quoting`), undefined
names stop it, templates run in Jinja's sandbox and see nothing but what is handed to them.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError
from markupsafe import Markup

from ..errors import GonogoError
from ..script import END_OF_COMMENT, FORBIDDEN_LINE
from .quoting import Sql, ident, jsonb, literal

__all__ = ["GLOBALS", "LedgerRow", "Rendered", "render_phase", "template_environment"]

# What a template may name; everything else is undefined.
GLOBALS = frozenset(
    "body caller checks documents facts id_of manifest mark parameters phase run runbook timeouts".split()
)

_ENGINE_SQL = Path(__file__).parent / "sql"
_IDS = uuid.uuid5(uuid.NAMESPACE_OID, "gonogo")


@dataclass(frozen=True)
class LedgerRow:
    """A row a script may create: `table` is schema.name, `key` column → value."""

    table: str
    key: Mapping[str, str]
    label: str
    phase: str


@dataclass
class Rendered:
    """One phase as plain SQL, and the rows it may leave behind."""

    name: str
    text: str
    commits: bool
    ledger: list[LedgerRow] = field(default_factory=list)


def _comment(value: Any) -> Sql:
    """Make text safe inside a `--` comment: one line, printable."""
    return Sql(END_OF_COMMENT.sub(" ", str(value)))


def _only_sql(value: Any) -> Any:
    if isinstance(value, (Markup, Undefined)):
        return value
    raise GonogoError(
        f"a template prints {type(value).__name__} {value!r}, which is not SQL",
        hint="Pass it through the filter literal, ident or jsonb.",
    )


class _Names:
    """Ids and names of the rows a phase makes; all follow from the run's token."""

    def __init__(self, *, token: str, phase: str, schema: str) -> None:
        self._token = token
        self._phase = phase
        self._schema = schema
        self.ledger: dict[tuple[str, str], LedgerRow] = {}

    def id_of(self, table: str, label: str) -> Sql:
        """Literal of the id of the row `label` in `table`; enters the ledger.

        It is an untyped literal, so it fits a text key as well as a uuid key.
        """
        value = str(uuid.uuid5(_IDS, "\0".join((self._token, self._phase, table, label))))
        row = LedgerRow(table=f"{self._schema}.{table}", key={"id": value}, label=label, phase=self._phase)
        self.ledger.setdefault((table, label), row)
        return literal(value)

    def mark(self, label: str) -> Sql:
        """Literal of a name (a code, a file name) that carries the run's token."""
        number = self._phase.split("_", 1)[0]
        return literal(f"GONOGO-{self._token}-{number}-{label}")


def template_environment(directories: Sequence[Path]) -> ImmutableSandboxedEnvironment:
    """Jinja as the phase templates see it."""
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([str(directory) for directory in [*directories, _ENGINE_SQL]]),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_only_sql,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(ident=ident, literal=literal, jsonb=jsonb, comment=_comment)
    return environment


@cache
def _shared_environment(*directories: Path) -> ImmutableSandboxedEnvironment:
    """One environment for all phases of a process: they import the same macros."""
    return template_environment(directories)


def render_phase(
    *,
    templates: Path,
    phase: Mapping[str, Any],
    runbook: Mapping[str, Any],
    manifest: Mapping[str, Any],
    checks: Mapping[str, Mapping[str, Any]],
    facts: Mapping[str, Any],
    parameters: Mapping[str, Any],
    run: Mapping[str, Any],
    timeouts: Mapping[str, str],
    documents: Sequence[Mapping[str, Any]] = (),
    file: Path | None = None,
) -> Rendered:
    """Render one phase, or `file` in the phase's name without the frame of a script.

    `phase` has name, title and transaction; `run` has run_id, token, residue (`keep` or
    `rollback`) and profile; `timeouts` has lock, statement and idle_in_transaction in
    PostgreSQL's notation (`5s`). Raises GonogoError naming file and line.
    """
    name = phase["name"]
    commits = phase["transaction"] == "writes" and run["residue"] == "keep"
    names = _Names(token=run["token"], phase=name, schema=manifest.get("schema", "public"))
    environment = _shared_environment(templates, *([file.parent] if file else []))
    environment.globals.update(
        id_of=names.id_of,
        mark=names.mark,
        phase={**phase, "commits": commits},
        runbook=runbook,
        manifest=manifest,
        checks=checks,
        facts=facts,
        parameters=parameters,
        run=run,
        timeouts=timeouts,
        documents=documents,
    )
    if file is not None:
        text = _render(environment, file.name)
    else:
        environment.globals["body"] = Markup(_render(environment, f"{name}.sql.j2"))
        text = _render(environment, "script.sql.j2")
    _refuse_meta_commands(text, name)
    ledger = list(names.ledger.values()) if commits else []
    return Rendered(name=name, text=text, commits=commits, ledger=ledger)


def _render(environment: ImmutableSandboxedEnvironment, template: str) -> str:
    try:
        return environment.get_template(template).render()
    except TemplateSyntaxError as error:
        raise GonogoError(f"{error.name}:{error.lineno}: {error.message}") from error
    except SecurityError as error:
        raise GonogoError(f"{template}: the template reaches outside its sandbox: {error}") from error
    except TemplateError as error:
        line = _line_of(error, template)
        hint = "Every name a template uses must be a fact, a parameter or part of the manifest."
        raise GonogoError(f"{template}{line}: {error.message or error}", hint=hint) from error
    except GonogoError as error:
        line = _line_of(error, template)
        raise GonogoError(f"{template}{line}: {error.primary}", detail=error.detail, hint=error.hint) from error
    except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as error:
        line = _line_of(error, template)
        raise GonogoError(f"{template}{line}: {error}") from error


def _line_of(error: BaseException, template: str) -> str:
    """Where in the template the error came from, as `:LINE`."""
    line = ""
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename.endswith(template):
            line = f":{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return line


def _refuse_meta_commands(text: str, name: str) -> None:
    """psql would execute a line that starts with a backslash; no such line may come out."""
    found = FORBIDDEN_LINE.search(text)
    if found:
        number = text.count("\n", 0, found.start()) + 1
        raise GonogoError(
            f"{name}.sql:{number}: a line starts with a backslash",
            detail=re.sub(r"\s+", " ", found.group()).strip()[:80],
            hint="psql would read it as a meta-command. Write plain SQL.",
        )
