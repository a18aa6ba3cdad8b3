"""The last word of every run on the terminal: the verdict, or that there is none.

`ansible-playbook` returns 0 in many ways without having checked anything (no host matched, a tag
that does not exist, a task to start at that is not there). None of them may look like a GO.

Nor may a run that is interrupted end without a word. SIGTERM and SIGHUP would end the process on
the spot; they are taken as what SIGINT is to Ansible, an end with all that belongs to it. A worker
that is ended in the middle of a message takes the lock of their common queue along, and Ansible
would wait for it for ever; so it is interrupted once more when it takes too long.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible import context
from ansible.plugins.callback import CallbackBase

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

# phase_stage brings along what all stages import: their processes are forks of this one.
from gonogo.controller import evidence, judgement, phase_stage, report  # noqa: F401 - see above
from gonogo.errors import GonogoError, visible

DOCUMENTATION = r"""
name: gonogo
type: aggregate
short_description: Print the verdict as the last word of a run
description:
  - Prints the verdict of every run that this process has judged, or that nothing was judged, also when the process is interrupted.
  - Prints the lines other tasks of this project want to be read.
"""

# Playbooks whose purpose is a verdict; after the others silence means nothing.
_JUDGING = {"validate.yml", "validate_staging.yml", "rollout_production.yml"}
# Within which an interrupted Ansible has always ended, if it does.
_PATIENCE_SECONDS = 10.0
_COLOURS = {"GO": C.COLOR_OK, "HOLD": C.COLOR_WARN, "NO-GO": C.COLOR_ERROR}


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "gonogo"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._judging = False
        self._checking = bool(context.CLIARGS.get("check"))
        # Host → directory of its run; of those that are judged, and of all that were opened.
        self._evidence: dict[str, str] = {}
        self._opened: dict[str, str] = {}
        self._process = os.getpid()
        self._interrupted_by = "SIGINT"
        # What Ansible does at SIGINT.
        self._ends_workers: Any = None

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._judging = Path(playbook._file_name).name in _JUDGING  # noqa: SLF001 - no other way
        if self._judging:
            atexit.register(self._last_word)
        self._ends_workers = signal.getsignal(signal.SIGINT)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup means it: who ignores the signal goes on ignoring it.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._interrupt)

    def v2_runner_on_ok(self, result: Any) -> None:
        self._note(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        del ignore_errors
        self._note(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        del stats
        if not self._judging:
            return
        self._judging = False
        for directory in self._evidence.values():
            self._say(Path(directory))
        if not self._evidence:
            why = "this was a dry run (--check)" if self._checking else "no verdict was reached"
            self._say_nothing(why)

    def _interrupt(self, number: int, frame: FrameType | None) -> NoReturn:
        """End as after Ctrl-C: Ansible ends its workers, and their connections, first."""
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != self._process:
            # A worker that has taken the handler over with everything else.
            os.kill(os.getpid(), number)
        self._interrupted_by = signal.Signals(number).name
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE_SECONDS, _PATIENCE_SECONDS)
        if callable(self._ends_workers):
            self._ends_workers(signal.SIGINT, frame)
        raise KeyboardInterrupt

    def _last_word(self) -> None:
        """What is said of a run that never came to its statistics."""
        if not self._judging or os.getpid() != self._process:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._judging = False
        judged = [path for path in map(Path, self._opened.values()) if _is_judged(path)]
        for directory in judged:
            self._say(directory)
        if not judged:
            self._say_nothing(f"the run was interrupted ({self._interrupted_by})")
        for directory in map(Path, self._opened.values()):
            if directory not in judged:
                self._note_interruption(directory)
                self._display.display(
                    f"Evidence, without a verdict: {_shorter(directory)}\n"
                    "The next run ends what this one has left at work on the target host.",
                    color=C.COLOR_WARN,
                )
        sys.stdout.flush()

    def _note_interruption(self, directory: Path) -> None:
        with contextlib.suppress(GonogoError):
            run = evidence.Run.open(directory)
            message = f"the run was interrupted ({self._interrupted_by})"
            run.append("run", "stage_failed", {"message": message, "detail": None, "hint": None})

    def _note(self, result: Any) -> None:
        task = result.task if hasattr(result, "task") else result._task  # noqa: SLF001 - before 2.20
        outcome = result.result if hasattr(result, "result") else result._result  # noqa: SLF001 - as above
        host = result.host if hasattr(result, "host") else result._host  # noqa: SLF001 - as above
        if not str(task.action).startswith("gonogo_"):
            return
        for line in outcome.get("lines") or []:
            self._display.display(f"    {visible(line)}")
        if outcome.get("evidence"):
            self._opened[host.get_name()] = str(outcome["evidence"])
            if outcome.get("decision"):
                self._evidence[host.get_name()] = str(outcome["evidence"])

    def _say_nothing(self, why: str) -> None:
        self._display.display("")
        self._display.display(f"HOLD  nothing was judged: {why}", color=C.COLOR_WARN)

    def _say(self, directory: Path) -> None:
        """What the evidence gives, not what a variable said or somebody has put there.

        The head of the evidence is told too: kept elsewhere, as with this output, it shows
        whether somebody has written the whole directory anew.
        """
        verdict = judgement.decided(directory)
        colour = _COLOURS.get(verdict["decision"], C.COLOR_ERROR)
        self._display.display("")
        for line in report.summary_lines(verdict, report=_shorter(directory / "report.md")):
            self._display.display(line, color=colour)
        self._display.display(f"Evidence: {verdict['evidence_head']}", color=colour)


def _is_judged(directory: Path) -> bool:
    return (directory / "verdict.json").is_file()


def _shorter(path: Path) -> str:
    """The path as a person in the current directory would write it, or whole."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)
