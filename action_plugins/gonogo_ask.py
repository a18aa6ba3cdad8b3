"""Asks the person at the terminal about one host, and hands the answer on."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsiblePromptInterrupt, AnsiblePromptNoninteractive
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    """See library/gonogo_ask.py."""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """No terminal, and Ctrl-C, are no answer: it is empty then."""
        self._supports_check_mode = True
        result = super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            argument_spec={"prompt": {"type": "str", "required": True}}
        )
        host = (task_vars or {})["inventory_hostname"]
        answer = b""
        try:
            answer = self._display.prompt_until(f"[{host}]\n{arguments['prompt']}:")
        except AnsiblePromptNoninteractive:
            self._display.warning("Nobody is asked: the standard input is no terminal")
        except AnsiblePromptInterrupt:
            self._display.warning("Interrupted: that is no answer")
        return {**result, "changed": False, "user_input": answer.decode("utf-8", "replace")}
