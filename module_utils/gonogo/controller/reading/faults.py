"""All that is wrong with what a person wrote, said at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ...contract.errors import InputError, shown

__all__ = ["Faults", "one_of_all"]

# What is shown beside the first; a person mends some and runs again.
_SHOWN = 15
_LINE = 200


@dataclass
class Faults:
    """Collects what is wrong in several places."""

    found: list[InputError] = field(default_factory=list)

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Notes an InputError of the body, which ends there, and goes on behind it."""
        try:
            yield
        except InputError as error:
            self.note(error)

    def note(self, error: InputError) -> None:
        self.found.extend(error.faults)

    def note_all(self, errors: Iterable[InputError]) -> None:
        for error in errors:
            self.note(error)

    def refuse(self) -> None:
        """Raise one InputError where anything was found."""
        if self.found:
            raise one_of_all(self.found)


def one_of_all(faults: Sequence[InputError]) -> InputError:
    """One error: the first of them in full, the others with a line each."""
    flat = [fault for error in faults for fault in error.faults]
    first, *others = flat
    if not others:
        return first
    lines = [_told(other) for other in others[:_SHOWN]]
    if len(others) > _SHOWN:
        lines.append(f"and {len(others) - _SHOWN} more")
    detail = "\n".join(
        [*([first.detail] if first.detail else []), "This is wrong as well:", *lines]
    )
    return InputError(first.primary, detail=detail, hint=first.hint, faults=flat)


def _told(fault: InputError) -> str:
    hint = f" ({fault.hint})" if fault.hint else ""
    return shown(f"{fault.primary}{hint}", limit=_LINE)
