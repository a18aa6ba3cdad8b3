"""The last word of every run on the terminal: the verdict, or that there is none; of several hosts a
table of them all.

By itself `ansible-playbook` returns 0 in many ways without having checked anything (no host
matched, a tag that does not exist, a task to start at that is not there). None of them may look
like a GO, so it then ends with an error. It needs no setting that enables it: with this project's
folder it is there. The verdict's own task says the verdict, too.

Nor may a run that is interrupted end without a word. SIGTERM and SIGHUP would end the process on
the spot; they are taken as what SIGINT is to Ansible, an end with all that belongs to it. A worker
that is ended in the middle of a message takes the lock of their common queue along, and Ansible
would wait for it for ever; so it is interrupted once more when it takes too long.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible import context
from ansible.plugins.callback import CallbackBase

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))

# phase_stage brings along what all stages import: their processes are forks of this one.
from gonogo.contract import fault
from gonogo.contract.errors import GonogoError, shown
from gonogo.contract.records.verdict import UP_TO_DATE
from gonogo.contract.redaction import redacted
from gonogo.controller import audit, evidence, explain, fleet, report
from gonogo.controller.ansible.fleet import Declared, approving, declared, hosts_of
from gonogo.controller.ansible.shapes import SHAPES
from gonogo.controller.ansible.waves import AT_WORK
from gonogo.controller.ansible.workers import Workers
from gonogo.controller.evidence import judgement
from gonogo.controller.invocation import loaded
from gonogo.controller.outcome import intents
from gonogo.controller.request.waves import Came

DOCUMENTATION = r"""
name: gonogo
type: aggregate
short_description: Print the verdict as the last word of a run
description:
  - Prints the verdict of every run that this process has judged, or that nothing was judged, also when the process is interrupted.
  - Says of every host that an interrupted playbook may have changed what nobody knows of it.
  - Where a playbook judges several hosts, writes one summary of them into C(fleets) beside their runs, and shows it as a table.
  - Where several hosts wait for an approval, writes the one plan of all of them there, and prints the command that approves it.
  - Leaves run id, decision, head and place of the evidence of each host for later jobs, as C(set_stats) does, in C(pg_gonogo).
  - A run without a verdict, or one whose failing verdict was ignored, ends with an error.
  - Ends a playbook before its first task where a plugin of this project's names lies elsewhere.
"""

# The stage that opens a run. A playbook with it is one whose purpose is a verdict, whatever its
# name; after the others silence means nothing.
_OPENS = "gonogo_target"
# What is played on the controller, for all hosts.
_BEFORE = "gonogo_input"
_MEASURES = "gonogo_shape"
_JUDGES = "gonogo_verdict"
_AUDITS = "gonogo_audit"
_EXPLAINS = "gonogo_explain"
_OURS = "gonogo_"
# The variable of a later job, as set_stats names it.
_STATS = "pg_gonogo"
# As ansible-playbook ends where hosts have failed, or could not be reached.
_FAILED, _UNREACHABLE = 2, 4
# With more hosts than these, the table alone says what each has come to.
_HOSTS_IN_WORDS = 5
_CAUSE_LIMIT = 300
_NO_VERDICT = "no verdict was reached"
# Within which an interrupted Ansible has always ended, if it does.
_PATIENCE_SECONDS = 10.0
_COLOURS = {"GO": C.COLOR_OK, UP_TO_DATE: C.COLOR_OK, "HOLD": C.COLOR_WARN, "NO-GO": C.COLOR_ERROR}


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "gonogo"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self) -> None:
        super().__init__()
        self._judging = False
        self._ended = False
        self._checking = bool(context.CLIARGS.get("check"))
        # Host → directory of its run; of those that are judged, and of all that were opened.
        self._evidence: dict[str, str] = {}
        self._opened: dict[str, str] = {}
        # Hosts where an earlier run has done all of it; theirs is the evidence.
        self._done: set[str] = set()
        # The same of runs that another process has opened, and this one was about to change.
        self._changing: dict[str, str] = {}
        # Hosts of the plays that judge, and whether a failing verdict was ignored.
        self._hosts: set[str] = set()
        self._ignored = False
        # Whether the summary of all hosts could not be written.
        self._unwritten = False
        # The id of the summary of all hosts, made before anything is done on the first.
        self._began = datetime.now(UTC)
        self._fleet_id = evidence.new_run_id(self._began)
        # Of the hosts that judge: the plays; host → why it has no verdict; why no host has one.
        self._plays: list[Any] = []
        self._causes: dict[str, str] = {}
        self._refused: str | None = None
        # Host → the directory of its audit; None where it was not audited.
        self._audits: dict[str, str | None] = {}
        self._audit_plays: list[Any] = []
        # What a playbook that explains a run says to programs.
        self._explained: str | None = None
        self._workers = Workers()
        # Actions whose plugins are loaded.
        self._loaded: set[str] = set()
        self._process = os.getpid()
        self._interrupted_by = "SIGINT"
        # What Ansible does at SIGINT.
        self._ends_workers: Any = None

    def v2_playbook_on_start(self, playbook: Any) -> None:
        for play in playbook.get_plays():
            tasks = list(_tasks(play))
            actions = {_name(task) for task in tasks}
            if any(action.startswith(_OURS) for action in actions):
                self._require_own(tasks)
            if _OPENS in actions:
                self._judging = True
                self._plays.append(play)
            if _AUDITS in actions:
                self._audit_plays.append(play)
        atexit.register(self._last_word)
        self._ends_workers = signal.getsignal(signal.SIGINT)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup means it: who ignores the signal goes on ignoring it.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._interrupt)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        if any(_name(task) == _OPENS for task in _tasks(play)):
            known = play.get_variable_manager().get_vars(play=play)
            self._hosts |= {str(host) for host in known.get("ansible_play_hosts_all", ())}
            # Ansible says so of each wave.
            batch = [str(host) for host in known.get("ansible_play_batch", ())]
            AT_WORK.begin(batch, None if self._checking else self._came_to)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        del is_conditional
        self._share(_name(task))
        # One that was included while the playbook went on.
        self._judging |= _name(task) == _OPENS

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._workers.began(host, task)

    def v2_runner_on_ok(self, result: Any) -> None:
        self._note(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._note(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._note_cause(result, "unreachable: ")
        self._note(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            self._note_cause(result)
        self._note(result, ignored=ignore_errors)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._ended = True
        if self._explained is not None:
            self._display.display("")
            self._display.display(self._explained)
        if not (self._judging or self._audit_plays):
            return
        judging, self._judging = self._judging, False
        try:
            if judging:
                self._last_words(stats)
            if self._audit_plays and not self._checking:
                self._say_audits(stats)
        except Exception as error:  # noqa: BLE001 - Ansible would warn, and end as if all were well
            self._display.error(fault.told(error, doing="the last word").render(), wrap_text=False)
            raise SystemExit(_FAILED) from None

    def _last_words(self, stats: Any) -> None:
        self._hosts |= {name for play in self._plays for name in hosts_of(play)}
        in_words = len(self._hosts) <= _HOSTS_IN_WORDS
        for directory in self._evidence.values() if in_words else ():
            self._say(Path(directory))
        unjudged = sorted(self._hosts - set(self._evidence))
        by_name = in_words and len(self._hosts) > 1 and not self._checking
        if not self._evidence and not by_name:
            why = "this was a dry run (--check)" if self._checking else _NO_VERDICT
            self._say_nothing(why)
        for host in unjudged if by_name else ():
            self._say_nothing(self._cause(host, _NO_VERDICT), host=host)
        self._say_fleet(_NO_VERDICT, plans=True)
        missing = (not self._evidence or unjudged) and not self._checking
        # Where a host has failed Ansible ends with an error by itself.
        if self._ignored or self._unwritten or (missing and not (stats.failures or stats.dark)):
            raise SystemExit(_UNREACHABLE if stats.dark else _FAILED)

    def _share(self, action: str) -> None:
        """Let workers have in common with this process what it has loaded by now.

        They are forks of it. Whatever the garbage collector of a worker looks at is written to, and
        with that its page is copied; so it is kept from looking at what was there before.
        """
        if action.startswith(_OURS) and action not in self._loaded:
            self._loaded.add(action)
            gc.collect()
            gc.freeze()

    def _require_own(self, tasks: Sequence[Any]) -> None:
        """Before the first task. A task of this project asks the same, but what stands in the
        place of one does not."""
        try:
            loaded.require_own()
            for task in tasks:
                loaded.require_own_role(task)
        except GonogoError as error:
            self._display.error(error.render(), wrap_text=False)
            raise SystemExit(_FAILED) from None

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
        if self._ended or os.getpid() != self._process:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._ended = True
        opened = {Path(path): host for host, path in self._opened.items()}
        changing = {Path(path): host for host, path in self._changing.items()}
        unknown = {path: intents.unknown(path) for path in (*opened, *changing)}
        judged = [path for path in opened if self._judging and _is_judged(path)]
        for directory in judged:
            self._say(directory)
        if self._judging and not judged and not any(unknown.values()):
            self._say_nothing(f"the run was interrupted ({self._interrupted_by})")
        for directory, host in {**opened, **changing}.items():
            if directory not in judged:
                self._say_unknown(host, unknown[directory])
        for directory in opened if self._judging else ():
            if directory not in judged:
                self._note_interruption(directory, unknown[directory])
        if self._judging:
            try:
                self._say_fleet(f"the run was interrupted ({self._interrupted_by})")
            except Exception as error:  # noqa: BLE001 - Python would show a traceback
                told = fault.told(error, doing="the summary of all hosts")
                self._display.error(told.render(), wrap_text=False)
        sys.stdout.flush()

    def _say_unknown(self, host: str, unknown: Sequence[str]) -> None:
        """What nobody knows of a host where the playbook was interrupted."""
        for what in unknown:
            self._display.display(
                f"\nHOLD  {host}  interrupted ({self._interrupted_by}): {what}.\n"
                "The next run, or this playbook again, finds out and says it.",
                color=C.COLOR_WARN,
            )

    def _note_interruption(self, directory: Path, unknown: Sequence[str]) -> None:
        with contextlib.suppress(GonogoError):
            message = f"the run was interrupted ({self._interrupted_by})"
            failed = {"message": message, "detail": "; ".join(unknown) or None, "hint": None}
            evidence.Run.open(directory).append("run", "stage_failed", failed)
        self._display.display(
            f"Evidence, without a verdict: {_shorter(directory)}\n"
            "The next run ends what this one has left at work on the target host.",
            color=C.COLOR_WARN,
        )

    def _note_cause(self, result: Any, what: str = "") -> None:
        """Why a host will have no verdict, as far as its first failure says it."""
        action, name, outcome = _parts(result)
        cause = _first_line(outcome.get("msg"), what)
        if action == _MEASURES:
            # The host is judged all the same.
            return
        if action == _BEFORE:
            self._refused = cause
        else:
            self._causes.setdefault(name, cause)

    def _note(self, result: Any, *, ignored: bool = False) -> None:
        self._workers.answered(*_host_and_task(result))
        action, name, outcome = _parts(result)
        if action == _BEFORE:
            # It has looked at every host, and the host will refuse the same by itself.
            for host, said in dict(outcome.get("faulty") or {}).items():
                self._causes.setdefault(str(host), _first_line(said))
        if not action.startswith(_OURS) or action == _BEFORE:
            return
        if action == _MEASURES:
            SHAPES.note(name, outcome)
            return
        if action == _AUDITS:
            self._audits[name] = str(outcome.get("audit") or "") or None
            return
        if action == _EXPLAINS:
            said = outcome.get("explanation")
            self._explained = explain.last_line(said, error=outcome.get("msg"))
            return
        self._hosts.add(name)
        directory = str(outcome.get("evidence") or "")
        if action == _OPENS and outcome.get("done") is True:
            self._done.add(name)
            self._evidence[name] = directory
            self._leave(name, Path(directory), None)
            return
        if directory and (directory == self._opened.get(name) or _is_own(Path(directory))):
            self._opened[name] = directory
            SHAPES.opened[name] = Path(directory)
            if outcome.get("decision"):
                self._evidence[name] = directory
                self._leave(name, Path(directory), str(outcome.get("stored") or "") or None)
        elif directory:
            self._changing[name] = directory
        self._ignored |= bool(ignored) and action == _JUDGES

    def _leave(self, name: str, directory: Path, stored: str | None) -> None:
        """What the jobs that come after this one are told, from the evidence. They are told no
        token; and no variable of this project has this name, so nothing of it decides anything
        there."""
        verdict = judgement.decided(directory)
        told = {
            "run_id": verdict.run_id,
            "decision": verdict.decision,
            "evidence_head": verdict.evidence_head,
            "evidence": str(directory),
            "stored": stored,
        }
        self._workers.leave(_STATS, name, told)

    def _say_nothing(self, why: str, *, host: str | None = None) -> None:
        self._display.display("")
        self._display.display(report.nothing_judged(why, host=host), color=C.COLOR_WARN)

    def _say_fleet(self, otherwise: str, *, plans: bool = False) -> None:
        """One summary of all hosts, where there are several. `otherwise` is why a host that has
        said nothing was not judged; `plans` is whether those that wait for an approval are shown as
        one plan, which is that of all hosts where nobody has interrupted it."""
        if len(self._hosts) < 2 or self._checking:
            return
        known = {name: self._declared(name) for name in sorted(self._hosts)}
        places = {name: self._place(name, said) for name, said in known.items()}
        # A host that says nothing of its own belongs to the others.
        usual = next(filter(None, places.values()), None)
        kept: dict[tuple[Path, str], list[fleet.Member]] = {}
        for name, said in known.items():
            place = places[name] or usual
            if place:
                member = fleet.Member(
                    host=name,
                    run=self._judged_run(name),
                    cause=self._cause(name, otherwise),
                    database=said.database,
                    environment=place[1],
                    waivers=said.waivers,
                    groups=said.groups,
                    done=name in self._done,
                )
                kept.setdefault(place, []).append(member)
        for (runs_dir, environment), members in kept.items():
            self._show_fleet(
                members, fleet.Place(runs_dir, environment, self._fleet_id), plans=plans
            )

    def _show_fleet(
        self, members: Sequence[fleet.Member], place: fleet.Place, *, plans: bool
    ) -> None:
        now = datetime.now(UTC)
        record = fleet.collected(members, place, started_at=self._began, now=now)
        plan = fleet.planned(members, place, now=now) if plans else None
        try:
            fleet.write(record, place.path)
            if plan:
                fleet.write_plan(plan, record, place.path)
        except GonogoError as error:
            self._unwritten = True
            self._display.error(error.render(), wrap_text=False)
            return
        colour = _COLOURS.get(record.verdict, C.COLOR_ERROR)
        self._display.display("")
        for line in fleet.table(record, summary=_shorter(place.path / "fleet.md")):
            self._display.display(line, color=colour)
        if plan:
            lines = fleet.plan_lines(plan, record, page=_shorter(place.path / fleet.PAGE))
            for line in [*lines, *approving(self._plays[0], plan)]:
                self._display.display(line)
        file = _shorter(place.path / fleet.FILE)
        self._display.display(fleet.last_line(record, file=file), color=colour)

    def _cause(self, name: str, otherwise: str) -> str:
        """Why a host has no verdict."""
        return self._causes.get(name) or self._refused or AT_WORK.never_begun(name) or otherwise

    def _came_to(self, name: str) -> Came:
        """What a host of a wave has come to, by its evidence."""
        run = self._judged_run(name)
        verdict = judgement.decided(run).decision if run else "not judged"
        return Came(name, verdict, self._declared(name).limits)

    def _judged_run(self, name: str) -> Path | None:
        """The directory of a host's run; one whose end was not told may have been judged too."""
        opened = self._opened.get(name)
        known = self._evidence.get(name) or (
            opened if opened and _is_judged(Path(opened)) else None
        )
        return Path(known) if known else None

    def _say_audits(self, stats: Any) -> None:
        """The last line of a playbook that audits. Without an audit of each host it is no success,
        whatever Ansible counts."""
        hosts = {name for play in self._audit_plays for name in hosts_of(play)} | {*self._audits}
        records = [audit.record(Path(path)) for path in self._audits.values() if path]
        found = [record for record in records if record is not None]
        missing = len(hosts) - len(found)
        self._display.display("")
        self._display.display(audit.last_line(found, not_audited=missing))
        if (missing or not hosts) and not (stats.failures or stats.dark):
            raise SystemExit(_FAILED)

    def _declared(self, name: str) -> Declared:
        return declared(self._plays[0], name) if self._plays else Declared()

    def _place(self, name: str, said: Declared) -> tuple[Path, str] | None:
        """The folder of the runs of a host, and its environment."""
        directory = self._evidence.get(name) or self._opened.get(name)
        if directory:
            return Path(directory).parents[1], Path(directory).parent.name
        if said.runs_dir and said.environment:
            return said.runs_dir, said.environment
        return None

    def _say(self, directory: Path) -> None:
        """What the evidence gives, not what a variable said or somebody has put there.

        The head of the evidence is told too: kept elsewhere, as with this output, it shows
        whether somebody has written the whole directory anew.
        """
        verdict = judgement.decided(directory)
        colour = _COLOURS.get(verdict.decision, C.COLOR_ERROR)
        self._display.display("")
        for line in report.summary_lines(verdict, report=_shorter(directory / "report.md")):
            self._display.display(line, color=colour)
        self._display.display(f"Evidence: {verdict.evidence_head}", color=colour)


def _tasks(play: Any) -> Iterator[Any]:
    """The tasks of a play, but for what is included while it goes on."""
    waiting = list(play.compile())
    while waiting:
        entry = waiting.pop()
        if hasattr(entry, "block"):
            waiting += [*entry.block, *entry.rescue, *entry.always]
        else:
            yield entry


def _parts(result: Any) -> tuple[str, str, Any]:
    """The action of a task, the name of its host, and what it has said."""
    host, task = _host_and_task(result)
    outcome = result.result if hasattr(result, "result") else result._result  # noqa: SLF001 - before 2.20
    return _name(task), host.get_name(), outcome


def _host_and_task(result: Any) -> tuple[Any, Any]:
    host = result.host if hasattr(result, "host") else result._host  # noqa: SLF001 - before 2.20
    task = result.task if hasattr(result, "task") else result._task  # noqa: SLF001 - as above
    return host, task


def _first_line(text: object, what: str = "") -> str:
    """Of a message, for a table."""
    said = redacted(str(text or "")).strip().splitlines()
    return shown(f"{what}{said[0] if said else 'a task has failed'}", limit=_CAUSE_LIMIT)


def _name(task: Any) -> str:
    """Of its module, without the collection it is said to be of."""
    return str(task.action).rpartition(".")[2]


def _is_own(directory: Path) -> bool:
    """Whether it is the evidence of a run that this very process has opened."""
    run = evidence.load(directory).run
    return run is not None and run.controller == evidence.controller_identity(os.getpid())


def _is_judged(directory: Path) -> bool:
    return (directory / "verdict.json").is_file()


def _shorter(path: Path) -> str:
    """The path as a person in the current directory would write it, or whole."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)
