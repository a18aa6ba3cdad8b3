"""Closes the run, decides, writes verdict and reports. Nothing of it runs on the target host."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ...contract import canonical
from ...contract.errors import GonogoError, InputError
from ...contract.listing import listed
from ...contract.login import Timeouts
from ...contract.options.target import TargetRequest
from ...contract.options.verdict import VERDICT, JudgedRequest, VerdictTask
from ...contract.records.answers import JudgedAnswer, Released
from ...contract.records.deployment import Deployment, Intent
from ...contract.records.readable import readable
from ...contract.records.reading import plain
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.run import RunRecord
from ...contract.records.verdict import UP_TO_DATE, VerdictRecord
from ...host.compare.judged import differences
from .. import attestation, evidence, report, store
from ..evidence import judgement
from ..invocation import project
from ..invocation.paths import path_of
from ..outcome import intents, since, ways_back
from ..request import approval, deploy_approval
from . import recovery, twin
from .base import Stage
from .reported import Reported
from .scripts import judged_objects

# Not an option: a variable could name others.
_TEMPLATES = project.ROOT / "roles" / "verdict" / "templates"


__all__ = ["Verdict"]


class Verdict(Stage[VerdictTask]):
    """The stage `verdict`, see library/gonogo_verdict.py."""

    stage = "verdict"
    declared = VERDICT
    task = VerdictTask

    def act(self, task: VerdictTask) -> Reported:
        if task.recompute is not None:
            path = path_of(task.recompute, key="verdict_recompute")
            return self._recompute(path, task)
        if self.checking:
            nothing = report.nothing_judged("this was a dry run (--check)")
            return Reported(skipped=True, lines=[nothing])
        run = self.find_run()
        if run is None:
            # The stage target refused before it opened a run, and has said why; or it was left out.
            nothing = report.nothing_judged("no run was opened")
            return Reported(failed=True, msg=nothing, lines=[nothing])
        self._refuse_another(run)
        self._compare(run)
        self._note_changes(run)
        fenced = self._release_lock(run)
        found = self._find_out(run)
        run.append(self.stage, "closed", {"fenced": fenced})
        # A run that was killed gets no verdict, though this part of it may have lived on.
        self.site.require_controller()
        verdict = judgement.decided(run.path)
        following = report.next_steps(
            run.path, verdict, caller=self.caller, approve=self._approving(run, verdict)
        )
        report.write_reports(run.path, _TEMPLATES, verdict=verdict, next_steps=following)
        unattested = self._attest(run, verdict, task.attestation_key)
        # Last and atomically: without it, the answer is HOLD.
        run.publish("verdict.json", canonical.dumps(plain(verdict)))
        evidence.close_pointer(self.runs_dir, identity=self.identity, inventory_host=self.host)
        (summary, *_) = report.summary_lines(verdict)
        lines = [
            summary,
            f"Report: {run.path / 'report.md'}",
            f"Evidence: {verdict.evidence_head}",
        ]
        if verdict.decision not in ("GO", UP_TO_DATE):
            lines += [*found, *self._ways_back(run)]
        if unattested:
            lines.append(unattested)
        stored, unstored = self._store(run, task)
        lines += [f"Stored: {stored}"] if stored else []
        told = {
            "decision": verdict.decision,
            "score": plain(verdict.score),
            "evidence": str(run.path),
            **({"stored": stored} if stored else {}),
        }
        problems = [problem for problem in (unattested, unstored) if problem]
        failed = verdict.decision in task.fail_on or bool(problems)
        return Reported(
            changed=True,
            failed=failed or None,
            msg="\n".join([summary, *problems]) if failed else None,
            lines=lines,
            told=told,
        )

    def _attest(self, run: evidence.Run, verdict: VerdictRecord, key: str | None) -> str | None:
        """Sign the verdict where there is a key; why that could not be done, or None.

        What lies there under that name is none of this run's.
        """
        try:
            run.withdraw(attestation.FILE)
            if key is None:
                return None
            found = evidence.load(run.path)
            signed = attestation.attestation(found, verdict, attestation.private_key(key))
            run.publish(attestation.FILE, signed)
        except Exception as error:  # noqa: BLE001 - the verdict must be written all the same
            return f"The verdict is not attested: {self.site.explained(error).primary}"
        return None

    def _store(self, run: evidence.Run, task: VerdictTask) -> tuple[str | None, str | None]:
        """Take the evidence to the store; returns its path there, or what has kept it from it. The
        verdict is given by now, and stays what it is."""
        if not task.evidence_store:
            return None, None
        try:
            place = store.place_of(task.evidence_store, task.evidence_ssh_args)
            record = run.read(RunRecord)
            subject = store.Subject(record.environment, record.customer, record.runbook_sha256)
            return store.keep(place, subject, run.path), None
        except Exception as error:  # noqa: BLE001 - it must not be taken for the verdict's own
            why = self.site.explained(error)
            problem = GonogoError(
                f"the verdict stands, but its evidence was not stored: {why.primary}",
                detail=why.detail,
                hint=f"{why.hint or ''}\nUntil then it is in {run.path}.".strip(),
            )
            return None, problem.render()

    def _compare(self, run: evidence.Run) -> None:
        """What the checks have judged must be there still, and nothing beside it: or nobody knows
        what they would say now."""
        if not (run.path / since.JUDGED).is_file():
            return
        problem: GonogoError | None = None
        try:
            login = run.read(RunRecord).target.login
            asked = JudgedRequest(login, run.run_id, judged_objects(self.runbook_of(run)))
            now = self.call_with_database("judged", asked, JudgedAnswer).judged
            changed = differences(run.read_json(since.JUDGED), now)
            if changed:
                problem = self._changed(run, changed)
        except Exception as error:  # noqa: BLE001 - the verdict must be written all the same
            why = self.site.explained(error)
            problem = GonogoError(
                "nobody could see whether what was judged is still there",
                detail=": ".join(filter(None, (why.primary, why.detail))),
                hint=f"{why.hint}\nThen start a new run." if why.hint else "Start a new run.",
            )
        if problem is not None:
            run.append(self.stage, "stage_failed", problem.data)

    @staticmethod
    def _changed(run: evidence.Run, changed: Sequence[str]) -> GonogoError:
        kept = run.read_json("schema.json") if (run.path / "schema.json").is_file() else {}
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return since.problem(changed, events=evidence.load(run.path).events, kept=kept, now=now)

    def _find_out(self, run: evidence.Run) -> list[str]:
        """What has become of this run's deployment, where its answer has never come."""
        if not intents.is_open(run.path):
            return []
        try:
            asking = recovery.Asking(run.read(RunRecord).target.login, Timeouts(), by=run.run_id)
            return recovery.find_out(self, run, asking, fence=(run.run_id,))
        except Exception as error:  # noqa: BLE001 - the verdict must be written all the same
            why = self.site.explained(error).primary
            self.site.warn(f"what the deployment has left could not be found out: {why}")
        return []

    def _approving(self, run: evidence.Run, verdict: VerdictRecord) -> str | None:
        """The command that approves the deployment, where the run waits for that."""
        waits = any(
            reason.code == "stage_failed" and reason.subject == "deploy"
            for reason in verdict.reasons
        )
        shown = (run.path / deploy_approval.PLAN).is_file()
        if not (waits and shown) or run.has(Intent) or run.has(Deployment):
            return None
        with contextlib.suppress(GonogoError):  # damaged evidence says so by itself
            return deploy_approval.next_command(
                run.run_id,
                approval.plan_of(run, deploy_approval.PLAN),
                caller=self.caller,
                promoted=self.variable("gonogo_promotion_evidence"),
                rules=self.signing(),
            )
        return None

    def _ways_back(self, run: evidence.Run) -> list[str]:
        found = evidence.load(run.path)
        return ways_back.ways_back(
            run.run_id,
            deployment=readable(Deployment, found.deploy, file=Deployment.FILE),
            rehearsal=readable(Rehearsal, found.rehearsal, file=Rehearsal.FILE),
            twin=found.twin,
            caller=self.caller,
        )

    def _refuse_another(self, run: evidence.Run) -> None:
        """The note of the open run is a file like any other; a run is judged once, by its own."""
        found = evidence.load(run.path)
        closed = any(event.event == "closed" for event in found.events)
        if closed or (found.run and found.run.controller != self.identity):
            raise GonogoError(
                "the run this process works on is not the one it has opened",
                detail=f"Its note leads to {run.run_id}; nothing was judged.",
                hint="Find out who changed it, then start a new run.",
            )

    def _note_changes(self, run: evidence.Run) -> None:
        """A run of which the files of two states of this project took part is no GO."""
        with contextlib.suppress(GonogoError):  # damaged evidence says so by itself
            changed = self.changed_since(run)
            if changed:
                message = "this project has changed since the run began"
                data = {"message": message, "detail": ", ".join(changed[:5]), "hint": None}
                run.append(self.stage, "stage_failed", data)

    def _release_lock(self, run: evidence.Run) -> list[str]:
        """The stage phases releases the lock; if it never got there, it is done here.

        What else of the run is still at work on the target host is ended with it. Returns the
        names of the sessions that were.
        """
        events = evidence.load(run.path).events
        passed = {event.stage for event in events if event.event == "stage_passed"}
        failed = {event.stage for event in events if event.event == "stage_failed"}
        unanswered = any(event.data.get("unanswered") for event in events)
        # A stage that has said nothing was cut off.
        unanswered = unanswered or "target" not in {*passed, *failed}
        if "phases" in passed or not ("target" in passed or unanswered):
            return []
        try:
            login = run.read(RunRecord).target.login
            asked = TargetRequest(login, run.run_id, state="released")
            fenced = self.call_with_database("target", asked, Released).fenced
            # It has ended with the lock, unless its supervisor was killed.
            twin.remove(self, run.run_id, login, self.remote_dir)
            return list(fenced)
        except Exception as error:  # noqa: BLE001 - the verdict must be written all the same
            why = self.site.explained(error).primary
            self.site.warn(f"the run lock could not be released: {why}")
        return []

    def _recompute(self, path: Path, task: VerdictTask) -> Reported:
        if not (path / "events.jsonl").is_file():
            raise InputError(
                "not an evidence directory",
                key="verdict_recompute",
                value=str(path),
                hint="Name the directory of a run: runs/ENVIRONMENT/RUN_ID.",
            )
        verdict = judgement.confirmed(path)
        lines = [f"{report.summary_lines(verdict)[0]}: verdict.json follows from the evidence"]
        # Against the head of the verdict, what was added later is named in any case.
        later = judgement.unproven(path, task.head or verdict.evidence_head or "")
        if later:
            what = "This head does not prove" if task.head else "Written after the verdict"
            lines.append(f"{what}: {', '.join(dict.fromkeys(later))}.")
        found = evidence.load(path)
        if found.strangers:
            lines.append(f"Not part of the evidence: {listed(found.strangers)}.")
        if task.attested_by:
            name = "verdict_attested_by"
            trusted = attestation.public_key_of(path_of(task.attested_by, key=name), key=name)
            lines.append(f"Attested by {attestation.require_attested(path, verdict, trusted)}")
        if task.publish:
            report.write_reports(path, _TEMPLATES, verdict=verdict)
        lines.append(f"Evidence: {found.head}")
        return Reported(
            changed=task.publish,
            lines=lines,
            told={"decision": verdict.decision, "score": plain(verdict.score)},
        )
