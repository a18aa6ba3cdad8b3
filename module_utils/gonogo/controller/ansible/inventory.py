"""What the inventory itself says of a host, read from its own files.

A variable of a task may come from anywhere: the command line, a play, a role, a fact, a file that a
task includes. What is read here comes from the sources given with -i (or ansible.cfg) and from the
group_vars and host_vars beside them, and from nowhere else. No value is templated.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.helpers import sort_groups
from ansible.inventory.manager import InventoryManager
from ansible.plugins.vars.host_group_vars import VarsModule
from ansible.utils.vars import combine_vars

from ...contract.errors import GonogoError
from ..invocation.native import Variables

__all__ = ["Inventory"]

_HINT = "ansible-inventory --list, with the same -i, shows what Ansible cannot read."


class Inventory:
    """An inventory as its sources have it now: a host that a play has added is none of it."""

    def __init__(self, loader: Any, sources: Sequence[str]) -> None:
        self._loader = loader
        self._sources = [str(source) for source in sources]
        self._files = VarsModule()
        try:
            self._manager = InventoryManager(loader=loader, sources=self._sources)
        except AnsibleError as error:
            raise GonogoError(
                "the inventory cannot be read", detail=str(error), hint=_HINT
            ) from error

    def variables(self, name: str) -> Variables:
        """The host's variables as they are written, in Ansible's order of precedence.

        Empty for a host that the inventory does not have. Raises GonogoError.
        """
        host = self._manager.hosts.get(name)
        if host is None:
            return {}
        groups = sort_groups(host.get_groups())
        found: Variables = {}
        try:
            for group in groups:
                found = combine_vars(found, group.get_vars())
            for entity in (*groups, None):
                if entity is None:
                    found = combine_vars(found, host.vars)
                found = combine_vars(found, self._beside(entity or host))
        except AnsibleError as error:
            raise GonogoError(
                "the inventory cannot be read", detail=str(error), hint=_HINT
            ) from error
        return found

    def _beside(self, entity: Any) -> Variables:
        """What group_vars and host_vars beside the sources say of a group or host."""
        found: Variables = {}
        for source in self._sources:
            path = Path(source)
            if "," in source and not path.exists():
                continue  # a list of hosts
            folder = str(path if path.is_dir() else path.parent)
            said = self._files.get_vars(self._loader, folder, [entity], cache=False)
            found = combine_vars(found, said)
        return found


def _unread(error: AnsibleError) -> GonogoError:
    return GonogoError("the inventory cannot be read", detail=str(error), hint=_HINT)
