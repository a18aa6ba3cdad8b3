"""Reads the tokens of a statement one after the other."""

from __future__ import annotations

from .statements import Piece, Token

__all__ = ["Reader"]


class Reader:
    """Tokens one after the other. `qualified` is whether every name has to have its schema."""

    def __init__(self, piece: Piece, *, qualified: bool = True) -> None:
        self.piece = piece
        self.qualified = qualified
        self.tokens: tuple[Token, ...] = piece.tokens
        self.at = 0

    @property
    def word(self) -> str:
        """The next word or sign in upper case; empty at the end and for a quoted identifier."""
        if self.at >= len(self.tokens) or self.tokens[self.at].kind == "quoted":
            return ""
        return self.tokens[self.at].text

    def take(self, *words: str) -> bool:
        """Skip these words if they come next."""
        coming = self.tokens[self.at : self.at + len(words)]
        if [t.text for t in coming if t.kind != "quoted"] == list(words):
            self.at += len(words)
            return True
        return False

    def name(self) -> list[str]:
        """A name with its qualifiers."""
        parts: list[str] = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind in {"word", "quoted"}:
            parts.append(self.tokens[self.at].name)
            self.at += 1
            if not self.take("."):
                break
        return parts

    def last(self) -> str:
        """A name without its qualifiers; empty where there is none."""
        return (self.name() or [""])[-1]

    def skip_item(self) -> None:
        """To the next comma outside of parentheses, and over it."""
        depth = 0
        while self.at < len(self.tokens):
            sign = self.tokens[self.at].text if self.tokens[self.at].kind == "sign" else ""
            self.at += 1
            if sign == "," and not depth:
                return
            depth += (sign in {"(", "["}) - (sign in {")", "]"})

    def skip_parentheses(self) -> None:
        """Over a pair of parentheses that comes next, and what is in it."""
        depth = 0
        while self.at < len(self.tokens):
            sign = self.tokens[self.at].text
            depth += (sign == "(") - (sign == ")")
            self.at += 1
            if not depth:
                return
