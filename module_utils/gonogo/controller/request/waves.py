"""The waves of a rollout: which hosts are begun together, and what keeps the next from beginning.

Ansible makes them: `serial` of the play. Here it is said what that is for what the inventory wants,
and whether a wave has come to what lets the next one begin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...contract.errors import GonogoError, InputError
from ...contract.records.verdict import UP_TO_DATE
from ..invocation.native import Variables

__all__ = ["KEY", "MAX_FAIL", "STOPS", "Came", "Limits", "Waves", "check", "limits", "named"]
__all__ += ["require", "stop"]

KEY = "gonogo_waves"
STOPS = "gonogo_waves_stop"
MAX_FAIL = "gonogo_waves_max_fail"

_NUMBER = re.compile(r"[1-9]\d{0,5}")
_PERCENT = re.compile(r"([1-9]\d?|100)%")
# What no pattern of hosts takes for something else.
_GROUP = re.compile(r"[A-Za-z_][\w.-]*")
_HINT = "Write it like [1, 10%, 100%], or as names of groups, like [canary, west]."
_SHOWN = 3
_MOST_SHOWN = 20


@dataclass(frozen=True)
class Waves:
    """Either `sizes`, as `serial` takes them, or `groups`, whose hosts are a wave each."""

    sizes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def pattern(self, group: str) -> str:
        """The pattern of the hosts of `group`, in the order of the waves."""
        return ":".join([*self.groups, group, f"&{group}"]) if self.groups else group

    def of(self, hosts: Sequence[str], groups: Mapping[str, Sequence[str]]) -> list[list[str]]:
        """The waves of these hosts; a host of no named group belongs to the last one."""
        if not self.groups:
            return [*self._cut(hosts)]
        waves, left = [], [*hosts]
        for group in self.groups:
            members = {*groups.get(group, ())}
            waves.append([host for host in left if host in members])
            left = [host for host in left if host not in members]
        return [wave for wave in (*waves, left) if wave]

    def _cut(self, hosts: Sequence[str]) -> Iterator[list[str]]:
        """As Ansible does: a share of all, one host at least, and the last size again."""
        begin, sizes = 0, [*self.sizes]
        while begin < len(hosts):
            size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
            share = _PERCENT.fullmatch(size)
            number = int(int(share[1]) / 100.0 * len(hosts)) or 1 if share else int(size)
            yield [*hosts[begin : begin + number]]
            begin += number


@dataclass(frozen=True)
class Limits:
    """Of one host: the verdicts that stop, and how many hosts of a wave may have one."""

    stops: tuple[str, ...]
    max_fail: int


@dataclass(frozen=True)
class Came:
    """What a host of a wave has come to: a verdict, or that there is none."""

    host: str
    verdict: str
    limits: Limits

    @property
    def fails(self) -> bool:
        """A host of which nobody knows is worse than any verdict."""
        return self.verdict in self.limits.stops or self.verdict not in _VERDICTS


_VERDICTS = ("GO", UP_TO_DATE, "HOLD", "NO-GO")


def named(value: object) -> Waves | None:
    """The waves that a variable says, None where all hosts are begun at once. Raises InputError."""
    parts = value.split(",") if isinstance(value, str) else value
    if parts is None or parts in ([], [""]):
        return None
    if not isinstance(parts, Sequence):
        raise InputError("must be a list of sizes or of groups", key=KEY, value=value, hint=_HINT)
    words = [_word(one) for one in parts]
    sizes = [word for word in words if _NUMBER.fullmatch(word) or _PERCENT.fullmatch(word)]
    if len(sizes) == len(words):
        return Waves(sizes=tuple(sizes))
    unfit = [word for word in words if not _GROUP.fullmatch(word)]
    if sizes or unfit or len({*words}) < len(words):
        raise InputError(
            "is neither a list of sizes nor one of different groups",
            key=KEY,
            value=value,
            hint=_HINT,
        )
    return Waves(groups=tuple(words))


def _word(part: object) -> str:
    """Empty for what is neither a number nor text."""
    is_one = isinstance(part, (int, str)) and not isinstance(part, bool)
    return str(part).strip() if is_one else ""


def check(values: Variables, groups: Mapping[str, object] | None) -> None:
    """Refuse waves that there cannot be; `groups` are those of the inventory. Raises InputError."""
    found = named(values.get(KEY))
    unknown = [one for one in (found.groups if found else ()) if one not in (groups or ())]
    if unknown:
        raise InputError(
            "there is no such group",
            key=KEY,
            value=unknown[0],
            hint=f"Known: {', '.join(sorted(map(str, groups or ())))}.",
        )
    limits(values)


def limits(values: Variables) -> Limits:
    """What stops, as the variables of a host say it. Raises InputError."""
    said, most = values.get(STOPS), values.get(MAX_FAIL)
    stops = ["HOLD", "NO-GO"] if said is None else said
    stops = stops.split(",") if isinstance(stops, str) else stops
    if not isinstance(stops, Sequence) or not {*map(str, stops)} <= {"HOLD", "NO-GO"}:
        raise InputError(
            "must be a list of HOLD and NO-GO",
            key=STOPS,
            value=said,
            hint="A host without a verdict stops in any case.",
        )
    number = 0 if most is None else most
    if isinstance(number, str) and re.fullmatch(r"\d{1,6}", number):
        number = int(number)
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise InputError("must be a number of hosts", key=MAX_FAIL, value=most)
    return Limits(tuple(map(str, stops)), number)


def stop(wave: Iterable[Came]) -> str | None:
    """Why the wave behind this one is not begun, in words; None where it is."""
    hosts = [*wave]
    failed = [one for one in hosts if one.fails]
    if len(failed) <= min((one.limits.max_fail for one in hosts), default=0):
        return None
    told = [f"{_words(one)} {one.host}" for one in failed[:_SHOWN]]
    more = f", and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
    return f"not begun: the wave before had {', '.join(told)}{more}"


def require(left_out: Iterable[Iterable[Came]]) -> None:
    """Refuse a host behind these waves, of each the hosts that the play leaves out. Raises
    GonogoError."""
    missing: list[Came] = []
    for wave in left_out:
        hosts = [*wave]
        if stop(hosts):
            missing += [one for one in hosts if one.fails]
    if not missing:
        return
    more = f", and {len(missing) - _MOST_SHOWN} more" if len(missing) > _MOST_SHOWN else ""
    told = ", ".join(f"{one.host} ({_came(one)})" for one in missing[:_MOST_SHOWN])
    raise GonogoError(
        "not begun: hosts of an earlier wave are not done, and --limit leaves them out",
        detail=f"{told}{more}.",
        hint="Begin again without --limit: what is done is left alone. To begin these hosts all "
        f"the same, before the others, say that there is one wave: -e {KEY}=100%.",
    )


def _came(one: Came) -> str:
    return one.verdict if one.verdict in _VERDICTS else "no verdict on these files"


def _words(one: Came) -> str:
    return f"{one.verdict} on" if one.verdict in _VERDICTS else "no verdict on"
