"""YAML as people write it, read strictly: plain data, no duplicate keys, no cycles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ...contract.errors import InputError
from .faults import Faults

__all__ = ["Document", "load", "parse"]

# libyaml where PyYAML was built with it: ten times as fast on a manifest.
_Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_MAXIMUM_BYTES = 5_000_000
_MAXIMUM_NODES = 200_000
_MAXIMUM_DEPTH = 50


@dataclass(frozen=True)
class Document:
    """A file's data, and the line of every value by its path (`("checks", 3, "id")`)."""

    path: Path
    data: Any
    lines: dict[tuple[str | int, ...], int]

    def place(self, path: tuple[str | int, ...]) -> str:
        """`runbook.yml:12` for the value at `path`, or for the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.path.name}:{self.lines.get(path, 1)}"


def load(path: Path) -> Document:
    """Read a file. Raises InputError for anything but plain, finite YAML in UTF-8."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if len(raw) > _MAXIMUM_BYTES:
        raise InputError(
            f"{path.name}: the file is too large", file=str(path), value=f"{len(raw)} bytes"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path.name}:{line}: not UTF-8 at byte {error.start}", file=str(path)
        ) from error
    return parse(text, path)


def parse(text: str, path: Path) -> Document:
    """Read YAML that came from `path`. Raises InputError as `load` does."""
    lines: dict[tuple[str | int, ...], int] = {}
    try:
        _refuse_depth(text, path)
        loader = _Parser(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        if node is None:
            raise InputError(f"{path.name}:1: the file is empty", file=str(path))
        builder = _Builder(path, lines)
        data = builder.build(node, ())
        builder.faults.refuse()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        parts = (getattr(error, "context", None), getattr(error, "problem", None))
        problem = ", ".join(part for part in parts if part) or " ".join(str(error).split())
        raise InputError(f"{path.name}{line}: not valid YAML: {problem}", file=str(path)) from error
    return Document(path=path, data=data, lines=lines)


def _refuse_depth(text: str, path: Path) -> None:
    """Libyaml's composer calls itself for every level, and would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_Parser):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAXIMUM_DEPTH:
                mark = event.start_mark
                line = f":{mark.line + 1}" if mark else ""
                raise InputError(f"{path.name}{line}: nested too deeply", file=str(path))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Builder:
    """Turns nodes into data. Written out because PyYAML keeps the last of two equal keys."""

    def __init__(self, path: Path, lines: dict[tuple[str | int, ...], int]) -> None:
        self._path = path
        self._lines = lines
        self._open: set[int] = set()
        self._count = 0
        self._scalars = yaml.SafeLoader("")
        self.faults = Faults()

    def build(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:
        line = node.start_mark.line + 1
        self._lines[path] = line
        self._count += 1
        if self._count > _MAXIMUM_NODES or id(node) in self._open:
            what = "an alias contains itself" if id(node) in self._open else "too many values"
            raise InputError(f"{self._path.name}:{line}: {what}", file=str(self._path))
        self._open.add(id(node))
        try:
            return self._value(node, path, line)
        finally:
            self._open.discard(id(node))

    def _value(self, node: yaml.Node, path: tuple[str | int, ...], line: int) -> Any:
        if node.tag not in _PLAIN_TAGS:
            self._note(
                f"{self._path.name}:{line}: a value of type {_bare(node.tag)}",
                value=node.value if isinstance(node, yaml.ScalarNode) else None,
                hint="Quote it to make it text.",
            )
            return None
        if isinstance(node, yaml.MappingNode):
            mapping: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = self._key(key_node)
                if key in mapping:
                    self._note(
                        f"{self._path.name}:{key_node.start_mark.line + 1}: "
                        f"key '{key}' is there twice",
                        detail=f"It first stands in line {self._lines[(*path, key)]}.",
                        hint="YAML would silently keep the last one. Remove one of them.",
                    )
                    continue
                mapping[key] = self.build(value_node, (*path, key))
            return mapping
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, number)) for number, item in enumerate(node.value)]
        try:
            return self._scalars.construct_object(node)
        except (ValueError, KeyError, yaml.YAMLError):
            self._note(
                f"{self._path.name}:{line}: not a value of type {_bare(node.tag)}", value=node.value
            )
            return None

    def _note(self, problem: str, **more: Any) -> None:
        self.faults.note(InputError(problem, file=str(self._path), **more))

    def _key(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        raise InputError(
            f"{self._path.name}:{node.start_mark.line + 1}: a key must be text",
            file=str(self._path),
        )


def _bare(tag: str) -> str:
    return tag.removeprefix("tag:yaml.org,2002:")


_PLAIN_TAGS = {
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")
}
