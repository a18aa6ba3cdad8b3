"""The workers of ansible-playbook: one that ends without a result costs its own host the verdict.

Ansible waits for the result of each task it has given to a worker. Of one that was killed, as where
memory runs out, none ever comes: under the strategy `linear` that ends the playbook of all hosts,
under the others it waits for ever. So the result is given for it: the task has failed.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import multiprocessing
import signal
import sys
import threading
from dataclasses import dataclass
from typing import Any

from ansible.executor import task_result

from ...contract.errors import GonogoError

__all__ = ["Workers", "end_with_the_playbook"]

_POLL_SECONDS = 0.5
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
# The name that ansible-core has for what a worker sends.
_RESULT = getattr(task_result, "_RawTaskResult", None)


def end_with_the_playbook() -> None:
    """Have the kernel end this worker when ansible-playbook ends. What it has left to do is to hand
    over its result, and where nobody takes a long one that takes for ever.

    Does nothing outside of a worker, nor where there is no such request.
    """
    if multiprocessing.parent_process() and sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)


@dataclass
class _Worker:
    host: Any
    task: Any
    # What the operating system says of it. Ansible closes the process of a worker that has ended
    # as soon as it begins another one in its place, and then nobody can say it any more.
    child: Any = None

    def follow(self, process: Any) -> None:
        """Keep hold of the child that a process which is about to be started will have."""
        start = process.start

        def started() -> None:
            start()
            self.child = process._popen  # noqa: SLF001 - nothing else tells how it has ended

        process.start = started

    def exit_status(self) -> int | None:
        """None while it runs, and as long as it has not been started."""
        return None if self.child is None else self.child.poll()


class Workers:
    """Those whose results are awaited."""

    def __init__(self) -> None:
        self._manager: Any = None
        self._awaited: dict[tuple[str, str], _Worker] = {}
        self._watching: threading.Thread | None = None
        self._ended = threading.Event()

    def began(self, host: Any, task: Any) -> None:
        """A task is about to be given to a worker; called by Ansible's process, by a callback."""
        if _RESULT is None:
            return
        self._manager = self._manager or _manager()
        for process in getattr(self._manager, "_workers", None) or ():
            known = (getattr(process, "_host", None), getattr(process, "_task", None))
            if known == (host, task):
                worker = self._awaited[_key(host, task)] = _Worker(host, task)
                worker.follow(process)
        if self._watching is None and self._manager is not None:
            self._watching = threading.Thread(target=self._watch, daemon=True)
            self._watching.start()
            atexit.register(self.end)

    def answered(self, host: Any, task: Any) -> None:
        self._awaited.pop(_key(host, task), None)

    def leave(self, name: str, key: str, value: object) -> None:
        """Leave a value below a key of a mapping for the jobs that come after this playbook, as
        set_stats does, whether or not a task has failed."""
        stats = getattr(self._manager, "_stats", None)
        if stats is not None:
            stats.update_custom_stats(name, {key: value})

    def end(self) -> None:
        """Nothing is awaited any more. A thread that Python ends at its exit may take locks along
        for which the exit then waits for ever, so this one ends by itself."""
        self._ended.set()
        if self._watching is not None:
            # It may be sending what nobody reads any more.
            self._watching.join(_POLL_SECONDS)

    def _watch(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            for key, worker in list(self._awaited.items()):
                # One that has ended with 0 has sent its result, which waits to be read.
                if worker.exit_status() and self._awaited.pop(key, None):
                    # An interrupted playbook ends its workers and closes the queue.
                    with contextlib.suppress(AttributeError, OSError, ValueError):
                        self._manager._final_q.send_task_result(_lost(worker))  # noqa: SLF001 - see above


def _lost(worker: _Worker) -> Any:
    status = worker.exit_status() or 0
    how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
    error = GonogoError(
        "the process of ansible-playbook that worked on this host was ended",
        detail=f"It ended {how}; nobody knows how far it came.",
        hint="Where memory ran out on the controller (dmesg), use fewer forks. Then run again.",
    )
    assert _RESULT is not None
    return _RESULT(
        host=worker.host,
        task=worker.task,
        return_data={"failed": True, "msg": error.render()},
        task_fields=worker.task.dump_attrs(),
    )


def _key(host: Any, task: Any) -> tuple[str, str]:
    return str(host.get_name()), str(task._uuid)  # noqa: SLF001 - by this Ansible tells tasks apart


def _manager() -> Any:
    """The one that has called this: nothing else leads from a callback to the queue of results."""
    frame = sys._getframe(1)  # noqa: SLF001 - as above
    while frame.f_back is not None:
        owner = frame.f_locals.get("self")
        if hasattr(owner, "_final_q") and hasattr(owner, "_workers"):
            return owner
        frame = frame.f_back
    return None
