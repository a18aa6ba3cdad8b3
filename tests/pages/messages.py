"""Every error that this project can tell, side by side, as its source says it.

Read from the syntax of the source: whatever constructs an error is there, so none is left out. What
is filled in when it is told stands in braces.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from tests.pages import Page

__all__ = ["MESSAGES", "Message", "messages", "remedies"]

_ROOT = Path(__file__).parents[2]
_PACKAGE = _ROOT / "module_utils" / "gonogo"
_FOLDERS = ("action_plugins", "callback_plugins", "library", "lookup_plugins", "module_utils")
# What reasons of a verdict are made with: the text is the third argument.
_REASONS = {"hold", "no_go", "condition"}
# Expressions whose text is all there.
_WRITTEN = (ast.Constant, ast.BinOp, ast.JoinedStr)
_ROOMS = (
    ("host/migrate/", "Migrations, on the Target Host"),
    ("host/twin/", "The Twin, on the Target Host"),
    ("host/restore/", "Restoring, on the Target Host"),
    ("host/stages/", "What a Target Host Can Be Asked"),
    ("host/", "On the Target Host"),
    ("controller/stages/", "Stages"),
    ("controller/", "On the Controller"),
    ("verdict/", "Reasons of a Verdict"),
    ("library/", "The Module"),
    ("", "On Both"),
)


@dataclass(frozen=True)
class Message:
    """One place of the source that makes an error: its file and line, and its three parts."""

    file: str
    line: int
    primary: str
    detail: str
    hint: str


@cache
def messages() -> tuple[Message, ...]:
    """All of them, in the order of files and lines."""
    trees = dict(_trees())
    errors = _errors(trees)
    found = []
    for name, tree in trees.items():
        constants = {**_shared(trees), **_constants(tree)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                message = _message(name, node, errors, constants)
                if message:
                    found.append(message)
    return tuple(sorted(found, key=lambda one: (one.file, one.line)))


@cache
def remedies() -> tuple[tuple[str, str, str], ...]:
    """Runbook, check and what its failure advises."""
    found = []
    for file in sorted((_ROOT / "runbooks").glob("*/runbook.yml")):
        book = yaml.safe_load(file.read_text(encoding="utf-8"))
        found += [
            (file.parent.name, str(c["id"]), " ".join(c["remedy"].split())) for c in book["checks"]
        ]
    return tuple(found)


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for folder in _FOLDERS:
        for file in sorted((_ROOT / folder).rglob("*.py")):
            below = _PACKAGE if file.is_relative_to(_PACKAGE) else _ROOT
            yield file.relative_to(below).as_posix(), ast.parse(file.read_text(encoding="utf-8"))


def _errors(trees: Mapping[str, ast.Module]) -> set[str]:
    """GonogoError and all that is made of it."""
    classes = [
        (node.name, {ast.unparse(base).rpartition(".")[2] for base in node.bases})
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    found = {"GonogoError"}
    while True:
        more = {name for name, bases in classes if bases & found} - found
        if not more:
            return found
        found |= more


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Names of the module whose texts are written down."""
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _shared(trees: Mapping[str, ast.Module]) -> dict[str, ast.expr]:
    """Texts that modules take from each other by names without an underscore."""
    return {
        name: value
        for tree in trees.values()
        for name, value in _constants(tree).items()
        if name.isupper() and not name.startswith("_")
    }


def _message(
    file: str, call: ast.Call, errors: set[str], constants: Mapping[str, ast.expr]
) -> Message | None:
    name = ast.unparse(call.func).rpartition(".")[2]
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    if name in errors and call.args:
        primary = call.args[0]
    elif file.startswith("verdict/") and name in _REASONS and len(call.args) > 2:
        primary = call.args[2]
    else:
        return None
    parts = (primary, given.get("detail") or given.get("observed"), given.get("hint"))
    texts = ["" if part is None else _text(part, constants) for part in parts]
    if not re.search(r"[a-z]{2}", re.sub(r"\{[^}]*\}", "", "".join(texts))):
        return None  # what others have said, passed on
    return Message(file, call.lineno, *texts)


def _text(node: ast.expr, constants: Mapping[str, ast.expr]) -> str:
    """The text an expression gives, with what is filled in in braces."""
    if isinstance(node, ast.Constant):
        return "" if node.value is None else str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value, constants) for value in node.values)
    if isinstance(node, ast.FormattedValue):
        inner = _text(node.value, constants)
        known = isinstance(node.value, ast.Name) and node.value.id in constants
        return inner if known or isinstance(node.value, ast.IfExp) else f"{{{inner.strip('{}')}}}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, constants) + _text(node.right, constants)
    if isinstance(node, ast.IfExp):
        choices = (_text(node.body, constants), _text(node.orelse, constants))
        return " / ".join(filter(None, choices))
    if isinstance(node, ast.BoolOp):
        return " / ".join(filter(None, (_text(value, constants) for value in node.values)))
    if isinstance(node, ast.Name) and isinstance(
        constants.get(node.id), (ast.Constant, ast.BinOp, ast.JoinedStr)
    ):
        return _text(constants[node.id], constants)
    return f"{{{_word(node)}}}"


def _word(node: ast.expr) -> str:
    """What is filled in, by its name in the source."""
    if isinstance(node, ast.Name):
        return node.id.strip("_")
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_")
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    if isinstance(node, ast.Call) and node.args:
        return _word(node.args[0])
    if isinstance(node, ast.Call):
        return _word(node.func)
    return "…"


def _markdown() -> Iterator[str]:
    yield (
        "Every error that this project tells, as its source says it, with what is filled in when "
        "it is told in braces. It reads as PostgreSQL's do: what is wrong, DETAIL, HINT. Where "
        "there is no hint, the message or its detail says what to correct, or passes on what "
        "somebody else has said."
    )
    rest = list(messages())
    for prefix, title in _ROOMS:
        here = [one for one in rest if one.file.startswith(prefix)]
        rest = [one for one in rest if one not in here]
        if here:
            rows = [(one.file, one.primary, one.detail, one.hint) for one in here]
            yield f"## {title}\n\n{_table(('File', 'Message', 'Detail', 'Hint'), rows)}"
    yield (
        "## Where a Login Is Refused\n\nWhat libpq says is the detail; it is looked for in this "
        "order.\n\n" + _table(("libpq", "Hint"), _of_logins())
    )
    yield (
        "## What Failed Checks Advise\n\nOne that did not run advises none of it.\n\n"
        + _table(("Runbook", "Check", "Hint"), remedies())
    )


def _of_logins() -> list[tuple[str, str]]:
    """What libpq says, as a pattern, and what helps."""
    tree = ast.parse((_PACKAGE / "host" / "session" / "refusal.py").read_text(encoding="utf-8"))
    made = _constants(tree)["_HINTS"]
    written = next(node for node in ast.walk(made) if isinstance(node, ast.comprehension))
    return list(ast.literal_eval(written.iter))


def _table(columns: tuple[str, ...], rows: object) -> str:
    lines = [_line(columns), _line(["---"] * len(columns))]
    lines += [_line(row) for row in rows]  # type: ignore[attr-defined]
    return "\n".join(lines)


def _line(cells: object) -> str:
    shown = (" ".join(str(cell).split()) for cell in cells)  # type: ignore[attr-defined]
    return "| " + " | ".join(text.replace("|", "\\|").replace("<", "\\<") for text in shown) + " |"


class _Messages(Page):
    """Made when it is asked for: other pages need no source to be read."""

    def markdown(self) -> str:
        return "\n\n".join([f"# {self.title}", *_markdown()]) + "\n"


MESSAGES = _Messages("messages.md", "Messages", ())
