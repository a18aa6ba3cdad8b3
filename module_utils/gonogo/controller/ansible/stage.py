"""The controller's half of a stage.

An action plugin of this project is a subclass of `Stage`: it renders what its module needs, lets
the module run on the target host, and writes what came back into the evidence. Results never
travel through Ansible variables, which extra variables could override.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
import signal
import threading
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ...contract import fault
from ...contract.errors import GonogoError, visible
from ...contract.login import LOGIN_SPEC
from ...host.stages import find
from ...verdict import is_protected
from .. import evidence, runbook
from ..invocation import loaded, project, request_form
from ..invocation.commands import Caller
from ..invocation.native import native
from ..invocation.paths import path_of
from ..render.rendering import share_code
from .package import GONOGO, PSYCOPG, Package

__all__ = ["LOGIN", "Stage", "on_target"]


def on_target(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Copy of an argument spec whose paths are left as they were written.

    Here `~` and variables would become the controller's; the module expands them on the target.
    """
    copy = dict(spec)
    if "options" in copy:
        copy["options"] = {key: on_target(option) for key, option in copy["options"].items()}
    if copy.get("type") == "path":
        copy["type"] = "str"
    return copy


_PACKAGES = {package.name for package in (GONOGO, PSYCOPG)}
_DISCOVERED = "discovered_interpreter_"
_ORPHANED = "ansible-playbook has ended"
# How long ansible-playbook may be gone before its worker ends too.
_ORPHAN_SECONDS = 0.2

LOGIN = on_target({"type": "dict", "required": True, "options": LOGIN_SPEC})


def given(values: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Without the options that were not given: a module's spec would refuse their null.

    What no spec describes is data, and there a null says something.
    """
    return {
        key: given(value, options[key]["options"])
        if isinstance(value, Mapping) and "options" in options.get(key, {})
        else value
        for key, value in values.items()
        if value is not None
    }


def _end_all_that_belongs_to_us() -> None:
    """Ansible makes each worker the leader of a group, and ends it as one.

    What is left where it is none has nobody to write to, and ends when it writes.
    """
    leads = os.getpgrp() == os.getpid()
    (os.killpg if leads else os.kill)(os.getpid(), signal.SIGTERM)


class NoAnswerError(GonogoError):
    """A module was begun, and nobody knows how far it came."""


class Stage(ActionBase):  # type: ignore[misc]
    """Base of the action plugins. Subclasses say their `stage` and `spec`, and `act`."""

    stage = ""
    # What helps where the files of the runbook are not those of the run any more.
    runbook_changed = "Run the playbook again."
    # Argument spec of the task's own arguments.
    spec: Mapping[str, Any] = {}

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the stage; its errors become one message and, once a run is open, evidence."""
        self._supports_check_mode = True
        result: dict[str, Any] = super().run(tmp, task_vars)
        self._vars = task_vars or {}
        self._controller = os.getppid()
        self._facts: dict[str, Any] = {}
        try:
            # Ansible makes this directory for one run, and removes it at its end.
            share_code(Path(C.DEFAULT_LOCAL_TMP) / "gonogo")
            loaded.require_own()
            loaded.require_own_role(self._task)
            given = native(getattr(self._task, "args", None) or {})
            named = partial(project.variable_of, self._task.action)
            request_form.refuse_secrets(given, named=named)
            request_form.refuse_misfits(given, self.spec, named=named)
            _, arguments = self.validate_argument_spec(argument_spec=dict(self.spec))
            result.update(native(self.act(native(arguments))))
        except AnsibleError as error:
            # But for a lost connection Ansible's own words for a person: a template, an option.
            if not isinstance(error, AnsibleConnectionFailure):
                raise
            result.update(self._failed(self.explained(error)))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told as what it is
            result.update(self._failed(self.explained(error)))
        if self._facts:
            result["ansible_facts"] = {**self._facts, **result.get("ansible_facts", {})}
        if self._is_orphan():
            # Nobody takes the result, and a worker waits for ever where a long one does not fit
            # into its pipe.
            return {"failed": True, "msg": _ORPHANED}
        for line in result.get("lines") or ():
            # Not left to a callback plugin: which of them are there is for Ansible's settings.
            self._display.display(f"    {visible(line)}")
        return result

    @abstractmethod
    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do the stage's work; return what the task reports. Raises GonogoError."""

    # --- what subclasses use ---------------------------------------------------------------

    @property
    def caller(self) -> Caller:
        """Who is told the next command."""
        return Caller.of(self._vars, native(load_extra_vars(self._loader)))

    def explained(self, error: Exception) -> GonogoError:
        """The error in the words that a person is told, whatever it is."""
        if isinstance(error, GonogoError):
            return error
        if isinstance(error, OSError):
            place = f": {error.filename}" if error.filename else ""
            return GonogoError(f"{error.strerror or error}{place}")
        if isinstance(error, AnsibleConnectionFailure):
            # Not as Ansible's "unreachable", after which no task of the host runs any more: the
            # verdict has to be written, and the sessions that go on there to be ended.
            return NoAnswerError(
                "the connection to the host was lost",
                detail=" ".join(str(error).split()),
                hint=f"Try it by itself: {self.caller.ping()}",
            )
        if isinstance(error, AnsibleError):
            return GonogoError(" ".join(str(error).split()))
        return fault.told(error, doing=f"stage {self.stage}")

    @property
    def checking(self) -> bool:
        """Whether this is a dry run (`--check`)."""
        return bool(self._task.check_mode)

    @property
    def host(self) -> str:
        return str(self._vars["inventory_hostname"])

    @property
    def identity(self) -> dict[str, Any]:
        """The ansible-playbook process itself: action plugins run in forks of it."""
        return evidence.controller_identity(self._controller)

    def _variable(self, name: str) -> Any:
        """A variable of the inventory that every stage needs, None when it is not set."""
        return native(self._templar.template(self._vars.get(name)))

    @property
    def _remote_dir(self) -> str:
        directory = self._variable("gonogo_remote_dir")
        if not directory:
            raise GonogoError("gonogo_remote_dir is not set", hint="Set it in the inventory.")
        return str(directory)

    @property
    def runs_dir(self) -> Path:
        directory = self._variable("gonogo_runs_dir")
        if not directory:
            raise GonogoError("gonogo_runs_dir is not set", hint="Set it in the inventory.")
        return path_of(str(directory), key="gonogo_runs_dir")

    def find_run(self) -> evidence.Run | None:
        """The run this very process has opened for this host, if any."""
        if not self._vars.get("gonogo_runs_dir"):
            return None
        path = evidence.find_open(self.runs_dir, identity=self.identity, inventory_host=self.host)
        return evidence.Run.open(path) if path else None

    def require_controller(self) -> None:
        """Raise GonogoError when ansible-playbook is gone: its workers outlive a SIGKILL."""
        if self._is_orphan():
            raise GonogoError(_ORPHANED)

    def _is_orphan(self) -> bool:
        return os.getppid() != self._controller

    def open_run(self) -> evidence.Run:
        """As `find_run`. Raises GonogoError when the stage `target` has not opened one."""
        run = self.find_run()
        if run is None:
            raise GonogoError(
                f"stage {self.stage} has no run to belong to",
                detail="The stage target opens one; it did not run in this playbook.",
                hint="Run the whole playbook, without --start-at-task.",
            )
        changed = self.changed_since(run)
        if changed:
            raise GonogoError(
                "this project has changed since the run began",
                detail=", ".join(changed[:5]),
                hint="Run the playbook again.",
            )
        return run

    @staticmethod
    def changed_since(run: evidence.Run) -> list[str]:
        """Files of the project that are not what they were when the run was opened."""
        return project.changed(run.read_json("run.json")["digests"]["project"])

    @staticmethod
    def proven_login(run: evidence.Run) -> dict[str, Any]:
        """The login whose database the stage target has proven."""
        return dict(run.read_json("run.json")["target"]["login"])

    @staticmethod
    def is_protected(run: evidence.Run) -> bool:
        """Whether the run's target is protected: some things hold there whatever is asked for."""
        return is_protected(run.read_json("run.json"))

    def same_login(self, run: evidence.Run, arguments: Mapping[str, Any]) -> None:
        """Refuse a stage that would work on another database than the one that was proven."""
        proven, given = self.proven_login(run), arguments["login"]
        differing = sorted(key for key in {*proven, *given} if proven.get(key) != given.get(key))
        if differing:
            raise GonogoError(
                f"stage {self.stage} was given another login than stage target",
                detail=f"Not the same: {', '.join(f'login.{key}' for key in differing)}.",
                hint="gonogo_login must be the same for the whole run.",
            )

    def runbook_of(self, run: evidence.Run) -> runbook.Runbook:
        """The run's runbook. Raises GonogoError when its files have changed since it was opened."""
        record = run.read_json("run.json")
        loaded = runbook.load(
            Path(record["runbook_directory"]),
            profile=record["profile"],
            parameters=record["parameters"],
            templates=False,
        )
        if loaded.sha256 != record["runbook_sha256"]:
            raise GonogoError(
                "the runbook has changed since the run began",
                detail=f"{loaded.directory}: SHA-256 was {record['runbook_sha256']}.",
                hint=self.runbook_changed,
            )
        return loaded

    def call(self, entry: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Have the target host do what an entry of `gonogo.host.stages` does.

        Raises GonogoError when it fails.
        """
        spec = on_target({"options": find(entry).spec})["options"]
        checked = ArgumentSpecValidator(spec).validate(given(arguments, spec))
        if checked.error_messages:
            raise GonogoError("; ".join(checked.error_messages))
        request = {"entry": entry, "arguments": native(checked.validated_parameters)}
        sent: set[str] = set()
        while True:
            result = self._execute(self._with_packages(request, sent))
            missing = result.get("missing")
            # What was sent and is missing all the same is an error like any other.
            if missing not in _PACKAGES or missing in sent:
                return self._passed(entry, result)
            sent.add(missing)

    def call_with_database(self, entry: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """As `call`, for an entry that needs psycopg: it is sent where the host has none."""
        driver = {"psycopg": self._bundle(PSYCOPG), "pg_bin": self._variable("gonogo_pg_bin")}
        return self.call(entry, {**arguments, "driver": driver})

    def _bundle(self, package: Package, *, sent: bool = False) -> dict[str, str]:
        return package.bundle(f"{self._remote_dir}/lib", sent=sent)

    def _with_packages(self, request: Mapping[str, Any], sent: set[str]) -> dict[str, Any]:
        """The request with this project's package, and with the content of those in `sent`."""
        arguments = request["arguments"]
        if PSYCOPG.name in sent:
            driver = {**arguments["driver"], "psycopg": self._bundle(PSYCOPG, sent=True)}
            arguments = {**arguments, "driver": driver}
        package = self._bundle(GONOGO, sent=GONOGO.name in sent)
        return {**request, "arguments": arguments, "package": package}

    def _execute(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Let the module answer a request. Raises NoAnswerError for an answer to another one."""
        self.require_controller()
        key = secrets.token_hex(32)
        with self._ending_with_the_controller():
            result = native(
                self._execute_module(
                    module_name=loaded.REMOTE,
                    module_args={**request, "key": key},
                    task_vars=self._vars,
                )
            )
        # The interpreter that Ansible has found need not be looked for by the next stage.
        facts = result.get("ansible_facts") or {}
        self._facts.update({key: facts[key] for key in facts if key.startswith(_DISCOVERED)})
        if result.get("failed") and "answer" not in result:
            # Ansible's own words: the module was never begun, or has crashed.
            return dict(result)
        answer = str(result.get("answer"))
        seal = hmac.new(bytes.fromhex(key), answer.encode(), "sha256").hexdigest()
        if not hmac.compare_digest(seal.encode(), str(result.get("seal")).encode()):
            raise NoAnswerError(
                "the target host has answered something else than what it was asked",
                detail="The answer does not carry the seal of this call.",
                hint="See what the login's shell and the host's Python print by themselves, then "
                "start a new run.",
            )
        return dict(json.loads(answer))

    @contextlib.contextmanager
    def _ending_with_the_controller(self) -> Iterator[None]:
        """While this lasts, end with ansible-playbook, and the connection with us.

        A worker outlives an ansible-playbook that is killed. Its module would go on working for
        somebody who is gone, since there is still who reads what it says.
        """
        answered = threading.Event()
        # Found by ansible-playbook's process, so for as long as there is one.
        run = self._run_to_note_in()

        def watch() -> None:
            while not answered.wait(_ORPHAN_SECONDS):
                if self._is_orphan():
                    self._note_failure(NoAnswerError(_ORPHANED), run)
                    _end_all_that_belongs_to_us()
                    return

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        try:
            yield
        finally:
            answered.set()
            watching.join()

    @staticmethod
    def _passed(entry: str, result: dict[str, Any]) -> dict[str, Any]:
        if result.get("failed"):
            error = result.get("error")
            if error and error.get("traceback"):
                raise fault.FaultError(
                    error["primary"], detail=error["detail"], traceback=error["traceback"]
                )
            if error:
                raise GonogoError(error["primary"], detail=error["detail"], hint=error["hint"])
            message = result.get("msg") or f"{entry} failed"
            # Of a program that crashed the last line says what happened; the rest is for -vvv.
            said = str(result.get("module_stderr") or "").strip().splitlines()[-1:]
            raise NoAnswerError(str(message), detail="".join(said) or None)
        return result

    def _failed(self, error: GonogoError) -> dict[str, Any]:
        if isinstance(error, fault.FaultError):
            self._display.vvv(error.traceback)
        self._note_failure(error, self._run_to_note_in())
        return {"failed": True, "msg": error.render()}

    def _run_to_note_in(self) -> evidence.Run | None:
        try:
            return self.find_run()
        except GonogoError as error:
            self._display.warning(f"no failure can be written to the evidence: {error.render()}")
        return None

    def _note_failure(self, error: GonogoError, run: evidence.Run | None) -> None:
        """Best effort: an error that cannot be written down is still reported by the task."""
        try:
            if run:
                data = {"message": error.primary, "detail": error.detail, "hint": error.hint}
                unknown = isinstance(error, (NoAnswerError, fault.FaultError))
                unanswered = {"unanswered": True} if unknown else {}
                run.append(self.stage, "stage_failed", {**data, **unanswered})
        except GonogoError as second:
            self._display.warning(
                f"the failure could not be written to the evidence: {second.render()}"
            )
