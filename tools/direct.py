"""What a stage needs of whoever runs it, where its run and its target are right here: no Ansible
and no way to another host between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gonogo.contract.errors import GonogoError
from gonogo.contract.records.run import Process
from gonogo.controller.ansible.plugin import checked
from gonogo.controller.invocation.commands import Caller
from gonogo.host.stages import find

__all__ = ["Here"]


class Here:
    """The site of a stage whose run and target are right here, see `Site`."""

    checking = False
    host = "sandbox"
    # Nobody reads the next command.
    caller = Caller()
    input_left_out = False
    planning = False

    def __init__(self, identity: Process, **variables: Any) -> None:
        self.identity = identity
        self.variables: dict[str, Any] = variables
        self.extra: dict[str, Any] = {}
        self.play: dict[str, Any] = {}

    def variable(self, name: str) -> Any:
        return self.variables.get(name)

    def flag(self, name: str) -> bool:
        return bool(self.variable(name))

    def said(self, host: str) -> dict[str, Any]:
        del host
        return self.variables

    def ask(
        self, entry: str, arguments: Mapping[str, object], *, database: bool
    ) -> Mapping[str, object]:
        """Nothing is sent anywhere."""
        del database
        return find(entry).run(checked(entry, arguments), check_mode=False)

    def require_controller(self) -> None:
        """It is this very process."""

    def explained(self, error: Exception) -> GonogoError:
        raise error

    def held_back(self) -> GonogoError | None:
        """Nothing else is begun."""
        return None

    def left_out(self) -> list[list[str]]:
        """There is no other host."""
        return []

    def rehearses_for_it(self) -> None:
        """It rehearses by itself."""

    def warn(self, text: str) -> None:
        raise AssertionError(text)

    def show(self, text: str) -> None:
        raise AssertionError(text)
