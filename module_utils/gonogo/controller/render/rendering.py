"""Phase scripts: from a template and facts to plain SQL.

The renderer is strict. What a template prints must be SQL already (see `quoting`), undefined
names stop it, templates run in Jinja's sandbox and see nothing but what is handed to them.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    Undefined,
    nodes,
    pass_context,
)
from jinja2.bccache import Bucket, BytecodeCache, FileSystemBytecodeCache
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.filters import do_indent
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from ...contract.errors import GonogoError, shown
from ...contract.ownership import obstacle
from ...contract.records.drift import Drift, SchemaChanges
from ...contract.records.ledger import LedgerRow
from ...contract.records.reading import plain
from ...contract.script import END_OF_COMMENT, FORBIDDEN_LINE
from ...contract.session_settings import NEVER, NEWER, PLANNING, pinned
from ..declared.manifest import Manifest
from ..declared.runbook import Declaration, DeclaredCheck, Phase, ShippedDocument, plain_runbook
from ..sql.found_columns import as_found
from .block_check import check_blocks
from .ledger import digest, row_id
from .libraries import included, separated
from .quoting import Sql, array, ident, jsonb, literal
from .row_rule_sql import rule_parts
from .rows_first import check_rows
from .session_guard import KEY_KEPT, KEY_SET, LOCK, digest_of, guarded

__all__ = [
    "GLOBALS",
    "MigrationWords",
    "Rendered",
    "compiling",
    "render_phase",
    "share_code",
    "template_environment",
]

# What a template may name; everything else is undefined.
GLOBALS = frozenset(
    [
        "body",
        "caller",
        "checks",
        "documents",
        "facts",
        "id_of",
        "manifest",
        "mark",
        "migration",
        "parameters",
        "phase",
        "row_rules",
        "run",
        "runbook",
        "timeouts",
    ]
)

# Filters of Jinja that a template may use: those that cannot make Markup of a text.
_FILTERS = (  # noqa: SIM905 - words
    "abs batch count default dictsort first groupby int items last length list lower map max"
    " min reject rejectattr reverse round select selectattr slice sort string sum title trim"
    " unique upper"
).split()
_SEPARATOR = re.compile(r"[\s,()]*|\s+(?:AND|OR|UNION ALL)\s+")

# Empty lines that tags of a template leave before a block.
_GAP = re.compile(r"\n{3,}(?=-- )")

_ENGINE_SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class MigrationWords:
    """What templates know of the migration: `names`, every word of its text that could be the name
    of something, `own_tables`, those of its tool, as format() spells them with %I.%I, and `writes`,
    what each of its statements may write: `tables`, `columns` (null where it may be any that stands
    among the tables' names), `rows`, `retyped`. `back`, `cost`, `history` and `lint` are values of
    JSON, see controller/runbook/seen.py; `drift` is what the folder's history says of the
    database, and `schema_changes` what the migration has changed of it. Of its
    application: `queries`, each with source, id, words and text, and `own_checks`, what a person
    asks beside it, each with its phase."""

    names: Sequence[str] = ()
    own_tables: Sequence[str] = ()
    writes: Sequence[Mapping[str, object]] = ()
    back: Mapping[str, object] = field(default_factory=dict)
    cost: Mapping[str, object] = field(default_factory=dict)
    history: Mapping[str, object] = field(default_factory=dict)
    lint: Mapping[str, object] = field(default_factory=dict)
    drift: Drift | None = None
    schema_changes: SchemaChanges | None = None
    queries: Sequence[object] = ()
    own_checks: Sequence[object] = ()


NO_MIGRATION = MigrationWords()


@dataclass
class Rendered:
    """One phase as plain SQL, and the rows it may leave behind; `text` is what runs."""

    name: str
    text: str
    commits: bool
    ledger: list[LedgerRow] = field(default_factory=list)
    # As it is kept: the script without what several scripts need, and that, by name.
    kept: str = ""
    libraries: Mapping[str, str] = field(default_factory=dict)


def _comment(value: Any) -> Sql:
    """Make text safe inside a `--` comment: one line, printable, never the start of a block.

    And ASCII: a server converts the comments too, and not every encoding has every character.
    """
    text = str(value).encode("ascii", "backslashreplace").decode()
    return Sql(END_OF_COMMENT.sub(" ", text).replace("@", "(at)"))


def _name(value: Any) -> Sql:
    """What a helper function is called that was made for this: `C3.6` is `c3_6`."""
    return Sql(re.sub(r"[^a-z0-9]+", "_", str(value).lower()))


# With a context it is asked when the template runs, and never while it is compiled: an error
# then knows its line.
@pass_context
def _only_sql(_context: Context, value: Any) -> Any:
    if isinstance(value, (Markup, Undefined)):
        return value
    raise _not_sql(value)


def _not_sql(value: Any) -> GonogoError:
    return GonogoError(
        f"a template prints {type(value).__name__} {shown(value)}, which is not SQL",
        hint="Pass it through the filter literal, ident or jsonb.",
    )


def _quoting(quote: Callable[[Any], Sql]) -> Callable[[Any], Sql]:
    """The same filter, but something undefined is called by its name."""

    def apply(value: Any) -> Sql:
        if isinstance(value, Undefined):
            str(value)
        return quote(value)

    return apply


def _join(values: Iterable[Any], separator: str = "", attribute: Any = None) -> str:
    """As Jinja's, but text never becomes SQL by standing beside it."""
    if attribute is not None:
        raise TypeError("join takes no attribute here, use map(attribute=...) before it")
    items = list(values)
    if (
        items
        and all(isinstance(item, Markup) for item in items)
        and _SEPARATOR.fullmatch(separator)
    ):
        return Markup(separator).join(items)  # noqa: S704 - of SQL and a separator from the list
    return joined(*[part for item in items for part in (separator, item)][1:])


def _tojson(value: Any) -> str:
    """Plain text. Jinja's own is meant for HTML."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _indent(text: str, width: int = 4) -> str:
    return do_indent(text, int(width))


def _replace(text: Any, old: str, new: str) -> str:
    if isinstance(text, Markup):
        raise _not_sql(new)
    return str(text).replace(old, new)


def _safe(value: Any) -> Any:
    """Constants are made SQL by `_Generator`; what comes here is something else."""
    raise _not_sql(value)


def joined(*parts: Any) -> str:
    """What `a ~ b` gives: text of texts, SQL of SQL, and an error for a mixture."""
    for part in parts:
        if isinstance(part, Undefined):
            str(part)
    sql = [part for part in parts if isinstance(part, Markup)]
    if not sql:
        return "".join(map(str, parts))
    for part in parts:
        if not isinstance(part, Markup):
            raise _not_sql(part)
    return Markup("").join(sql)


class _Generator(CodeGenerator):
    """Jinja would make HTML of the text beside Markup, and with it what looks like SQL."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.joined(")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write(")")

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:  # noqa: N802 - as above
        if node.name != "safe":
            super().visit_Filter(node, frame)
        elif isinstance(node.node, nodes.Const) and isinstance(node.node.value, str):
            self.write(f"Markup({node.node.value!r})")
        else:
            self.fail("safe is for constants, not for values", node.lineno)


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja in which nothing but the quoting filters makes SQL of a value."""

    code_generator_class = _Generator
    intercepted_binops = frozenset({"+", "%"})
    joined = staticmethod(joined)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        for operand in (left, right):
            if isinstance(operand, Markup):
                raise SecurityError(f"{operator} on SQL; ~ joins SQL with SQL")
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        # Asked before is_safe_attribute, which then refuses the method.
        of_sql = isinstance(getattr(value, "__self__", None), Markup)
        return None if of_sql else super().wrap_str_format(value)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not isinstance(obj, Markup) and super().is_safe_attribute(obj, attr, value)


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
        value = row_id(self._token, phase=self._phase, table=table, label=label)
        row = LedgerRow(
            table=f"{self._schema}.{table}", key={"id": value}, label=label, phase=self._phase
        )
        self.ledger.setdefault((table, label), row)
        return literal(value)

    def mark(self, label: str) -> Sql:
        """Literal of a name (a code, a site, a note) that follows from the run's token.

        It looks like any code (`K7Q2MXWZ-5C1E03AB`), so that nothing can be made for it alone;
        the macro `made_up` knows it by its second half, which follows from the first.
        """
        letters = base64.b32encode(self._digest("mark", label)[:5]).decode()
        sealed = hashlib.md5(letters.encode(), usedforsecurity=False).hexdigest()
        return literal(f"{letters}-{sealed[:8].upper()}")

    def _digest(self, *words: str) -> bytes:
        return digest(self._token, self._phase, *words)


class _Memory(BytecodeCache):
    """What this process has compiled. Only code outlives a phase: an imported template that was
    kept whole would go on making the ids of the phase that imported it first.
    """

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_code: BytecodeCache = _Memory()


def share_code(directory: Path) -> None:
    """Have the processes of a run share what one of them has compiled.

    What is in `directory` gets executed, so it is theirs alone: made for this run, and on no path
    that somebody else could exchange. Where that cannot be, each process compiles for itself.
    """
    global _code  # noqa: PLW0603 - a process works for one run
    directory.mkdir(mode=0o700, exist_ok=True)
    _code = _Memory() if obstacle(directory) else FileSystemBytecodeCache(str(directory))


@contextlib.contextmanager
def compiling(folders: Sequence[Path]) -> Iterator[None]:
    """Compile the templates in the folders, while the body waits for somebody else's work.

    In a process: a thread would take its time from that of the body.
    """
    child = os.fork()
    if child == 0:
        try:
            _compile(folders)
        finally:
            os._exit(0)
    try:
        yield
    finally:
        os.waitpid(child, 0)


def _compile(folders: Sequence[Path]) -> None:
    environment = template_environment(folders)
    for name in environment.list_templates(extensions=["j2"]):
        # Whatever is wrong is said when the template is rendered.
        with contextlib.suppress(TemplateError, OSError, UnicodeDecodeError):
            environment.get_template(name)


def template_environment(directories: Sequence[Path]) -> Environment:
    """Jinja as the phase templates see it."""
    environment = _Environment(
        loader=FileSystemLoader([str(directory) for directory in [*directories, _ENGINE_SQL]]),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_only_sql,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_code,
    )
    environment.filters = {
        **{name: environment.filters[name] for name in _FILTERS},
        "array": _quoting(array),
        "comment": _quoting(_comment),
        "ident": _quoting(ident),
        "indent": _indent,
        "join": _join,
        "jsonb": _quoting(jsonb),
        "literal": _quoting(literal),
        "name": _quoting(_name),
        "replace": _replace,
        "safe": _safe,
        "tojson": _tojson,
    }
    return environment


def render_phase(
    *,
    templates: Path | Sequence[Path],
    phase: Phase,
    runbook: Declaration,
    manifest: Manifest,
    checks: Mapping[str, DeclaredCheck],
    facts: Mapping[str, object],
    parameters: Mapping[str, object],
    run: Mapping[str, str],
    timeouts: Mapping[str, str],
    documents: Sequence[ShippedDocument] = (),
    migration: MigrationWords = NO_MIGRATION,
    file: Path | None = None,
) -> Rendered:
    """Render one phase, or `file` in the phase's name without the frame of a script.

    `run` has run_id, token, residue (`keep` or `rollback`) and profile; `timeouts` has lock,
    statement and idle_in_transaction in PostgreSQL's notation (`5s`). Templates get the plain form
    of each record, with the keys of its file. Raises GonogoError naming file and line.
    """
    name = phase.name
    commits = phase.transaction == "writes" and run["residue"] == "keep"
    names = _Names(token=run["token"], phase=name, schema=manifest.schema)
    folders = [templates] if isinstance(templates, Path) else list(templates)
    environment = template_environment([*folders, *([file.parent] if file else [])])
    environment.globals.update(
        id_of=names.id_of,
        mark=names.mark,
        phase={**plain(phase), "commits": commits},
        row_rules=lambda check: _row_rules(manifest, facts, check),
        runbook=plain_runbook(runbook),
        manifest=plain(as_found(manifest, facts)),
        checks=plain(checks),
        facts=facts,
        parameters=parameters,
        run=run,
        timeouts=timeouts,
        documents=plain(documents),
        migration=plain(migration),
        key={"kept": KEY_KEPT, "set": KEY_SET},
        of_login=[name for name in pinned(timeouts) if _of_login(name)],
    )
    guard = _guard(environment, timeouts)
    if file is not None:
        text = _render(environment, file.name)
    else:
        environment.globals["body"] = Sql(_render(environment, f"{name}.sql.j2"))
        text = _GAP.sub("\n\n", _render(environment, "script.sql.j2"))
        check_blocks(text, name)
        if phase.transaction not in ("read_only", "undecided"):
            check_rows(
                text,
                name,
                schema=manifest.schema,
                tables=[
                    *[table.name for table in manifest.tables],
                    *[table.name for table in manifest.existing_tables],
                ],
                ids=[str(row.key["id"]) for row in names.ledger.values()],
            )
        text = guarded(text, guard=guard)
    _refuse_meta_commands(text, name)
    ledger = list(names.ledger.values()) if commits else []
    kept, libraries = separated(text)
    whole = included(kept, libraries)
    return Rendered(name, whole, commits, ledger, kept=kept, libraries=libraries)


def _guard(environment: Environment, timeouts: Mapping[str, str]) -> str:
    """Make the texts known that a script keeps for its blocks (see `session_guard`), and return the
    one that each block executes."""
    settings = {**pinned(timeouts), **NEWER}
    del settings["search_path"]
    known = environment.globals
    known.update(pinned=[f"{name}={value}" for name, value in settings.items()])
    pins = Sql(_render(environment, "pins.sql.j2"))
    known.update(pins=pins, pins_digest=digest_of(pins), never=dict(NEVER), lock=LOCK)
    guard = Sql(_render(environment, "guard.sql.j2"))
    known.update(guard=guard)
    return guard


def _of_login(name: str) -> bool:
    """Whether a trial has it as the login begins with it: see as_application in helpers.sql."""
    kept = ("client_encoding", "client_min_messages", "search_path", "timezone")
    return name not in PLANNING and name not in kept and "timeout" not in name


def _row_rules(manifest: Manifest, facts: Mapping[str, object], check: str) -> list[dict[str, str]]:
    """The rules about rows that a check asks for: words, and the parts of the query of each."""
    return [
        {"words": rule.words, **vars(rule_parts(rule, manifest, facts))}
        for rule in manifest.rules
        if rule.check == check
    ]


def _render(environment: Environment, template: str) -> str:
    try:
        return environment.get_template(template).render()
    except TemplateSyntaxError as error:
        raise GonogoError(f"{error.name}:{error.lineno}: {error.message}") from error
    except SecurityError as error:
        place = _place(error, template)
        raise GonogoError(f"{place}: the template reaches outside its sandbox: {error}") from error
    except TemplateError as error:
        hint = "Every name a template uses must be a fact, a parameter or part of the manifest."
        raise GonogoError(
            f"{_place(error, template)}: {error.message or error}", hint=hint
        ) from error
    except GonogoError as error:
        raise GonogoError(
            f"{_place(error, template)}: {error.primary}", detail=error.detail, hint=error.hint
        ) from error
    except Exception as error:  # a template can raise anything
        words = str(error) or type(error).__name__
        raise GonogoError(f"{_place(error, template)}: {words}") from error


def _place(error: BaseException, template: str) -> str:
    """Where the error came from, as `FILE:LINE`; it may be a file the template imports."""
    place = template
    traceback = error.__traceback__
    while traceback is not None:
        file = Path(traceback.tb_frame.f_code.co_filename)
        if file.name == template or file.suffix == ".j2":
            place = f"{file.name}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place


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
