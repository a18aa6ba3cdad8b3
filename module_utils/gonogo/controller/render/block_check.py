"""Whether a rendered script is cut into blocks where psql sees comments between statements.

`script.blocks` goes by lines. A line that begins a block in the middle of a quoted text would be
one for the engine and none for psql; one behind other text would be none for the engine, and the
check that it begins would be lost.
"""

from __future__ import annotations

import re

from ...contract.errors import GonogoError
from ...contract.script import blocks
from ..sql.lexer import LexicalError, lexemes

__all__ = ["check_blocks"]

_MARK = re.compile(r"-- @(?:setup|facts|check)\b")
# Text up to a dollar quote, or to anything else that has to be read token by token. No mark is in
# it but at the beginning of a line.
_PLAIN = re.compile(
    r"""(?:
          [eE]'(?:[^'\\]|\\.|'')*+'(?!\s*+(?:--[^\n]*+\s*+)*+')
        | (?:[uU]&)?'(?:[^']|'')*+'
        | "(?:[^"]|"")*+"
        | [A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*+
        | --(?!\ @)[^\n]*+
        | (?<![^\n])--[^\n]*+
        | /\*(?:[^*/]|\*(?!/)|/(?!\*))*+\*/
        | [^'"A-Za-z_$/\x80-\U0010ffff-]++
        | \$[0-9]++
        | /(?!\*)
        | -(?!-)
    )*+""",
    re.VERBOSE | re.DOTALL,
)
_DOLLAR = re.compile(r"\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$")


def check_blocks(text: str, name: str) -> None:
    """Raise GonogoError, with the line, for a mark that begins no block or stands in a text.

    `name` is that of the script.
    """
    found = blocks(text)
    for block, following in zip(found, [*found[1:], None], strict=True):
        if not _is_plain(block.sql):
            _check(block.sql, block.line, name, last=following is None)


def _is_plain(sql: str) -> bool:
    """Whether a quick look is enough: all is closed, and no mark stands behind other text."""
    position = 0
    while position < len(sql):
        plain = _PLAIN.match(sql, position)
        position = plain.end() if plain else position
        mark = _DOLLAR.match(sql, position)
        if mark is None:
            break
        end = sql.find(mark.group(), mark.end())
        if end < 0:
            return False
        position = end + len(mark.group())
    return position == len(sql)


def _check(sql: str, line: int, name: str, *, last: bool) -> None:
    """The same of one block, token by token."""
    try:
        for lexeme in lexemes(sql, 0, line):
            raw = sql[lexeme.start : lexeme.end]
            # Its own first line is the one mark that may be in it.
            if lexeme.kind == "blank" and lexeme.start and _MARK.match(raw):
                raise _refused(
                    name,
                    lexeme.line,
                    "a block begins behind other text",
                    "Begin the line with it, or use the macros of gonogo.sql.j2.",
                )
    except LexicalError as error:
        raise _refused(
            name,
            error.line,
            error.problem if last else f"{error.problem} before the next block begins",
            "Close it; a line that begins with -- @ and the name of a block begins one.",
        ) from None


def _refused(name: str, line: int, problem: str, hint: str) -> GonogoError:
    return GonogoError(f"{name}.sql:{line}: {problem}", hint=hint)
