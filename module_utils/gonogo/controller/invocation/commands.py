"""The next command, ready to be pasted: as this ansible-playbook was started, and for one host.

Whatever a command needs is in one place, so none is printed without it: the program, the
inventories, the host where there are several, the options that say how it is reached, and the
variables that were given with -e. A file of variables is named; of those on the command line none
is repeated that may be a secret.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible import context
from ansible.parsing.splitter import parse_kv

from ...contract.redaction import is_secret
from . import project
from .native import Variables

__all__ = ["Caller", "spelled"]

_PROGRAM = "ansible-playbook"
# What Ansible takes as it is, behind the equals sign of -e.
_PLAIN = re.compile(r"[\w./:+-]+")
# Variables that are meant once: an approval's own, and what ends another run.
_ONCE = re.compile(
    r"(cleanup|deploy|restore|undo)_(run_id|token|approved_by)|deploy_fleet_id|target_take_over"
    r"|gonogo_approval_signatures"
)
# What is called so is a secret, unless it says where one is kept.
_SECRETIVE = re.compile(r"pass|pwd|secret|token|credential|private|api_?key", re.IGNORECASE)
_A_PLACE = re.compile(r"_(file|path|dir)$")
# Every playbook takes these; the others are of one stage.
_COMMON = "gonogo_"

# How hosts are reached: what Ansible calls it → the option, and what it is where nobody gave it.
_OPTIONS: tuple[tuple[str, str, Any], ...] = (
    ("remote_user", "--user", C.DEFAULT_REMOTE_USER),
    ("private_key_file", "--private-key", C.DEFAULT_PRIVATE_KEY_FILE),
    ("connection", "--connection", C.DEFAULT_TRANSPORT),
    ("timeout", "--timeout", C.DEFAULT_TIMEOUT),
    ("ssh_common_args", "--ssh-common-args", None),
    ("ssh_extra_args", "--ssh-extra-args", None),
    ("sftp_extra_args", "--sftp-extra-args", None),
    ("scp_extra_args", "--scp-extra-args", None),
    ("become_method", "--become-method", C.DEFAULT_BECOME_METHOD),
    ("become_user", "--become-user", None),
)
_FLAGS = (
    ("become", "--become", C.DEFAULT_BECOME),
    ("become_ask_pass", "--ask-become-pass", C.DEFAULT_BECOME_ASK_PASS),
    ("ask_pass", "--ask-pass", C.DEFAULT_ASK_PASS),
    ("ask_vault_pass", "--ask-vault-pass", C.DEFAULT_ASK_VAULT_PASS),
)
_LISTS = (
    ("vault_password_files", "--vault-password-file"),
    ("vault_ids", "--vault-id"),
)


@dataclass(frozen=True)
class Caller:
    """Who asks for the next command: how this ansible-playbook was started, on which host.

    `playbooks` are those it was started with; `limit` is the host where there are others too;
    `given` are the project's variables of its command line, `others` those that are somebody
    else's, and `files` the files of variables, as `@FILE`.
    """

    program: str = _PROGRAM
    playbooks: Sequence[str] = ("playbooks/validate.yml",)
    inventories: Sequence[str] = ()
    options: Sequence[str] = ()
    limit: str | None = None
    host: str = "all"
    given: Variables = field(default_factory=dict)
    others: Variables = field(default_factory=dict)
    files: Sequence[str] = ()
    # Whether nobody has said the inventories: they are those of ansible.cfg.
    unsaid: bool = False

    @classmethod
    def of(cls, variables: Variables, extra: Variables) -> Caller:
        """From a task's variables and the extra variables of the command line."""
        known, _ = project.variables()
        started = context.CLIARGS.get("args") or ()
        host = str(variables.get("inventory_hostname") or "all")
        files, named = _on_the_command_line()
        # What stands in a file is repeated with it.
        typed = {name: extra[name] for name in sorted(extra) if not files or name in named}
        given = [str(source) for source in variables.get("ansible_inventory_sources") or []]
        return cls(
            program=_program(),
            playbooks=[str(name) for name in started] or [_own("validate")],
            inventories=[
                # A list of hosts is no path.
                source if "," in source else os.path.relpath(source)
                for source in given
            ],
            options=list(_options(context.CLIARGS)),
            limit=host if _has_others(variables) else None,
            host=host,
            given={
                name: value
                for name, value in typed.items()
                if name in known and not _holds_a_secret(value)
            },
            others={
                name: value
                for name, value in typed.items()
                if name not in known and not _is_secretive(name) and not _holds_a_secret(value)
            },
            files=files,
            unsaid=not given or given == list(C.DEFAULT_HOST_LIST),
        )

    def about(self, host: str, environment: str) -> Caller:
        """The same about a host of another playbook than this one, in the environment of that.

        Where nobody has said an inventory, it is the project's of that environment, or one that
        the reader has to fill in.
        """
        inventories = self.inventories
        if self.unsaid:
            own = project.ROOT / "inventories" / environment
            inventories = [os.path.relpath(own) if own.is_dir() else "INVENTORY"]
        return replace(self, inventories=inventories, limit=host, host=host)

    def for_a_report(self, *, taken: bool) -> Caller:
        """The same for a report, which is passed on: without the variables of the command line
        where the run has not `taken` them, since one of them is what it has refused."""
        return self if taken else replace(self, given={}, others={})

    def again(self, *variables: str) -> str:
        """The same playbook with the same variables, and these."""
        return self._line(self.playbooks, [*variables, *self._repeated(("",), variables)])

    def playbook(self, stage: str, *variables: str) -> str:
        """The playbook of another stage (`undo`), with what all playbooks take."""
        prefixes = (_COMMON, f"{stage}_")
        return self._line([_own(stage)], [*variables, *self._repeated(prefixes, variables)])

    def with_inventory(self, inventory: str, playbook: str, *variables: str) -> str:
        """A playbook beside those of the stages (`validate_staging`), about the hosts of an
        inventory."""
        path = os.path.relpath(project.ROOT / f"{playbook}.yml")
        return self._line([project.playbook(playbook) or path], variables, inventories=[inventory])

    def ping(self) -> str:
        """What tries the connection to the host, and nothing else."""
        program = re.sub(rf"{_PROGRAM}$", "ansible", self.program)
        sources = [word for source in self.inventories for word in ("-i", source)]
        return shlex.join([program, self.host, *sources, *self.options, "-m", "ping"])

    def _repeated(self, prefixes: tuple[str, ...], besides: Iterable[str]) -> list[str]:
        said = {variable.partition("=")[0] for variable in besides}
        return [
            spelled(name, value)
            for name, value in self.given.items()
            if name.startswith(prefixes) and name not in said and not _ONCE.fullmatch(name)
        ]

    def _line(
        self,
        playbooks: Sequence[str],
        variables: Sequence[str],
        *,
        inventories: Sequence[str] | None = None,
    ) -> str:
        words = [self.program]
        for inventory in self.inventories if inventories is None else inventories:
            words += ["-i", inventory]
        words += [*self.options, *playbooks]
        if self.limit:
            words += ["--limit", self.limit]
        others = [spelled(name, value) for name, value in self.others.items()]
        # Of two that say the same variable the later one counts.
        for variable in (*self.files, *variables, *others):
            words += ["-e", variable]
        return shlex.join(words)


def spelled(name: str, value: Any) -> str:
    """A variable as -e takes it back: the same text, or the same value."""
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return f"{name}={value}"
    return json.dumps({name: value}, ensure_ascii=False)


def _on_the_command_line() -> tuple[list[str], set[str]]:
    """The files of variables that -e names, and the names of the variables that it gives itself."""
    files, named = [], set()
    for word in map(str, context.CLIARGS.get("extra_vars") or ()):
        if word.startswith("@"):
            files.append(word)
        elif word.lstrip().startswith("{"):
            # As Ansible reads it; what it cannot read has ended the playbook by now.
            with contextlib.suppress(yaml.YAMLError):
                named |= {str(name) for name in yaml.safe_load(word)}
        else:
            named |= {*parse_kv(word)}
    return files, named


def _is_secretive(name: str) -> bool:
    """Whether a variable of somebody else's is a secret by its name."""
    return bool(_SECRETIVE.search(name)) and not _A_PLACE.search(name)


def _holds_a_secret(value: Any) -> bool:
    """Whether there is a password in it, by its form or by its key."""
    if isinstance(value, Mapping):
        named = any(is_secret(f"{name}=x") for name in value)
        return named or any(map(_holds_a_secret, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_holds_a_secret, value))
    return isinstance(value, str) and is_secret(value)


def _own(stage: str) -> str:
    """A playbook of this project, from where the command will be pasted."""
    path = os.path.relpath(project.ROOT / "playbooks" / f"{stage}.yml")
    return project.playbook(stage) or path


def _program() -> str:
    """As it was started, or by its name where that is found."""
    started = Path(sys.argv[0])
    if started.name != _PROGRAM:
        return _PROGRAM
    found = shutil.which(_PROGRAM)
    if found and os.path.realpath(found) == os.path.realpath(started):
        return _PROGRAM
    return os.path.relpath(started)


def _has_others(variables: Variables) -> bool:
    """Whether the command would be about more hosts without a limit."""
    played = variables.get("ansible_play_hosts_all") or []
    return len(played) > 1 or bool(context.CLIARGS.get("subset"))


def _options(given: Variables) -> Iterable[str]:
    for name, option, usual in _OPTIONS:
        value = given.get(name)
        if value not in (None, "", usual):
            yield from (option, str(value))
    for name, option, usual in _FLAGS:
        if given.get(name) and not usual:
            yield option
    for name, option in _LISTS:
        for value in given.get(name) or ():
            yield from (option, str(value))
