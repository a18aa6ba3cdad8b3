"""Text that does nothing wherever a report puts it, and the templates that print nothing else.

Names, messages and values come from a database somebody else filled. In Markdown every expression
passes `text` or `code`, in HTML everything is escaped, in SARIF `message` takes links and
placeholders apart, and control characters are visible
everywhere.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...contract.errors import GonogoError, shown, visible

__all__ = ["VALUE_LIMIT", "html", "markdown", "message"]

VALUE_LIMIT = 2000

# What Markdown or its GitHub dialect would act on: markup, HTML, links, cells, mentions, formulas.
_ACTIVE = re.compile(r"[&<>|`\[\]*~\\@#$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=www)\.")

# What would be a link or a tag where a viewer takes plain text for Markdown or HTML.
_LINK_OR_TAG = re.compile(r"\](?=\()|<(?=[A-Za-z/!?])")


def markdown(template: str, folder: Path, names: Mapping[str, object]) -> str:
    """Render a template of Markdown. Raises `GonogoError` for one that prints raw text."""
    # What the filters made inert, and macros of it, is marked; `finalize` lets nothing else pass.
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_only_inert,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(text=_markdown_text, code=_markdown_code, block=_markdown_block)
    return environment.get_template(template).render(names)


def html(template: str, folder: Path, names: Mapping[str, object]) -> str:
    """Render a template of HTML: one file, no script, nothing loaded from anywhere."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_html_text,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(csp_hash=_csp_hash, percent=_percent)
    return environment.get_template(template).render(names)


def message(value: object) -> str:
    """Return text for a message of SARIF: plain, without links, placeholders and tags."""
    cut = shown(value, limit=VALUE_LIMIT)
    apart = _LINK_OR_TAG.sub(lambda match: f"{match.group()} ", cut)
    return apart.replace("{", "{{").replace("}", "}}")


def _markdown_text(value: object) -> Markup:
    """Return prose whose characters mean only themselves."""
    cut = shown(value, limit=VALUE_LIMIT)
    return _marked(_ACTIVE.sub(lambda match: f"&#{ord(match.group())};", cut))


def _markdown_code(value: object) -> Markup:
    """Return a code span that holds, in a table too: nothing in it is read as Markdown."""
    cut = shown(value, limit=VALUE_LIMIT).replace("|", "\\x7c")
    longest = max((len(run) for run in re.findall("`+", cut)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest or not cut.strip() else ""
    return _marked(f"{fence}{pad}{cut}{pad}{fence}" if cut else "-")


def _markdown_block(texts: Iterable[str]) -> Markup:
    """Return statements as a block of code, whole: the fence is longer than any in them."""
    lines = [visible(line) for text in texts for line in text.strip("\r\n").split("\n")]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(longest + 1, 3)
    return _marked("\n".join([f"{fence}sql", *lines, fence]))


def _marked(inert: str) -> Markup:
    """As text that does nothing wherever the template puts it on a line."""
    return Markup(inert)  # noqa: S704 - the filters have made it so


def _only_inert(value: object) -> object:
    if isinstance(value, (Markup, int)):
        return value
    raise GonogoError(f'a template prints "{shown(value)}" without the filter text or code')


def _html_text(value: object) -> object:
    """Make control characters visible; Jinja escapes the rest."""
    return shown(value, limit=VALUE_LIMIT) if not isinstance(value, (Markup, int)) else value


def _csp_hash(style: str) -> str:
    """Return the source expression that allows exactly this style sheet."""
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _percent(share: float) -> str:
    """Return a length in a picture, as SVG takes it whatever the picture's width is."""
    return f"{min(max(share, 0.0), 100.0):.2f}%"
