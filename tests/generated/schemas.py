"""JSON Schemas of the records that others read, made of the fields of their dataclasses."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from gonogo.contract.records.event import FORMAT
from gonogo.contract.records.verdict import VerdictRecord

__all__ = ["VERDICT", "verdict"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# The number is that of the form of all evidence: another form has another file.
VERDICT = f"docs/schemas/verdict.v{FORMAT}.schema.json"

_PLAIN: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def verdict() -> str:
    """The text of the schema of verdict.json."""
    described = {
        "$schema": DIALECT,
        "$id": f"urn:pg-gonogo:verdict:{FORMAT}",
        "title": f"verdict.json of pg-gonogo, format {FORMAT}",
        **_Definitions().schema(VerdictRecord),
    }
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


class _Definitions:
    """Records that are named inside of others are defined once."""

    def __init__(self) -> None:
        self.found: dict[str, object] = {}

    def schema(self, record: type) -> dict[str, object]:
        """The schema of a record, with the definitions that it needs."""
        own = self._object(record)
        return {**own, "$defs": dict(sorted(self.found.items()))}

    def _object(self, record: type) -> dict[str, object]:
        assert dataclasses.is_dataclass(record)
        hints = get_type_hints(record)
        known = {one.name.rstrip("_"): one for one in dataclasses.fields(record)}
        needed = [key for key, one in known.items() if one.default is dataclasses.MISSING]
        return {
            "type": "object",
            "description": " ".join((record.__doc__ or "").split()),
            "properties": {key: self._of(hints[one.name]) for key, one in known.items()},
            "required": needed,
            "additionalProperties": False,
        }

    def _of(self, hint: Any) -> object:
        if hint is object:
            return True
        if hint in _PLAIN:
            return {"type": _PLAIN[hint]}
        if dataclasses.is_dataclass(hint):
            return self._named(hint)
        return self._several(get_origin(hint), get_args(hint))

    def _named(self, record: Any) -> object:
        name = record.__name__
        if name not in self.found:
            self.found[name] = None  # one that names itself
            described = self._object(record)
            # What Python says of a dataclass without words of its own is none.
            if str(described["description"]).startswith(f"{name}("):
                del described["description"]
            self.found[name] = described
        return {"$ref": f"#/$defs/{name}"}

    def _several(self, origin: Any, parts: tuple[Any, ...]) -> object:
        if origin is Literal:
            return {"enum": [*parts]}
        if origin in (Union, types.UnionType):
            return _choice([self._of(part) for part in parts])
        if origin is Mapping:
            return {"type": "object", "additionalProperties": self._of(parts[1])}
        assert origin is Sequence, origin  # a record that is described has no others
        return {"type": "array", "items": self._of(parts[0])}


def _choice(kinds: Sequence[Any]) -> object:
    """Of plain kinds one list of their names."""
    names = [kind.get("type") for kind in kinds if [*kind] == ["type"]]
    return {"type": names} if len(names) == len(kinds) else {"anyOf": [*kinds]}
