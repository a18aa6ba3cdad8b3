"""The form of what a person has set: no secrets, and values that their option can take.

Ansible's own words about a value that does not fit repeat the value, which may be a password in the
wrong place. These say which it is and what it has to be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ...contract.errors import InputError, shown
from ...contract.options.option import ArgumentSpec
from ...contract.redaction import holding
from .native import Variables

__all__ = ["misfits", "refuse_misfits", "refuse_secrets", "suiting", "values_of_texts"]

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


# How a list and a mapping begin where somebody could only write text, as in a form.
_BEGINS: dict[str, tuple[str, type]] = {"dict": ("{", dict), "list": ("[", list)}


def values_of_texts(values: Variables, spec: ArgumentSpec, *, named: Named = str) -> Variables:
    """The values, and of JSON what it says where a list or a mapping is wanted: the survey of an
    automation controller gives texts alone. Raises InputError without a word of the text.
    """
    found = dict(values)
    for name, option in spec.items():
        value = values.get(name)
        begin, kind = _BEGINS.get(option.get("type", "str"), ("", str))
        if begin and isinstance(value, str) and value.lstrip().startswith(begin):
            found[name] = _value_of(value, kind, key=named(name))
    return found


def _value_of(text: str, kind: type, *, key: str) -> object:
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except (RecursionError, ValueError) as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(
            f"begins like JSON, and is none{place}",
            key=key,
            hint='Write it like ["a", "b"] or {"name": "value"}, with double quotes.',
        ) from None
    assert isinstance(value, kind)  # as it begins
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)


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
            yield f"{prefix}{name}", f"there is no option {shown(name)}. {near}", None
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
