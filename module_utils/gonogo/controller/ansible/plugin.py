"""Stages as Ansible runs them.

An action plugin of this project is a subclass of `Plugin` that names its stage (see
`controller/stages/base.py`). What came back from the target host goes from the stage into the
evidence. Results never travel through Ansible variables, which extra variables could override.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible import context
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ...contract import fault
from ...contract.errors import GonogoError, InputError, visible
from ...contract.options.option import ArgumentSpec
from ...contract.options.shared import PROGRESS
from ...contract.records.reading import RecordError, read
from ...contract.records.run import Process
from ...host.stages import find
from .. import evidence
from ..invocation import loaded, project, request_form
from ..invocation.commands import Caller
from ..invocation.native import Variables, native
from ..progress import Watch, Words, took, watched
from ..render.rendering import share_code
from ..request import waves
from ..stages.base import Stage
from .inventory import Inventory
from .package import GONOGO, PSYCOPG, Package
from .progress import every, place, way
from .shapes import SHAPES
from .waves import AT_WORK
from .workers import end_with_the_playbook

__all__ = ["NoAnswerError", "Plugin", "given"]


_PACKAGES = {package.name for package in (GONOGO, PSYCOPG)}
_DISCOVERED = "discovered_interpreter_"
_ORPHANED = "ansible-playbook has ended"
# How long ansible-playbook may be gone before its worker ends too.
_ORPHAN_SECONDS = 0.2

# What a task or a module returns, in Ansible's own form, and what a module is asked.
_Result = dict[str, Any]


def given(values: Mapping[str, object], options: ArgumentSpec) -> dict[str, object]:
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


def on_target(spec: ArgumentSpec) -> ArgumentSpec:
    """Copy of an argument spec whose paths are left as they were written.

    Here `~` and variables would become the controller's; the module expands them on the target.
    """
    copy = dict(spec)
    if "options" in copy:
        copy["options"] = {key: on_target(option) for key, option in copy["options"].items()}
    if copy.get("type") == "path":
        copy["type"] = "str"
    return copy


def checked(entry: str, arguments: Mapping[str, object]) -> dict[str, object]:
    """The arguments of an entry with the defaults of its spec. Raises GonogoError."""
    spec = on_target({"options": find(entry).spec})["options"]
    found = ArgumentSpecValidator(spec).validate(given(arguments, spec))
    if found.error_messages:
        raise GonogoError("; ".join(found.error_messages))
    return dict(native(found.validated_parameters))


def _end_all_that_belongs_to_us() -> None:
    """Ansible makes each worker the leader of a group, and ends it as one.

    What is left where it is none has nobody to write to, and ends when it writes.
    """
    leads = os.getpgrp() == os.getpid()
    (os.killpg if leads else os.kill)(os.getpid(), signal.SIGTERM)


class NoAnswerError(GonogoError):
    """A module was begun, and nobody knows how far it came."""


class Plugin(ActionBase):  # type: ignore[misc]
    """Base of the action plugins: the site of a stage (see `stages.base.Site`)."""

    logic: type[Stage[Any]]
    _inventory: Inventory | None = None
    # When the stage began, and whether it has asked the target host anything.
    _began = 0.0
    _has_asked = False

    def run(self, tmp: str | None = None, task_vars: Variables | None = None) -> _Result:
        """Run the stage; its errors become one message and, once a run is open, evidence."""
        self._supports_check_mode = True
        result: _Result = super().run(tmp, task_vars)
        self._vars = task_vars or {}
        self._controller = os.getppid()
        self._facts: dict[str, object] = {}
        self._stage = self.logic(self)
        self._began = time.monotonic()
        try:
            # Ansible makes this directory for one run, and removes it at its end.
            share_code(Path(C.DEFAULT_LOCAL_TMP) / "gonogo")
            loaded.require_own()
            loaded.require_own_role(self._task)
            named = partial(project.variable_of, self._task.action)
            spec = dict(self.logic.declared.task)
            written = native(getattr(self._task, "args", None) or {})
            given = request_form.values_of_texts(written, spec, named=named)
            if given != written:
                self._task.args = dict(given)
            request_form.refuse_secrets(given, named=named)
            request_form.refuse_misfits(given, spec, named=named)
            _, arguments = self.validate_argument_spec(argument_spec=spec)
            result.update(native(self._stage.act(self._read(native(arguments))).result))
        except AnsibleError as error:
            # But for a lost connection Ansible's own words for a person: a template, an option.
            if not isinstance(error, AnsibleConnectionFailure):
                raise
            result.update(self._failed(self.explained(error)))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told as what it is
            result.update(self._failed(self.explained(error)))
        if self._facts:
            result["ansible_facts"] = {**self._facts, **result.get("ansible_facts", {})}
        end_with_the_playbook()
        if self._is_orphan():
            # It has ended before the kernel knew; a short result fits into the pipe.
            return {"failed": True, "msg": _ORPHANED}
        self._say_seconds()
        for line in result.get("lines") or ():
            # Not left to a callback plugin: which of them are there is for Ansible's settings.
            self._display.display(f"    {visible(line)}")
        return result

    def _read(self, arguments: Mapping[str, object]) -> object:
        """The task as its stage takes it. Raises InputError for what Ansible lets through."""
        try:
            return read(self.logic.task, arguments, file="the task")
        except RecordError as error:
            raise InputError(
                f"the options of {self._task.action} cannot be used",
                detail=error.detail,
                hint="Leave out what has no value.",
            ) from None

    # --- the site of a stage -----------------------------------------------------------------

    @property
    def caller(self) -> Caller:
        """Who is told the next command."""
        return Caller.of(self._vars, self.extra)

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
        return fault.told(error, doing=f"stage {self.logic.stage}")

    @property
    def checking(self) -> bool:
        """Whether this is a dry run (`--check`)."""
        return bool(self._task.check_mode)

    @property
    def host(self) -> str:
        return str(self._vars["inventory_hostname"])

    @property
    def identity(self) -> Process:
        """The ansible-playbook process itself: action plugins run in forks of it."""
        return evidence.controller_identity(self._controller)

    def flag(self, name: str) -> bool:
        """A variable of the host that is true or false; false when it is not set."""
        return bool(boolean(self.variable(name) or False))

    @property
    def variables(self) -> Variables:
        return self._vars

    @property
    def extra(self) -> Variables:
        """Variables of the command line."""
        return dict(native(load_extra_vars(self._loader)))

    @property
    def play(self) -> Variables:
        """Variables of the play."""
        return dict(native(self._task.play.vars))

    @property
    def input_left_out(self) -> bool:
        """Whether the command line leaves out the first play, which is of localhost."""
        return bool(context.CLIARGS.get("subset") or context.CLIARGS.get("start_at_task"))

    @property
    def planning(self) -> bool:
        """Whether nothing is deployed by this start, see `ansible.waves`."""
        return AT_WORK.planning

    def said(self, host: str) -> Variables:
        """What the inventory says of a host."""
        if self._inventory is None:
            self._inventory = Inventory(self._loader, context.CLIARGS["inventory"])
        return dict(native(self._inventory.variables(host)))

    def held_back(self) -> GonogoError | None:
        """Why this host is not begun, see `ansible.waves`."""
        return AT_WORK.refusal(self.host, waves.named(self.variable(waves.KEY)))

    def left_out(self) -> Sequence[Sequence[str]]:
        """Hosts of the waves before, see `ansible.waves`."""
        return AT_WORK.left_out(self.host)

    def rehearses_for_it(self) -> tuple[str, Path | None] | None:
        """The host that rehearses for this one, see `ansible.shapes`."""
        return SHAPES.rehearses_for(self.host)

    def warn(self, text: str) -> None:
        self._display.warning(text)

    def show(self, text: str) -> None:
        self._display.display(text)

    def variable(self, name: str) -> Any:
        """A variable of the host, rendered, None when it is not set."""
        return native(self._templar.template(self._vars.get(name)))

    def require_controller(self) -> None:
        """Raise GonogoError when ansible-playbook is gone: its workers outlive a SIGKILL."""
        if self._is_orphan():
            raise GonogoError(_ORPHANED)

    def _is_orphan(self) -> bool:
        return os.getppid() != self._controller

    def ask(
        self, entry: str, arguments: Mapping[str, object], *, database: bool
    ) -> Mapping[str, object]:
        """Have the target host do what an entry of `gonogo.host.stages` does.

        psycopg is sent where the entry needs it for a `database` and the host has none. Raises
        GonogoError when it fails.
        """
        if database:
            driver = {"psycopg": self._bundle(PSYCOPG), "pg_bin": self.variable("gonogo_pg_bin")}
            arguments = {**arguments, "driver": driver}
        request = {"entry": entry, "arguments": checked(entry, arguments)}
        sent: set[str] = set()
        while True:
            result = self._execute(self._with_packages(request, sent))
            missing = result.get("missing")
            # What was sent and is missing all the same is an error like any other.
            if missing not in _PACKAGES or missing in sent:
                return self._passed(entry, result)
            sent.add(missing)

    def _bundle(self, package: Package, *, sent: bool = False) -> dict[str, str]:
        return package.bundle(f"{self._stage.remote_dir}/lib", sent=sent)

    def _with_packages(self, request: _Result, sent: set[str]) -> _Result:
        """The request with this project's package, and with the content of those in `sent`."""
        arguments = request["arguments"]
        if PSYCOPG.name in sent:
            driver = {**arguments["driver"], "psycopg": self._bundle(PSYCOPG, sent=True)}
            arguments = {**arguments, "driver": driver}
        package = self._bundle(GONOGO, sent=GONOGO.name in sent)
        return {**request, "arguments": arguments, "package": package}

    def _execute(self, request: _Result) -> _Result:
        """Let the module answer a request. Raises NoAnswerError for an answer to another one."""
        self.require_controller()
        key = secrets.token_hex(32)
        self._has_asked = True
        progress, watch = self._progress()
        with self._ending_with_the_controller(), watched(watch):
            result = native(
                self._execute_module(
                    module_name=loaded.REMOTE,
                    module_args={**request, **progress, "key": key},
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

    def _progress(self) -> tuple[_Result, Watch | None]:
        """What the module is told of where to write how far it is, and who looks there.

        Nothing where nobody wants to know, or there is no way to it.
        """
        try:
            seconds = 0 if self.checking else self._progress_seconds()
            file = place(self._stage.remote_dir) if seconds else ""
            found = way(self, file, seconds) if file else None
            if found is None:
                return {}, None
            words = Words(self.host, self.logic.stage)
            watch = Watch(found.ask, self._say, words, found.seconds, self._began)
        except Exception:  # noqa: BLE001 - no stage fails for it
            return {}, None
        # What is read is half as old as that at most.
        return {"progress": {"file": file, "seconds": found.seconds / 2}}, watch

    def _progress_seconds(self) -> int:
        try:
            return every(self.variable(PROGRESS.name))
        except Exception:  # noqa: BLE001 - as above; what is wrong with it, the stage input says
            return 0

    def _say_seconds(self) -> None:
        """How long the stage took, where it has asked the target host."""
        if self._has_asked and self._progress_seconds():
            host = str(self._vars.get("inventory_hostname"))
            self._say(took(host, self.logic.stage, time.monotonic() - self._began))

    def _say(self, line: str) -> None:
        """A line of progress. It may come too late: then nobody takes it any more."""
        with contextlib.suppress(Exception):
            self._display.display(f"    {visible(line)}")

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
    def _passed(entry: str, result: _Result) -> _Result:
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

    def _failed(self, error: GonogoError) -> _Result:
        if isinstance(error, fault.FaultError):
            self._display.vvv(error.traceback)
        self._note_failure(error, self._run_to_note_in())
        return {"failed": True, "msg": error.render()}

    def _run_to_note_in(self) -> evidence.Run | None:
        try:
            return self._stage.find_run()
        except GonogoError as error:
            self._display.warning(f"no failure can be written to the evidence: {error.render()}")
        return None

    def _note_failure(self, error: GonogoError, run: evidence.Run | None) -> None:
        """Best effort: an error that cannot be written down is still reported by the task."""
        try:
            if run:
                unknown = isinstance(error, (NoAnswerError, fault.FaultError))
                unanswered = {"unanswered": True} if unknown else {}
                run.append(self.logic.stage, "stage_failed", {**error.data, **unanswered})
        except GonogoError as second:
            self._display.warning(
                f"the failure could not be written to the evidence: {second.render()}"
            )
