"""A worker of ansible-playbook that ends without a result: its host has failed, and no other."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.executor.process.worker import WorkerProcess
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.plugins.strategy import StrategyBase

from gonogo.controller.ansible import workers
from gonogo.controller.ansible.workers import Workers


class Manager:
    """As Ansible's: it has the workers, and the queue that their results go to."""

    def __init__(self) -> None:
        self.sent: queue.Queue[Any] = queue.Queue()
        self._final_q = SimpleNamespace(send_task_result=self.sent.put)
        self._workers: list[Any] = []

    def begin(self, watching: Workers, name: str, *program: str) -> Any:
        host = SimpleNamespace(name=name, get_name=lambda: name)
        task = SimpleNamespace(_uuid=f"task of {name}", dump_attrs=dict)
        process = SimpleNamespace(_host=host, _task=task, _popen=None)

        def start() -> None:
            process._popen = subprocess.Popen([sys.executable, "-c", *program])

        process.start = start
        self._workers.append(process)
        watching.began(host, task)
        # As Ansible does: the process comes after the callback.
        process.start()
        return process


@pytest.fixture
def manager() -> Manager:
    return Manager()


def _result(manager: Manager) -> Any:
    return manager.sent.get(timeout=60)


def test_a_worker_that_is_killed_has_failed(manager: Manager) -> None:
    watching = Workers()
    sleeping = manager.begin(watching, "db1", "import time; time.sleep(600)")
    whole = manager.begin(watching, "db2", "")
    whole._popen.wait()
    os.kill(sleeping._popen.pid, signal.SIGKILL)
    found = _result(manager)
    assert found._host is sleeping._host
    assert found._task is sleeping._task
    message = found._return_data["msg"]
    assert found._return_data["failed"] is True
    assert "was ended\nDETAIL:  It ended by SIGKILL" in message
    # The other has sent its own result, which waits to be read.
    assert manager.sent.empty()


def test_one_that_ends_with_an_error_has_failed(manager: Manager) -> None:
    watching = Workers()
    manager.begin(watching, "db1", "import os; os._exit(1)")
    assert "It ended with status 1" in _result(manager)._return_data["msg"]


def test_one_whose_place_was_taken_by_another_has_failed(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ansible closes a process that has ended where it begins the next one, at any moment."""
    monkeypatch.setattr(workers, "_POLL_SECONDS", 0.0)
    watching = Workers()
    seen = threading.Event()

    def late() -> None:
        seen.wait(60)
        Workers._watch(watching)

    monkeypatch.setattr(watching, "_watch", late)
    ended = manager.begin(watching, "db1", "import os; os._exit(1)")
    ended._popen.wait()
    ended._popen = None
    seen.set()
    assert _result(manager)._host.name == "db1"


def test_what_has_answered_is_not_awaited(manager: Manager) -> None:
    watching = Workers()
    answered = manager.begin(watching, "db1", "import os; os._exit(1)")
    watching.answered(answered._host, answered._task)
    manager.begin(watching, "db2", "import os; os._exit(1)")
    assert _result(manager)._host.name == "db2"
    assert manager.sent.empty()


def _gone(_result: Any) -> None:
    raise OSError("handle is closed")


def test_a_queue_that_is_closed_is_no_fault(manager: Manager) -> None:
    """As after an interruption: the thread goes on in silence, and ends when it is told."""
    watching = Workers()
    manager._final_q.send_task_result = _gone
    ended = manager.begin(watching, "db1", "import os; os._exit(1)")
    ended._popen.wait()
    thread = watching._watching
    assert thread is not None
    while watching._awaited:
        thread.join(0.01)
    assert thread.is_alive()
    manager._final_q.send_task_result = manager.sent.put
    manager.begin(watching, "db2", "import os; os._exit(1)")
    assert _result(manager)._host.name == "db2"
    watching.end()
    thread.join(60)
    assert not thread.is_alive()


# The child would wait for ever; it says when it has asked to be ended.
_PLAYBOOK = """
import multiprocessing, os, signal, sys, time
from gonogo.controller.ansible.workers import end_with_the_playbook

def work(said):
    end_with_the_playbook()
    said.send(os.getpid())
    time.sleep(600)

here, there = multiprocessing.get_context("fork").Pipe()
multiprocessing.get_context("fork").Process(target=work, args=(there,)).start()
print(here.recv(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux has the request")
def test_a_worker_ends_with_its_playbook() -> None:
    package = Path(workers.__file__).parents[3]
    # What the child has inherited is closed when it has ended.
    done = subprocess.run(
        [sys.executable, "-c", _PLAYBOOK],
        env={**os.environ, "PYTHONPATH": str(package)},
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert int(done.stdout) > 1


def test_this_ansible_has_what_it_takes() -> None:
    """Without it nothing is done, and a run with a killed worker waits for ever."""
    assert workers._RESULT is not None
    code = TaskQueueManager.__init__.__code__
    assert {"_final_q", "_workers"} <= {*code.co_names}
    assert "start" in StrategyBase._queue_task.__code__.co_names
    assert {"_host", "_task"} <= {*WorkerProcess.__init__.__code__.co_names}
