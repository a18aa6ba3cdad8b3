"""What is otherwise than at the last audit. Pure.

What a check has found it names by keys of rows and names of objects. A key that only one of two
audits has is new or gone. Of a list that may have been cut nobody can say what it does not have;
there the numbers are compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ...contract.records.audit import BETTER, GONE, NEW, WORSE, Change
from ...contract.records.check_result import CheckResult

__all__ = ["changes", "number_of"]

# So many samples there are at most, see gonogo.sql.j2.
_MOST = 20
_COUNTED = re.compile(r"(\d+) of \d+")
_KNOWN = ("pass", "fail")


def number_of(result: CheckResult) -> int | None:
    """How much is wrong by this check; None where that was not found out."""
    if result.status == "pass":
        return 0
    if result.status != "fail":
        return None
    counted = _COUNTED.match(result.observed or "")
    return int(counted[1]) if counted else max(len(result.samples), 1)


def changes(last: Sequence[CheckResult], now: Sequence[CheckResult]) -> list[Change]:
    """The changes of each check, in the order of `now`; those that are gone come at the end."""
    before = {result.check_id: result for result in last}
    found = [one for result in now for one in _changes(before.pop(result.check_id, None), result)]
    return found + [
        Change(GONE, result.check_id, None, "the check is not asked any more")
        for result in before.values()
        if result.status != "pass"
    ]


def _changes(last: CheckResult | None, now: CheckResult) -> Iterator[Change]:
    if last is None:
        # A check that was not asked before: what it finds is new to whoever reads it.
        if now.status != "pass":
            yield from _first(now)
    elif now.status not in _KNOWN:
        if last.status in _KNOWN:
            yield _whole(WORSE, now, f"was {_said(last)}, is {_said(now)}: {now.observed}")
    elif last.status not in _KNOWN:
        if now.status == "pass":
            yield _whole(BETTER, now, f"was {_said(last)}, passes")
        else:
            yield from _first(now)
    else:
        yield from _between(last, now)


def _between(last: CheckResult, now: CheckResult) -> Iterator[Change]:
    """Both audits have an answer."""
    keys = list(_of_keys(last, now))
    yield from keys
    if keys and _is_complete(last) and _is_complete(now):
        return
    was, is_now = number_of(last), number_of(now)
    assert was is not None  # both are known
    assert is_now is not None
    left = is_now - was - sum({NEW: 1, GONE: -1}[change.kind] for change in keys)
    if left and not (was and is_now):
        yield _whole(NEW if is_now else GONE, now, str((now if is_now else last).observed))
    elif left:
        text = f"was {was}, is {is_now}: {now.observed}"
        yield _whole(WORSE if left > 0 else BETTER, now, text)


def _of_keys(last: CheckResult, now: CheckResult) -> Iterator[Change]:
    before, after = Counter(_keys(last)), Counter(_keys(now))
    if _is_complete(last):
        for key in sorted((after - before).elements()):
            yield Change(NEW, now.check_id, key, str(now.observed))
    if _is_complete(now):
        for key in sorted((before - after).elements()):
            yield Change(GONE, now.check_id, key, str(last.observed))


def _first(now: CheckResult) -> Iterator[Change]:
    if now.status == "fail" and _keys(now) and _is_complete(now):
        for key in sorted(_keys(now)):
            yield Change(NEW, now.check_id, key, str(now.observed))
    else:
        yield _whole(NEW, now, f"{_said(now)}: {now.observed}")


def _keys(result: CheckResult) -> Sequence[str]:
    """What a passing check names is nothing that is wrong."""
    return result.samples if result.status == "fail" else ()


def _is_complete(result: CheckResult) -> bool:
    """Whether its samples are all that it has found, or it has found nothing."""
    if result.status == "pass":
        return True
    return 0 < len(result.samples) < _MOST


def _whole(kind: str, result: CheckResult, text: str) -> Change:
    return Change(kind, result.check_id, None, text)


def _said(result: CheckResult) -> str:
    return result.status.replace("_", " ")
