"""The one exception of the sandbox."""

from __future__ import annotations


class SandboxError(Exception):
    """Something a person can act on, in the three parts of a PostgreSQL error.

    ``message`` says what is wrong, ``detail`` what was found, ``hint`` what to do next.
    """

    def __init__(self, message: str, *, detail: str | None = None, hint: str | None = None):
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        lines = [f"error: {self.message}"]
        if self.detail:
            lines.append(f"DETAIL:  {self.detail}")
        if self.hint:
            lines.append(f"HINT:  {self.hint}")
        # One line each, whatever somebody typed or a server answered.
        return "\n".join(line.replace("\n", "\\n") for line in lines)
