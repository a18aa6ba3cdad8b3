"""The controller's part of what only happens after approval: cleanup, undo, restore.

Asked without an approval it shows the plan: what would be done, found out without doing it. Asked
with the approval of that very plan it does it. Plan and approval are in the evidence of the run
that it is about, before anything is done.
"""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from ...contract.errors import GonogoError
from ...contract.listing import listed
from ...contract.login import timeouts_of
from ...contract.options.cleanup import CleanupRequest
from ...contract.options.restore import RestoreRequest
from ...contract.options.shared import Approval, ApprovedTask
from ...contract.options.undo import UndoRequest
from ...contract.records.answers import Occupied
from ...contract.records.approval import ApprovalPlan
from ...contract.records.reading import plain
from ...contract.records.restore import RestoreIntent
from ...contract.records.run import Declared, RunRecord
from .. import evidence, request
from ..invocation import project, request_form
from ..outcome import unheard
from ..reading import ranges
from ..request import approval, signing
from . import concurrent_runs, recovery
from .base import Stage
from .reported import Reported

__all__ = ["ApprovedStage"]

_SHOWN = 20


class Change(Protocol):
    """What would be done, or was: `content` is the digest of all that it is about."""

    @property
    def content(self) -> str: ...
    @property
    def holds(self) -> approval.Holds: ...
    @property
    def committed(self) -> bool: ...


_Task = TypeVar("_Task", bound=ApprovedTask)
_Change = TypeVar("_Change", bound=Change)
_Request = CleanupRequest | RestoreRequest | UndoRequest


class ApprovedStage(Stage[_Task], Generic[_Task, _Change]):
    """Base of the action plugins. `stage` is also the name of its playbook, of its variables'
    prefix and of its records, `STAGE_plan.json` and `STAGE.json`.
    """

    runbook_changed = (
        "Put its files back as they were: run.json has the SHA-256 of each (digests.runbook), and "
        "sql/ what ran."
    )
    # What its answers to mistakes say of the database.
    unchanged = "nothing was changed"
    # What has changed when an approved plan is not what would be done any more.
    moved = ""
    # What the command does that approves the plan.
    purpose = ""
    # What of a change is kept on record.
    kept: Sequence[str] = ()
    # The record of what the entry answers.
    answer: ClassVar[type[Any]]

    def act(self, task: _Task) -> Reported:
        known, prefixes = project.variables()
        extra = self.site.extra
        request_form.refuse_secrets({name: extra[name] for name in extra if name in known})
        request.check_variables(extra, known=known, prefixes=prefixes)
        ranges.check(f"{self.stage}_plan_hours", task.plan_hours)
        request.check_timeouts({k: v for k, v in task.timeouts.items() if v is not None})
        self.rules = self.signing()
        found = self._find_out_restores(task)
        try:
            reported = self._act(task)
        except Exception:
            # Whatever it is, it ends the task as it is, whose result would have had these lines:
            # they are on record, and nobody finds them out again.
            self._tell(found)
            raise
        return replace(reported, lines=[*found, *reported.lines])

    def _act(self, task: _Task) -> Reported:
        run = self.choose(task)
        if run is None:
            return Reported(lines=[self.nobody()], told={"committed": False})
        # For other processes to see: whoever does this works on that run.
        evidence.point_to(
            self.runs_dir, identity=self.identity, inventory_host=self.host, run=run.path
        )
        before = evidence.load(run.path).head
        try:
            reported = self._decide(run, task)
        except Exception:
            # What was approved is on record, whatever became of it.
            self._tell(self._new_head(run, before))
            raise
        else:
            return replace(reported, lines=[*reported.lines, *self._new_head(run, before)])
        finally:
            evidence.close_pointer(self.runs_dir, identity=self.identity, inventory_host=self.host)

    # --- what subclasses say -----------------------------------------------------------------

    @abstractmethod
    def choose(self, task: _Task) -> evidence.Run | None:
        """The run it is about, None if there is none. Raises GonogoError."""

    @abstractmethod
    def request_of(self, run: evidence.Run, task: _Task) -> _Request:
        """What the entry is asked in order to look."""

    @abstractmethod
    def plan_lines(self, run: evidence.Run, planned: _Change) -> list[str]:
        """The plan, for the terminal."""

    @abstractmethod
    def done_lines(self, run: evidence.Run, done: _Change) -> list[str]:
        """What was done, for the terminal."""

    def nobody(self) -> str:
        """What is said when there is no run it could be about."""
        raise NotImplementedError

    def nothing(self, run: evidence.Run, planned: _Change) -> list[str] | None:
        """What is said when there is nothing to do, None when there is."""
        del run, planned
        return None

    def after_failure(self, run: evidence.Run, task: _Task) -> list[str]:
        """What has become of an approved change that has failed, where that can be told at once."""
        del run, task
        return []

    def change_of(self, answer: Any) -> _Change | None:
        """The change that an answer tells, None where somebody else was at work."""
        change: _Change | None = answer.done
        return change

    def told(self, change: _Change) -> Mapping[str, object]:
        """What the task reports of a change."""
        told: Mapping[str, object] = plain(change)
        return told

    def intent_of(self, planned: _Change) -> RestoreIntent | None:
        """What tells afterwards whether it was done, where a plan says it."""
        del planned
        return None

    # --- what they use -----------------------------------------------------------------------

    @property
    def plan_file(self) -> str:
        return f"{self.stage}_plan.json"

    @property
    def done_file(self) -> str:
        return f"{self.stage}.json"

    def named(
        self, task: ApprovedTask, file: str | Sequence[str], what: str
    ) -> evidence.Run | None:
        """The run that is named, None if none is.

        It must have `file`, or one of several, which is called `what`.
        """
        run_id, environment = task.run_id, task.environment
        if not run_id:
            return None
        key = f"{self.stage}_run_id"
        request.check_run_id(key, run_id)
        path = self.runs_dir / environment / run_id
        names = [file] if isinstance(file, str) else file
        if not any((path / name).is_file() for name in names):
            raise request.unknown_run(key, run_id, environment, what, path.parent)
        return evidence.Run.open(path)

    def refuse_damage(self, run: evidence.Run, *names: str) -> None:
        """Refuse evidence whose files of these names are not as the run has left them."""
        problems = evidence.load(run.path).problems_with(*names)
        if problems:
            raise GonogoError(
                f"the evidence of this run is damaged; {self.unchanged}",
                detail="\n".join(problems[:5]),
                hint="Put the files back as they were, from a copy of the runs directory: what may "
                "have been altered is not followed.",
            )

    def proven(self, run: evidence.Run) -> Declared:
        """What the database has to be: the one that the run has proven."""
        return run.read(RunRecord).proven

    def write(self, run: evidence.Run, name: str, record: object) -> None:
        if not self.checking:
            run.write_json(name, record, stage=self.stage)

    # --- the way of all of them --------------------------------------------------------------

    def record_of(self, change: _Change) -> dict[str, object]:
        """What of it is kept on record."""
        told = self.told(change)
        return {key: told[key] for key in self.kept}

    def _find_out_restores(self, task: _Task) -> list[str]:
        """What has become of restores that were interrupted: this may be another database now."""
        return recovery.find_out_restores(
            self,
            task.environment,
            recovery.Asking(task.login, timeouts_of(task.timeouts)),
            required=task.run_id if self.stage == "restore" else None,
        )

    def _tell(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.site.show(line)

    def _new_head(self, run: evidence.Run, before: str) -> list[str]:
        """The head of the evidence, where something was added to it: to be kept elsewhere."""
        head = evidence.load(run.path).head
        return [f"Evidence: {head}"] if head != before else []

    def _decide(self, run: evidence.Run, task: _Task) -> Reported:
        planned = self._ask(run, task, approved_content=None)
        nothing = self.nothing(run, planned)
        if nothing is not None:
            return self._reported(run, planned, None, nothing)
        came_of = self._nothing_came_of(run)
        plan, new = approval.open_plan(
            run,
            self.plan_file,
            planned.content,
            hours=self.rules.hours(task.plan_hours),
            holds=planned.holds,
            used=self._used(run),
        )
        if new:
            self.write(run, self.plan_file, plan)
        if task.approval is None:
            sign = signing.lines(signing.OfRun(run, self.stage, plan), self.rules)
            lines = [*came_of, *self.plan_lines(run, planned), *sign]
            return self._reported(run, planned, plan, lines)
        given = approval.of_a_person(task.approval)
        refusal = approval.refusal(given, run.run_id, plan, prefix=self.stage)
        if refusal:
            return self._refused(run, planned, plan, given, refusal)
        return self._approved(run, task, planned, plan, given)

    def _reported(
        self,
        run: evidence.Run,
        change: _Change,
        plan: ApprovalPlan | None,
        lines: Sequence[str],
    ) -> Reported:
        """A change, of which nobody else at work was in the way."""
        told = {
            **self.told(change),
            **self._about(run, plan),
            "held": None,
            "others": [],
        }
        return Reported(changed=change.committed, lines=lines, told=told)

    @staticmethod
    def _about(run: evidence.Run, plan: ApprovalPlan | None) -> dict[str, object]:
        about: dict[str, object] = {"run_id": run.run_id, "evidence": str(run.path)}
        return {**about, "token": plan.token} if plan else about

    def _refused(
        self,
        run: evidence.Run,
        planned: _Change,
        plan: ApprovalPlan,
        given: Approval,
        refusal: str,
    ) -> Reported:
        """Without a change: no answer, or one that is none of this plan."""
        said = [f"{refusal}: {self.unchanged}."]
        then = approval.earlier(given, plan)
        if then:
            said += self._later_lines(then.holds, plan.holds)
        said += self._next_lines(run.run_id, plan.token)
        if not approval.is_mistaken(given):
            return replace(self._reported(run, planned, plan, said), msg=said[0])
        # Ansible prints all of a failed result: no more than what was wrong.
        told = {**self._about(run, plan), "committed": False}
        return Reported(failed=True, msg=said[0], lines=said, told=told)

    def _approved(
        self,
        run: evidence.Run,
        task: _Task,
        planned: _Change,
        plan: ApprovalPlan,
        given: Approval,
    ) -> Reported:
        """Carried out. Raises GonogoError where it was not."""
        accepted = approval.accepted(
            given,
            signing.OfRun(run, self.stage, plan),
            self.rules,
            unchanged=self.unchanged,
            hint="\n".join(self._next_lines(run.run_id, plan.token)),
        )
        by, at, signed = accepted.by, accepted.at, accepted.signed
        # First on record: should the answer of what follows be lost, this says who wanted it.
        intent = self.intent_of(planned)
        approved = replace(
            plan, approved_by=by, approved_at=at, signed=signed, intent=intent or plan.intent
        )
        self.write(run, self.plan_file, approved)
        try:
            done = self._ask(run, task, approved_content=planned.content)
        except Exception:
            # The error that has led here is the one to be told.
            with contextlib.suppress(Exception):
                self._tell(self.after_failure(run, task))
            raise
        if not done.committed:
            if not self.checking:
                unheard.keep_nothing(run, self.stage, by=run.run_id)
            raise GonogoError(
                f"{self.moved} since the plan was shown; {self.unchanged}",
                detail=listed(approval.came_later(plan.holds, done.holds), joint="\n"),
                hint="Look at the new plan: run the playbook again without an approval.",
            )
        record = {
            **self.record_of(done),
            "token": plan.token,
            "run_id": run.run_id,
            "approved_by": by,
            "approved_at": at,
            **({"signed": signed} if signed else {}),
        }
        self.write(run, self.done_file, record)
        lines = [*signing.told(signed), *self.done_lines(run, done)]
        return replace(self._reported(run, done, plan, lines), changed=True)

    def _nothing_came_of(self, run: evidence.Run) -> list[str]:
        """What is said of an approval whose change was interrupted: there is something to do."""
        if not unheard.is_open(run.path, self.stage):
            return []
        plan = approval.plan_of(run, self.plan_file)
        if not self.checking:
            unheard.keep_nothing(run, self.stage, by=run.run_id)
        return [
            f"What {plan.approved_by} approved at {plan.approved_at} was not carried out: "
            f"{self.unchanged}."
        ]

    def _used(self, run: evidence.Run) -> str | None:
        """The token that something was done with."""
        if not (run.path / self.done_file).is_file():
            return None
        token: str | None = run.read_json(self.done_file).get("token")
        return token

    def _later_lines(self, then: approval.Holds, now: approval.Holds) -> list[str]:
        """What an approval of an earlier plan does not cover."""
        later = approval.came_later(then, now)
        if not later:
            return ["That plan has expired, or its token was used."]
        lines = [f"  {line}" for line in later[:_SHOWN]]
        if len(later) > _SHOWN:
            lines.append(f"  and {len(later) - _SHOWN} more")
        return [f"{self.moved[0].upper()}{self.moved[1:]} since that plan was shown:", *lines]

    def _ask(self, run: evidence.Run, task: _Task, *, approved_content: str | None) -> _Change:
        request = replace(self.request_of(run, task), approved_content=approved_content)

        def call(fence: Sequence[str]) -> Occupied:
            answer: Occupied = self.call_with_database(
                self.stage, replace(request, fence=fence), self.answer
            )
            return answer

        answer = concurrent_runs.fence_dead_runs(
            call,
            call([]),
            runs_dir=self.runs_dir,
            identity=self.identity,
            end=concurrent_runs.by_hand,
        )
        change = self.change_of(answer)
        assert change is not None  # nobody else is at work
        return change

    def _next_lines(self, run_id: str, token: str) -> list[str]:
        """The command that approves the plan, ready to be pasted but for the name."""
        command = self.caller.again(
            f"{self.stage}_run_id={run_id}",
            f"{self.stage}_token={token}",
            self.rules.variable or f"{self.stage}_approved_by=NAME",
        )
        return [f"{self.purpose}:", f"  {command}"]
