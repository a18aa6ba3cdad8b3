"""The controller's half of what only happens after approval: cleanup, undo, restore.

Asked without an approval it shows the plan: what would be done, found out without doing it. Asked
with the approval of that very plan it does it. Plan and approval are in the evidence of the run
that it is about, before anything is done.
"""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ...contract.errors import GonogoError
from ...contract.records.reading import plain
from ...contract.records.run import Declared, RunRecord
from .. import evidence, request
from ..invocation import person, project, request_form
from ..outcome import unheard
from ..reading import ranges
from ..request import approval
from . import concurrent_runs, recovery
from .base import Stage

__all__ = ["ApprovedStage"]

_SHOWN = 20


class ApprovedStage(Stage):
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
    # What of a module's answer is kept on record.
    kept: Sequence[str] = ()

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        known, prefixes = project.variables()
        extra = self.site.extra
        request_form.refuse_secrets({name: extra[name] for name in extra if name in known})
        request.check_variables(extra, known=known, prefixes=prefixes)
        ranges.check(f"{self.stage}_plan_hours", arguments["plan_hours"])
        request.check_timeouts({k: v for k, v in arguments["timeouts"].items() if v is not None})
        found = self._find_out_restores(arguments)
        try:
            result = self._act(arguments)
        except Exception:
            self._tell(found)
            raise
        return {**result, "lines": [*found, *result["lines"]]}

    def _act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        run = self.choose(arguments)
        if run is None:
            return {"committed": False, "lines": [self.nobody()]}
        # For other processes to see: whoever does this works on that run.
        evidence.point_to(
            self.runs_dir, identity=self.identity, inventory_host=self.host, run=run.path
        )
        before = evidence.load(run.path).head
        try:
            result = self._decide(run, arguments)
        except Exception:
            # What was approved is on record, whatever became of it.
            self._tell(self._new_head(run, before))
            raise
        else:
            return {**result, "lines": [*result["lines"], *self._new_head(run, before)]}
        finally:
            evidence.close_pointer(self.runs_dir, identity=self.identity, inventory_host=self.host)

    # --- what subclasses say -----------------------------------------------------------------

    @abstractmethod
    def choose(self, arguments: Mapping[str, Any]) -> evidence.Run | None:
        """The run it is about, None if there is none. Raises GonogoError."""

    @abstractmethod
    def request_of(self, run: evidence.Run, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """What the entry is asked, but for what `_ask` knows."""

    @abstractmethod
    def plan_lines(self, run: evidence.Run, planned: Mapping[str, Any]) -> list[str]:
        """The plan, for the terminal."""

    @abstractmethod
    def done_lines(self, run: evidence.Run, done: Mapping[str, Any]) -> list[str]:
        """What was done, for the terminal."""

    def nobody(self) -> str:
        """What is said when there is no run it could be about."""
        raise NotImplementedError

    def nothing(self, run: evidence.Run, planned: Mapping[str, Any]) -> list[str] | None:
        """What is said when there is nothing to do, None when there is."""
        del run, planned
        return None

    def after_failure(self, run: evidence.Run, arguments: Mapping[str, Any]) -> list[str]:
        """What has become of an approved change that has failed, where that can be told at once."""
        del run, arguments
        return []

    # --- what they use -----------------------------------------------------------------------

    @property
    def plan_file(self) -> str:
        return f"{self.stage}_plan.json"

    @property
    def done_file(self) -> str:
        return f"{self.stage}.json"

    def named(
        self, arguments: Mapping[str, Any], file: str | Sequence[str], what: str
    ) -> evidence.Run | None:
        """The run that is named, None if none is.

        It must have `file`, or one of several, which is called `what`.
        """
        run_id, environment = arguments["run_id"], arguments["environment"]
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

    def declared(self, run: evidence.Run) -> Declared:
        """What the database has to be: the one that the run has proven."""
        return run.read(RunRecord).proven

    def write(self, run: evidence.Run, name: str, record: Mapping[str, Any]) -> None:
        if not self.checking:
            run.write_json(name, record, stage=self.stage)

    # --- the way of all of them --------------------------------------------------------------

    def _find_out_restores(self, arguments: Mapping[str, Any]) -> list[str]:
        """What has become of restores that were interrupted: this may be another database now."""
        return recovery.find_out_restores(
            self,
            arguments["environment"],
            by=None,
            login=arguments["login"],
            timeouts=arguments["timeouts"],
            required=arguments["run_id"] if self.stage == "restore" else None,
        )

    def _tell(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.site.show(line)

    def _new_head(self, run: evidence.Run, before: str) -> list[str]:
        """The head of the evidence, where something was added to it: to be kept elsewhere."""
        head = evidence.load(run.path).head
        return [f"Evidence: {head}"] if head != before else []

    def _decide(self, run: evidence.Run, arguments: dict[str, Any]) -> dict[str, Any]:
        planned = self._ask(run, arguments, approved_content=None)
        report = {**planned, "run_id": run.run_id, "evidence": str(run.path)}
        nothing = self.nothing(run, planned)
        if nothing is not None:
            return {**report, "lines": nothing}
        came_of = self._nothing_came_of(run)
        plan, new = approval.open_plan(
            run,
            self.plan_file,
            planned["content"],
            hours=arguments["plan_hours"],
            holds=planned["holds"],
            used=self._on_record(run, self.done_file).get("token"),
        )
        if new:
            self.write(run, self.plan_file, plan)
        report["token"] = plan["token"]
        given = arguments["approval"]
        if given is None:
            return {**report, "lines": [*came_of, *self.plan_lines(run, planned)]}
        if given["typed"] and not given["approved_by"]:
            given["approved_by"] = person.account()
        refusal = approval.refusal(given, run.run_id, plan, prefix=self.stage)
        if refusal:
            said = [f"{refusal}: {self.unchanged}."]
            then = approval.earlier(given, plan)
            if then:
                said += self._later_lines(then, plan)
            said += self._next_lines(report)
            if not approval.is_mistaken(given):
                return {**report, "lines": said, "msg": said[0]}
            # Ansible prints all of a failed result: no more than what was wrong.
            kept = {key: report[key] for key in ("run_id", "evidence", "token")}
            return {**kept, "committed": False, "lines": said, "failed": True, "msg": said[0]}
        # First on record: should the answer of what follows be lost, this says who wanted it.
        approved = {
            "approved_by": person.name_of(given["approved_by"]),
            "approved_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        intent = {"intent": planned["intent"]} if "intent" in planned else {}
        self.write(run, self.plan_file, {**plan, **approved, **intent})
        try:
            done = self._ask(run, arguments, approved_content=planned["content"])
        except Exception:
            # The error that has led here is the one to be told.
            with contextlib.suppress(Exception):
                self._tell(self.after_failure(run, arguments))
            raise
        if not done["committed"]:
            if not self.checking:
                unheard.keep_nothing(run, self.stage, by=run.run_id)
            raise GonogoError(
                f"{self.moved} since the plan was shown; {self.unchanged}",
                detail="\n".join(
                    approval.came_later(plan["holds"], done.get("holds") or {})[:_SHOWN]
                ),
                hint="Look at the new plan: run the playbook again without an approval.",
            )
        record = {**{key: done[key] for key in self.kept}, "token": plan["token"]}
        self.write(run, self.done_file, {**record, "run_id": run.run_id, **approved})
        return {**report, **done, "changed": True, "lines": self.done_lines(run, done)}

    def _nothing_came_of(self, run: evidence.Run) -> list[str]:
        """What is said of an approval whose change was interrupted: there is something to do."""
        if not unheard.is_open(run.path, self.stage):
            return []
        plan = run.read_json(self.plan_file)
        if not self.checking:
            unheard.keep_nothing(run, self.stage, by=run.run_id)
        return [
            f"What {plan['approved_by']} approved at {plan['approved_at']} was not carried out: "
            f"{self.unchanged}."
        ]

    @staticmethod
    def _on_record(run: evidence.Run, name: str) -> dict[str, Any]:
        return dict(run.read_json(name)) if (run.path / name).is_file() else {}

    def _later_lines(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
        """What an approval of an earlier plan does not cover."""
        later = approval.came_later(then.get("holds") or {}, now["holds"])
        if not later:
            return ["That plan has expired, or its token was used."]
        lines = [f"  {line}" for line in later[:_SHOWN]]
        if len(later) > _SHOWN:
            lines.append(f"  and {len(later) - _SHOWN} more")
        return [f"{self.moved[0].upper()}{self.moved[1:]} since that plan was shown:", *lines]

    def _ask(
        self, run: evidence.Run, arguments: Mapping[str, Any], *, approved_content: str | None
    ) -> dict[str, Any]:
        asked = {
            **self.request_of(run, arguments),
            "run_id": run.run_id,
            "declared": plain(self.declared(run)),
            "approved_content": approved_content,
        }

        def call(fence: list[str]) -> dict[str, Any]:
            return self.call_with_database(self.stage, {**asked, "fence": fence})

        return concurrent_runs.fence_dead_runs(
            call,
            call([]),
            runs_dir=self.runs_dir,
            identity=self.identity,
            end=concurrent_runs.by_hand,
        )

    def _next_lines(self, report: Mapping[str, Any]) -> list[str]:
        """The command that approves the plan, ready to be pasted but for the name."""
        command = self.caller.again(
            f"{self.stage}_run_id={report['run_id']}",
            f"{self.stage}_token={report['token']}",
            f"{self.stage}_approved_by=NAME",
        )
        return [f"{self.purpose}:", f"  {command}"]
