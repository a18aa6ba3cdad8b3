"""Which databases of a fleet are of which shape, and what differs between these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...contract.records.fleet import FleetDifference, FleetShape
from ...contract.records.shape import Shape
from ...host.compare.shape import differences

__all__ = ["NAMED", "shapes"]

# So many differences of a shape are named; their number is said in any case.
NAMED = 50


def shapes(measured: Mapping[str, Shape], *, rehearsed_on: Sequence[str]) -> tuple[FleetShape, ...]:
    """Those of these hosts, the one that most of them have first. `rehearsed_on` are the hosts that
    have tried the migration on a copy of their own database."""
    hosts: dict[str, list[str]] = {}
    for host in sorted(measured):
        hosts.setdefault(measured[host].sha256, []).append(host)
    order = sorted(hosts, key=lambda digest: (-len(hosts[digest]), hosts[digest][0]))
    found: list[FleetShape] = []
    for number, digest in enumerate(order):
        shape, first = (measured[hosts[one][0]] for one in (digest, order[0]))
        found_here = differences(first.parts, shape.parts)
        told = [FleetDifference(one.name, one.kind) for one in found_here]
        found.append(
            FleetShape(
                name=_name(number),
                sha256=digest,
                hosts=hosts[digest],
                rehearsed_on=[one for one in hosts[digest] if one in rehearsed_on],
                objects=len(shape.schema),
                differing=len(told),
                differences=told[:NAMED],
            )
        )
    return tuple(found)


def _name(number: int) -> str:
    """A, B, ... Z, AA, AB and so on."""
    name = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        name = chr(ord("A") + letter) + name
    return name
