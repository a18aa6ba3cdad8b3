"""What a migration tool's command has said, as one migration.

What is kept is what changes something: statements that only read are left out, and so is what was
rolled back. Transactions are where the command had them. The values of prepared statements stand in
their places. Run twice, the command has to say the same; but for values in the rows of the tool's
own record, where the moment of the run may stand.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...contract.errors import GonogoError, shown
from ...contract.records.captured import CommandRun, Said
from ...host.migrate.history.captured import RECORDS
from ..sql import statements
from ..sql.lexer import LexicalError, Token, lexemes
from ..sql.statements import Piece

__all__ = ["Script", "script", "settled"]

# What asks, or is about the session alone.
_READS = {"SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN", "DECLARE", "FETCH", "MOVE"}
_READS |= {"CLOSE", "LISTEN", "UNLISTEN", "DEALLOCATE", "CHECKPOINT"}
_WRITING = {"INSERT", "UPDATE", "DELETE", "MERGE", "INTO"}
_SETTING = {"SET", "RESET"}
_ENDS = {"ROLLBACK", "ABORT"}
# Settings that change nothing of what a migration does.
_OWN = {"APPLICATION_NAME", "CLIENT_MIN_MESSAGES", "EXTRA_FLOAT_DIGITS", "CLIENT_ENCODING"}
_SAID = 160
_PLACE = re.compile(r"\$(\d+)")
# A time as every driver writes it.
_MOMENT = re.compile(r"[eE]?'\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_HINT = "Have the migration tool write the SQL to a file, and name that file."


@dataclass(frozen=True)
class Line:
    """A statement of the script, without its semicolon, as it was said by this session."""

    text: str
    piece: Piece
    session: int


@dataclass(frozen=True)
class Script:
    """What a command does. `lines` have BEGIN and COMMIT among them."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return "".join(f"{line.text};\n" for line in self.lines)

    @property
    def statements(self) -> int:
        """How many there are that change something."""
        around = {"BEGIN", "COMMIT"}
        return sum(
            line.piece.verb not in around and not _is_setting(line.piece) for line in self.lines
        )


@dataclass
class _Open:
    """A transaction that is not ended yet."""

    lines: list[Line] = field(default_factory=list)
    # Names of savepoints, and how many lines there were.
    savepoints: list[tuple[str, int]] = field(default_factory=list)
    mode: str = ""
    refused: bool = False


@dataclass
class _Session:
    """What one session has said so far."""

    number: int
    opened: _Open | None = None
    group: int = -1
    together: list[Line] = field(default_factory=list)
    broken: bool = False
    settings: list[str] = field(default_factory=list)


def script(run: CommandRun) -> Script:
    """What a command has done. Raises GonogoError for what cannot be told again."""
    return _Writing(run).done()


class _Writing:
    def __init__(self, run: CommandRun) -> None:
        self._run = run
        self._acting = {*run.acting}
        self._sessions: dict[int, _Session] = {}
        self._lines: list[Line] = []
        self._set: list[str] = []

    def done(self) -> Script:
        for said in self._run.said:
            session = self._session(said.session)
            if said.group != session.group:
                self._end_group(session)
                session.group = said.group
            self._add(session, said)
        for session in self._sessions.values():
            self._end_group(session)
            # One that was not committed is rolled back with its session.
        return Script(tuple(self._lines))

    def _session(self, number: int) -> _Session:
        if number not in self._sessions:
            found = _Session(number)
            for name, value in sorted(_startup(self._run.settings[number]).items()):
                if name.upper() not in _OWN:
                    quoted = value.replace("'", "''")
                    found.settings.append(f"SET {_name(name)} TO '{quoted}'")
            self._sessions[number] = found
        return self._sessions[number]

    def _add(self, session: _Session, said: Said) -> None:
        if said.call or said.copied:
            what = "called a function without SQL" if said.call else "streamed rows into COPY"
            raise GonogoError(
                f"the command of the migration tool has {what}, which is not captured",
                detail=shown(said.text, limit=_SAID) or None,
                hint=_HINT,
            )
        if said.failed:
            session.broken = True
            if session.opened:
                session.opened.refused = True
            if any(_control(piece) for piece in _pieces(said)):
                _refuse_control(said)
            return
        for piece in _pieces(said):
            self._piece(session, said, piece)

    def _piece(self, session: _Session, said: Said, piece: Piece) -> None:
        control = _control(piece)
        if control:
            self._end_group(session)
            self._transaction(session, control, piece, said)
            return
        if self._is_reading(piece):
            return
        line = Line(_bare(piece, said.values), piece, session.number)
        if _is_setting(piece):
            self._setting(session, line)
            return
        if session.opened:
            session.opened.lines.append(line)
        else:
            session.together.append(line)

    def _setting(self, session: _Session, line: Line) -> None:
        """A setting of the session's: said again before what it is in force for."""
        words = {token.name.upper() for token in line.piece.tokens[1:3]}
        if _OWN.isdisjoint(words):
            (session.opened.lines if session.opened else session.together).append(line)

    def _transaction(self, session: _Session, control: str, piece: Piece, said: Said) -> None:
        opened = session.opened
        if control == "begin":
            session.opened = opened or _Open()
            told = statements.transaction_control(piece)
            session.opened.mode = told[1] if told else ""
        elif control == "set" and opened:
            told = statements.transaction_control(piece)
            opened.mode = told[1] if told else ""
        elif control == "end":
            session.opened = None
            # COMMIT of a transaction that has failed is a ROLLBACK.
            if opened and "ROLLBACK" not in said.tags:
                self._transacted(session, opened.lines, opened.mode)
        elif control == "rollback":
            session.opened = None
        elif opened:
            self._savepoint(opened, control, piece)

    @staticmethod
    def _savepoint(opened: _Open, control: str, piece: Piece) -> None:
        name = next((t.name for t in reversed(piece.tokens) if t.kind in {"word", "quoted"}), "")
        places = [place for place, (known, _) in enumerate(opened.savepoints) if known == name]
        if control == "savepoint":
            opened.savepoints.append((name, len(opened.lines)))
        elif places:
            kept = places[-1] + (control == "return")
            if control == "return":
                del opened.lines[opened.savepoints[places[-1]][1] :]
                opened.refused = False
            del opened.savepoints[kept:]

    def _end_group(self, session: _Session) -> None:
        """What was sent at once outside of a transaction is one, or nothing of it is there."""
        lines, session.together = session.together, []
        broken, session.broken = session.broken, False
        if session.opened or broken:
            return
        if len(lines) == 1:
            self._emit(session, lines)
        elif lines:
            self._transacted(session, lines, "")

    def _transacted(self, session: _Session, lines: Sequence[Line], mode: str) -> None:
        if not lines:
            return
        (begin,) = statements.pieces(f"BEGIN {mode}".strip())
        (commit,) = statements.pieces("COMMIT")
        number = session.number
        around = Line(begin.text, begin, number), Line(commit.text, commit, number)
        self._emit(session, [around[0], *lines, around[1]])

    def _emit(self, session: _Session, lines: Sequence[Line]) -> None:
        """Behind the settings that are in force for it."""
        settings = [line.text for line in lines if _is_setting(line.piece)]
        if len(settings) == len(lines):
            session.settings += settings
            return
        if session.settings[: len(self._set)] != self._set:
            raise GonogoError(
                "the command of the migration tool changes something in sessions with different "
                "settings, which one migration cannot have",
                detail="\n".join([*self._set, *session.settings][:10]),
                hint=_HINT,
            )
        for text in session.settings[len(self._set) :]:
            (piece,) = statements.pieces(text)
            self._lines.append(Line(text, piece, session.number))
        session.settings += settings
        self._set = [*session.settings]
        self._lines += lines

    def _is_reading(self, piece: Piece) -> bool:
        if piece.verb == "DISCARD":
            return piece.words()[1:2] != ["ALL"]
        if piece.verb not in _READS:
            return False
        words = {token.text for token in piece.tokens if token.kind == "word"}
        return words.isdisjoint(_WRITING) and not self._acts(piece.tokens)

    def _acts(self, tokens: Sequence[Token]) -> bool:
        """Whether a function is called that may change something."""
        return any(
            token.kind in {"word", "quoted"}
            and behind.text == "("
            and token.name.lower() in self._acting
            for token, behind in itertools.pairwise(tokens)
        )


def settled(
    first: Script, second: Script, records: Collection[str] = ()
) -> tuple[Script, list[str]]:
    """What both runs have done, and the places where they differ in values, in rows of the tool's
    own record: there a moment of the run is the moment in which the statement is applied.

    `records` are further tables of such a record. Raises GonogoError where they differ in anything
    else.
    """
    lines, own = [], []
    known = {*RECORDS, *(name.lower() for name in records)}
    for number in range(max(len(first.lines), len(second.lines))):
        here, there = (
            one.lines[number] if number < len(one.lines) else None for one in (first, second)
        )
        if here and there and here.text == there.text:
            lines.append(here)
            continue
        if not (here and there and _is_own(here.piece, there.piece, known)):
            raise _different(number, here, there)
        own.append(here.piece.opening)
        lines.append(_timeless(here, there))
    return Script(tuple(lines)), own


def _timeless(first: Line, second: Line) -> Line:
    """The statement with the moment in which it is applied in the place of that of its run."""
    here, there = ([*lexemes(one.text)] for one in (first, second))
    if len(here) != len(there):
        return first
    found = []
    for one, other in zip(here, there, strict=True):
        said, again = first.text[one.start : one.end], second.text[other.start : other.end]
        moments = said != again and _MOMENT.match(said) and _MOMENT.match(again)
        found.append("now()" if moments else said)
    text = "".join(found)
    (piece,) = statements.pieces(text)
    return Line(text, piece, first.session)


def _is_own(first: Piece, second: Piece, known: Collection[str]) -> bool:
    table = _written(first)
    return table is not None and table.lower() in known and _shape(first) == _shape(second)


def _different(number: int, first: Line | None, second: Line | None) -> GonogoError:
    said = [shown(one.text, limit=_SAID) if one else "nothing" for one in (first, second)]
    return GonogoError(
        "the command of the migration tool does not do the same twice",
        detail=f"Statement {number + 1} of the first run: {said[0]}\n"
        f"and of the second run: {said[1]}",
        hint="What is judged has to be what is applied. Have the migration take the time, random "
        "values and the order of rows from the database (now(), gen_random_uuid(), ORDER BY). "
        "Where that table is the tool's own record, name it in gonogo_migrate_records.",
    )


def _shape(piece: Piece) -> list[str]:
    """The statement without the values that stand in it."""
    values = {"string", "number"}
    return ["?" if token.kind in values else token.text for token in piece.tokens]


def _written(piece: Piece) -> str | None:
    """The name of the table whose rows a statement writes, without its schema."""
    starts = {"INSERT": 2, "DELETE": 2, "UPDATE": 1}
    if piece.verb not in starts:
        return None
    tokens = [one for one in piece.tokens[starts[piece.verb] :] if one.text != "ONLY"]
    named = tokens[2] if len(tokens) > 2 and tokens[1].text == "." else next(iter(tokens), None)
    return named.name if named else None


def _pieces(said: Said) -> Iterator[Piece]:
    try:
        found = statements.pieces(said.text)
    except LexicalError as error:
        if said.failed:
            return
        raise GonogoError(
            "a statement of the migration tool's command cannot be read",
            detail=f"{shown(said.text, limit=_SAID)}: {error.problem}",
            hint=_HINT,
        ) from None
    yield from (piece for piece in found if piece.tokens and piece.verb != ";")


def _control(piece: Piece) -> str | None:
    """What a statement does to its transaction: begin, end, rollback, set, and of a savepoint:
    savepoint, return, release. Raises GonogoError for what cannot be told again."""
    words = [word for word in piece.words() if word not in {";", "WORK", "TRANSACTION"}]
    if (words[:1] == ["PREPARE"] and piece.words()[1:2] == ["TRANSACTION"]) or "PREPARED" in words[
        1:2
    ]:
        raise GonogoError(
            "the command of the migration tool uses two-phase commit, which is not captured",
            detail=piece.opening,
            hint=_HINT,
        )
    if words[0] in _ENDS:
        return "return" if words[1:2] == ["TO"] else "rollback"
    if words[0] in {"SAVEPOINT", "RELEASE"}:
        return words[0].lower()
    told = statements.transaction_control(piece)
    if told:
        return told[0]
    if words[0] in {"BEGIN", "START", "COMMIT", "END"}:
        raise GonogoError(
            "the command of the migration tool has a transaction of a kind that is not captured",
            detail=piece.opening,
            hint=_HINT,
        )
    return None


def _refuse_control(said: Said) -> None:
    """A failed query with transactions of its own: nobody knows how far it came."""
    if len([*_pieces(said)]) > 1:
        raise GonogoError(
            "statements that the command of the migration tool has sent at once have failed "
            "between their transactions",
            detail=shown(said.text, limit=_SAID),
            hint=_HINT,
        )


def _is_setting(piece: Piece) -> bool:
    """Whether it sets something, for longer than its transaction."""
    words = [word for word in piece.words() if word not in {"PG_CATALOG", ".", ";"}]
    if words[:3] == ["SELECT", "SET_CONFIG", "("]:
        return words[-1] == ")" and words[-2].strip("'").lower() in {"false", "f", "off", "no", "0"}
    return piece.verb in _SETTING and words[1:2] not in (["LOCAL"], ["CONSTRAINTS"])


def _bare(piece: Piece, values: Sequence[str]) -> str:
    """The statement without comments and its semicolon, with its values."""
    text = piece.bare.removesuffix(";").rstrip()
    if not values:
        return text
    found = []
    for one in lexemes(text):
        raw = text[one.start : one.end]
        number = (
            int(raw[1:]) if one.kind == "number" and raw[:1] == "$" and raw[1:].isdigit() else 0
        )
        found.append(f"({values[number - 1]})" if 0 < number <= len(values) else raw)
    return "".join(found)


def _startup(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings that a session began with, those of its `options` among them."""
    found = {
        name: value
        for name, value in settings.items()
        if name != "options" and not name.startswith("_pq_")
    }
    words = iter(settings.get("options", "").replace("\\ ", "\0").split())
    for word in words:
        said = next(words, "") if word == "-c" else word.removeprefix("-c").removeprefix("--")
        name, _, value = said.partition("=")
        if value:
            found[name.replace("-", "_")] = value.replace("\0", " ")
    return found


def _name(name: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))
