"""The form of what a person has set: no secrets, and values that their option can take.

Ansible's own words about a value that does not fit repeat the value, which may be a password in the
wrong place. These say which it is and what it has to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ...contract.errors import InputError
from ...contract.options.option import ArgumentSpec
from ...contract.redaction import holding
from .native import Variables

__all__ = ["misfits", "refuse_misfits", "refuse_secrets", "suiting"]

Named = Callable[[str], str]

_WORDS = {
    "bool": "true or false",
    "dict": "a mapping",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "path": "a path",
    "str": "text",
}


def refuse_secrets(values: Variables, *, named: Named = str) -> None:
    """Refuse values that hold a password, before anything is done with them.

    `named` gives the variable of an option (`run_id`, `login.host`) of a task.
    """
    for name, value in values.items():
        for key in holding(value, name):
            raise InputError(
                "there is a password where none belongs; nothing was done with it",
                key=named(key),
                detail="It is neither shown nor written down here.",
                hint="libpq reads the password from a file on the target host, mode 0600: "
                "passfile of gonogo_login. Change this password if others have seen it.",
            )


def refuse_misfits(values: Variables, spec: ArgumentSpec, *, named: Named = str) -> None:
    """Refuse what an argument spec does not take, without a word of the value."""
    for key, what, _ in misfits("", values, spec):
        raise InputError(what, key=named(key))


def misfits(prefix: str, values: Variables, spec: ArgumentSpec) -> Iterator[tuple[str, str, Any]]:
    """Key, what is wrong with it, and its value, of everything that the spec does not take."""
    for name in sorted(map(str, values)):
        if name not in spec:
            near = f"Known: {', '.join(sorted(spec))}."
            yield f"{prefix}{name}", f"there is no such option. {near}", None
    for name, option in spec.items():
        key, value = f"{prefix}{name}", values.get(name)
        if value is None:
            if option.get("required") and prefix:
                yield key, "is missing", None
        elif option.get("options") and isinstance(value, Mapping):
            yield from misfits(f"{key}.", value, option["options"])
        elif not suiting(name, option, value)[0]:
            choices = ", ".join(map(str, option.get("choices") or ()))
            words = _WORDS[option.get("type", "str")]
            yield key, f"must be {words}{f' of: {choices}' if choices else ''}", value


def suiting(name: str, option: ArgumentSpec, value: Any) -> tuple[bool, Any]:
    """Whether Ansible's own checker takes the value, and what it makes of it."""
    try:
        checked = ArgumentSpecValidator({name: dict(option)}).validate({name: value})
    except (ArithmeticError, ValueError):
        # It does not mind a number that is too large before it has tripped over it.
        return False, None
    return not checked.error_messages, checked.validated_parameters.get(name)
