"""Approvals by signature, with the real ssh-keygen: a stage is driven without Ansible."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
import subprocess
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.options.cleanup import CleanupTask
from gonogo.contract.options.shared import SIGNING, Approval
from gonogo.contract.records.approval import ApprovalPlan
from gonogo.contract.records.run import Process
from gonogo.controller.evidence import Run, load
from gonogo.controller.outcome import unheard
from gonogo.controller.request import approval, deploy_approval, signing
from gonogo.controller.request.protection import ONLY_INVENTORY
from gonogo.controller.signing import files, keygen, signers, sshsig
from gonogo.controller.stages.cleanup import Cleanup
from gonogo.controller.stages.reported import Reported
from tests.pages.approvals import ALLOWED, BAD, EXAMPLE, GOOD, INVENTORY, SIGNERS
from tests.records import LOGIN, PLAN, RUN
from tools.direct import Here
from verify import verify_evidence

pytestmark = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen of OpenSSH is not installed"
)

RUN_ID = "20260131T120000Z-0a1b2c"
TOKEN = "0123456789"
ACCOUNT = pwd.getpwuid(os.getuid()).pw_name
NAMES = ("dewi", "dewi2", "tom", "ada", "eve")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a key pair for each name."""
    directory = tmp_path_factory.mktemp("keys")
    for name in NAMES:
        _keygen("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(directory / name))
    return directory


def _keygen(*words: str, text: str = "") -> str:
    done = subprocess.run(
        ["ssh-keygen", *words], input=text, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Site(Here):
    """Where there are three rows to be removed."""

    def __init__(self, **variables: Any) -> None:
        super().__init__(Process("here", os.getpid(), None), **variables)
        self.inventory = dict(variables)
        self.asked: list[str | None] = []

    @property
    def committed(self) -> bool:
        return any(self.asked)

    def said(self, host: str) -> dict[str, Any]:
        del host
        return self.inventory

    def ask(
        self, entry: str, arguments: Mapping[str, object], *, database: bool
    ) -> Mapping[str, object]:
        del entry, database
        content = arguments.get("approved_content")
        self.asked.append(content if isinstance(content, str) else None)
        done = {
            "content": "c0" * 32,
            "holds": {"public.t": [3, "a"]},
            "rows": {"public.t": 3},
            "committed": content is not None,
            "compared": 1,
            "unseen": [],
            "remaining": 0,
        }
        return {"changed": False, "held": None, "others": [], "done": done}

    def show(self, text: str) -> None:
        """Nobody reads it."""


@dataclass
class Scene:
    """A run whose rows are to be removed, and persons with keys."""

    run: Run
    keys: Path
    directory: Path
    plan: ApprovalPlan
    variables: dict[str, Any] = field(default_factory=dict)
    # What the line of each principal says.
    allowed: dict[str, str] = field(default_factory=lambda: {"dewi": "", "tom": "", "ada": ""})
    site: Site | None = None

    def public(self, name: str) -> str:
        return " ".join((self.keys / f"{name}.pub").read_text().split()[:2])

    def listed(self) -> Path:
        """The file of signers; `dewi2` is a second key of dewi's."""
        file = self.directory / "allowed_signers"
        lines = [
            f"{name.rstrip('2')} {options} {self.public(name)}\n"
            for name, options in self.allowed.items()
        ]
        file.write_text("".join(line.replace("  ", " ") for line in lines))
        file.chmod(0o600)
        return file

    def text(self, stage: str = "cleanup", **changes: Any) -> str:
        text = signing.OfRun(self.run, stage, self.plan).text
        return (
            json.dumps({**json.loads(text), **changes}, sort_keys=True, separators=(",", ":"))
            + "\n"
        )

    def sign(
        self, name: str, *, text: str | None = None, namespace: str = "pg-gonogo", file: str = ""
    ) -> str:
        made = _keygen(
            *("-Y", "sign", "-n", namespace, "-f", str(self.keys / name)),
            text=self.text() if text is None else text,
        )
        path = self.directory / f"{file or name}.sig"
        path.write_text(made)
        return str(path)

    def planned(self, **changes: Any) -> None:
        """Another plan is on record."""
        plan = {**vars(self.plan), **changes}
        self.plan = ApprovalPlan(**plan)
        self.run.write_json("cleanup_plan.json", self.plan, stage="cleanup")

    def play(self, *signatures: str, **given: Any) -> Reported:
        variables = {
            "gonogo_runs_dir": str(self.run.path.parents[1]),
            "gonogo_approval_signers": str(self.listed()),
            **self.variables,
        }
        self.site = Site(**{k: v for k, v in variables.items() if v is not None})
        answer = {"answer": f"COMMIT {self.plan.token}", "approved_by": "", "run_id": RUN_ID}
        task = CleanupTask(
            login=LOGIN,
            timeouts={},
            environment="staging",
            approval=Approval(**{**answer, "signatures": signatures, **given}),
            run_id=RUN_ID,
            plan_hours=8760,
        )
        return Cleanup(self.site).act(task)

    def record(self) -> dict[str, Any]:
        return dict(self.run.read_json("cleanup.json"))


def _at(**ago: int) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat(timespec="microseconds")


def _stamp(**ago: int) -> str:
    return f"{datetime.now(UTC) - timedelta(**ago):%Y%m%d%H%M%S}"


def _run(runs_dir: Path) -> Run:
    run = Run.create(runs_dir, "staging", RUN_ID)
    run.write_json("run.json", {**RUN, "environment": "staging"}, stage="target")
    run.write_json("plan.json", PLAN, stage="target")
    return run


@pytest.fixture
def scene(tmp_path: Path, keys: Path) -> Scene:
    run = _run(tmp_path / "runs")
    run.write("ledger.jsonl", "", stage="phases")
    run.write("sql/99_cleanup.sql", "SELECT 1", stage="files")
    run.append("run", "closed", {"fenced": []})
    plan = ApprovalPlan("c0" * 32, {}, _at(hours=1), "2999-01-01T00:00:00+00:00", TOKEN)
    made = Scene(run, keys, tmp_path, plan)
    made.planned()
    return made


# --- good ones ----------------------------------------------------------------------------------


def _one(scene: Scene) -> list[str]:
    told = scene.play(scene.sign("dewi"))
    assert told.lines[0].startswith("Signed by dewi, key SHA256:")
    return ["dewi"]


def _two(scene: Scene) -> list[str]:
    scene.variables["gonogo_approval_needed"] = 2
    scene.play(scene.sign("dewi"), scene.sign("tom"))
    return ["dewi", "tom"]


def _more(scene: Scene) -> list[str]:
    scene.play(scene.sign("tom"), scene.sign("dewi"))
    return ["tom", "dewi"]


def _typed(scene: Scene) -> list[str]:
    scene.play(answer=f"COMMIT {TOKEN} {scene.sign('tom')}", typed=True)
    return ["tom"]


def _another_kind(scene: Scene) -> list[str]:
    other = scene.directory / "keys"
    shutil.copytree(scene.keys, other)
    for name, kind in (("dewi", "ecdsa"), ("tom", "rsa")):
        for end in ("", ".pub"):
            (other / f"{name}{end}").unlink()
        _keygen("-q", "-t", kind, "-N", "", "-f", str(other / name))
    scene.keys = other
    scene.play(scene.sign("dewi"), scene.sign("tom"))
    return ["dewi", "tom"]


def _other_lines(scene: Scene) -> list[str]:
    after, before = f'valid-after="{_stamp(hours=2)}"', f'valid-before="{_stamp(hours=-1)}"'
    scene.allowed["dewi"] = f'namespaces="pg-*",{after},{before}'
    scene.play(scene.sign("dewi"))
    return ["dewi"]


def _operator_is_another(scene: Scene) -> list[str]:
    scene.variables["gonogo_approval_operators"] = {ACCOUNT: "ada"}
    scene.play(scene.sign("dewi"))
    return ["dewi"]


def _account_of_nobody(scene: Scene) -> list[str]:
    scene.variables["gonogo_approval_operators"] = {ACCOUNT: None, "other": "dewi"}
    scene.play(scene.sign("dewi"))
    return ["dewi"]


def _others_are_revoked(scene: Scene) -> list[str]:
    _revoke(scene, "# left\n" + (scene.keys / "eve.pub").read_text())
    scene.play(scene.sign("dewi"))
    return ["dewi"]


def _unsigned(scene: Scene) -> list[str]:
    scene.variables["gonogo_approval_unsigned"] = True
    scene.play(approved_by="Dewi")
    return []


def _exchanged(scene: Scene) -> list[str]:
    """Once it was read, its file is another's."""
    path, read = scene.sign("dewi"), files.given

    def given(text: str, *, key: str) -> bytes:
        content = read(text, key=key)
        Path(path).write_text("exchanged")
        return content

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "given", given)
        scene.play(path)
    return ["dewi"]


def _no_answer(scene: Scene) -> list[str] | None:
    for answer in ("", "ROLLBACK"):
        reported = scene.play(answer=answer)
        assert not reported.failed
        assert scene.site is not None
        assert not scene.site.committed
    return None


_GOOD: dict[str, Callable[[Scene], list[str] | None]] = {
    "one of one": _one,
    "two of two": _two,
    "more than needed": _more,
    "typed": _typed,
    "another kind of key": _another_kind,
    "other lines": _other_lines,
    "operator is another": _operator_is_another,
    "account of nobody": _account_of_nobody,
    "others are revoked": _others_are_revoked,
    "unsigned": _unsigned,
    "exchanged": _exchanged,
    "no answer": _no_answer,
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_approval(scene: Scene, name: str) -> None:
    principals = _GOOD[name](scene)
    assert scene.site is not None
    if principals is None:
        return
    assert scene.site.committed
    record, plan = scene.record(), scene.run.read_json("cleanup_plan.json")
    assert record.get("signed") == plan.get("signed")
    assert load(scene.run.path).problems == []
    if not principals:
        assert "signed" not in record
        assert record["approved_by"] == "Dewi"
        return
    assert record["approved_by"] == ", ".join(principals)
    signed = record["signed"]
    assert signed["account"] == ACCOUNT
    assert [one["principal"] for one in signed["signatures"]] == principals
    # As an auditor asks it, with what is on record.
    for one in signed["signatures"]:
        armor = scene.directory / "again.sig"
        armor.write_text(one["signature"])
        said = _keygen(
            *("-Y", "verify", "-n", signed["namespace"], "-I", one["principal"]),
            *("-f", str(scene.listed()), "-s", str(armor)),
            text=signed["text"],
        )
        assert one["fingerprint"] in said


# --- bad ones -----------------------------------------------------------------------------------


def _revoke(scene: Scene, text: str | bytes) -> None:
    file = scene.directory / "revoked"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    file.chmod(0o600)
    scene.variables["gonogo_approval_revoked"] = str(file)


def _krl(scene: Scene, name: str) -> bytes:
    file = scene.directory / "krl"
    _keygen("-q", "-k", "-f", str(file), str(scene.keys / f"{name}.pub"))
    return file.read_bytes()


def _two_needed(scene: Scene) -> None:
    scene.variables["gonogo_approval_needed"] = 2


def _refused(scene: Scene, *signatures: str, says: str, **given: Any) -> GonogoError:
    with pytest.raises(GonogoError) as caught:
        scene.play(*signatures, **given)
    assert says in caught.value.primary
    assert scene.site is not None
    assert not scene.site.committed
    assert not (scene.run.path / "cleanup.json").exists()
    assert scene.run.read_json("cleanup_plan.json").get("approved_by") is None
    return caught.value


Bad = Callable[[Scene, str], object]


def _bad_no_signature(scene: Scene, says: str) -> None:
    error = _refused(scene, approved_by="Dewi", says=says)
    assert error.detail == "1 of these have to sign: ada, dewi, tom."
    assert "ssh-keygen -Y sign -n pg-gonogo" in str(error.hint)


def _bad_too_few(scene: Scene, says: str) -> None:
    _two_needed(scene)
    _refused(scene, scene.sign("dewi"), says=says)


def _bad_not_listed(scene: Scene, says: str) -> None:
    _two_needed(scene)
    _refused(scene, scene.sign("dewi"), scene.sign("eve"), says=says)


def _bad_listed_for_another(scene: Scene, says: str) -> None:
    scene.allowed["dewi"] = 'namespaces="git"'
    error = _refused(scene, scene.sign("dewi"), says=says)
    assert "not permitted" in str(error.detail)


def _bad_namespace(scene: Scene, says: str) -> None:
    _refused(scene, scene.sign("dewi", namespace="git"), says=says)
    scene.variables["gonogo_approval_namespace"] = "db@example.com"
    _refused(scene, scene.sign("dewi"), says=says)


def _bad_another_plan(scene: Scene, says: str) -> None:
    others: dict[str, Any] = {
        "run_id": "20260131T120000Z-ffffff",
        "what": "undo",
        "plan": "d0" * 32,
        "environment": "production",
        "database": "other",
        "host": "db2",
        "token": "9876543210",
        "planned_at": _at(minutes=1),
        "approval": "pg-gonogo 2",
    }
    assert others.keys() == json.loads(scene.text()).keys()
    for key, value in others.items():
        _refused(scene, scene.sign("dewi", text=scene.text(**{key: value})), says=says)
    _refused(scene, scene.sign("dewi", text=""), says=says)


def _bad_used(scene: Scene, says: str) -> None:
    path = scene.sign("dewi")
    scene.play(path)
    assert scene.site is not None
    assert scene.site.committed
    used = scene.record()["token"]
    # The rows are there again, the same ones; the token is asked for again, too.
    scene.plan, _ = approval.open_plan(
        scene.run, "cleanup_plan.json", scene.plan.content, hours=1, used=used
    )
    scene.run.write_json("cleanup_plan.json", scene.plan, stage="cleanup")
    with pytest.raises(GonogoError, match=says):
        scene.play(path)
    assert not scene.site.committed
    assert scene.record()["token"] == used


def _bad_changed(scene: Scene, says: str) -> None:
    path = Path(scene.sign("dewi"))
    lines = path.read_text().splitlines()
    place = lines[-2][0]
    lines[-2] = ("A" if place != "A" else "B") + lines[-2][1:]
    path.write_text("\n".join(lines) + "\n")
    _refused(scene, str(path), says=says)


def _bad_old(scene: Scene, says: str) -> None:
    scene.planned(planned_at=_at(hours=25))
    _refused(scene, scene.sign("dewi"), says=says)


def _bad_future(scene: Scene, says: str) -> None:
    scene.planned(planned_at=_at(hours=-24))
    _refused(scene, scene.sign("dewi"), says=says)


def _bad_expired(scene: Scene, says: str) -> None:
    scene.allowed["dewi"] = f'valid-before="{_stamp(minutes=30)}"'
    error = _refused(scene, scene.sign("dewi"), says=says)
    assert "key has expired" in str(error.detail)


def _bad_not_yet(scene: Scene, says: str) -> None:
    scene.allowed["dewi"] = f'valid-after="{_stamp(minutes=30)}"'
    error = _refused(scene, scene.sign("dewi"), says=says)
    assert "not yet valid" in str(error.detail)


def _bad_revoked(scene: Scene, says: str) -> None:
    _revoke(scene, (scene.keys / "dewi.pub").read_text())
    _refused(scene, scene.sign("dewi"), says=says)


def _bad_krl(scene: Scene, says: str) -> None:
    _revoke(scene, _krl(scene, "dewi"))
    _refused(scene, scene.sign("dewi"), says=says)


def _bad_damaged_krl(scene: Scene, says: str) -> None:
    _revoke(scene, _krl(scene, "eve")[:-8])
    _refused(scene, scene.sign("dewi"), says=says)


def _bad_twice(scene: Scene, says: str) -> None:
    _two_needed(scene)
    path = scene.sign("dewi")
    _refused(scene, path, path, says=says)
    shutil.copy(path, scene.directory / "tom.sig")
    _refused(scene, path, str(scene.directory / "tom.sig"), says=says)


def _bad_one_key(scene: Scene, says: str) -> None:
    _two_needed(scene)
    first, second = scene.sign("dewi"), scene.sign("dewi", file="second")
    _refused(scene, first, second, says=says)


def _bad_two_keys(scene: Scene, says: str) -> None:
    _two_needed(scene)
    scene.allowed["dewi2"] = ""
    _refused(scene, scene.sign("dewi"), scene.sign("dewi2"), says=says)


def _bad_operator(scene: Scene, says: str) -> None:
    scene.variables["gonogo_approval_operators"] = {ACCOUNT: "dewi"}
    _refused(scene, scene.sign("dewi"), says=says)
    # Nor is he one of two.
    _two_needed(scene)
    _refused(scene, scene.sign("tom"), scene.sign("dewi"), says=says)
    # By another of his keys.
    scene.allowed["dewi2"] = ""
    _refused(scene, scene.sign("dewi2"), says=says)


def _bad_unknown_operator(scene: Scene, says: str) -> None:
    scene.variables["gonogo_approval_operators"] = {f"{ACCOUNT}2": "ada"}
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LOGNAME", f"{ACCOUNT}2")
        patched.setenv("USER", f"{ACCOUNT}2")
        _refused(scene, scene.sign("dewi"), says=says)


def _bad_garbage(scene: Scene, says: str) -> None:
    good = Path(scene.sign("dewi")).read_bytes()
    middle = len(good) // 2
    file = scene.directory / "garbage.sig"
    for content in (
        b"",
        b"COMMIT",
        (scene.keys / "dewi.pub").read_bytes(),
        good[:middle],
        good[:middle] + b"\0" + good[middle:],
        good + good,
        b"x" + good,
        good.replace(b"U1NI", b"AAAA"),
        b"-----BEGIN SSH SIGNATURE-----\n\n-----END SSH SIGNATURE-----\n",
        b"-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAf////8=\n-----END SSH SIGNATURE-----\n",
        bytes(range(256)),
    ):
        file.write_bytes(content)
        _refused(scene, str(file), says=says)


def _bad_certificate(scene: Scene, says: str) -> None:
    copy = scene.directory / "keys"
    shutil.copytree(scene.keys, copy)
    _keygen("-q", "-s", str(copy / "ada"), "-I", "x", "-n", "dewi", str(copy / "eve.pub"))
    made = _keygen(
        *("-Y", "sign", "-n", "pg-gonogo", "-f", str(copy / "eve-cert.pub")), text=scene.text()
    )
    file = scene.directory / "certificate.sig"
    file.write_text(made)
    _refused(scene, str(file), says=says)


def _bad_link(scene: Scene, says: str) -> None:
    link = scene.directory / "link.sig"
    link.symlink_to(scene.sign("dewi"))
    _refused(scene, str(link), says=says)


def _bad_large(scene: Scene, says: str) -> None:
    path = Path(scene.sign("dewi"))
    path.write_bytes(path.read_bytes() + b"\n" * files.LARGEST_SIGNATURE)
    _refused(scene, str(path), says=says)


def _bad_no_file(scene: Scene, says: str) -> None:
    ways = says.split("; ")
    os.mkfifo(scene.directory / "pipe")
    for path in ("/dev/zero", ".", "pipe", "nowhere.sig", "\0", "~nobody-there/x", "x" * 5000):
        error = _refused(scene, str(scene.directory / path), says="file")
        assert any(way in error.primary for way in ways)
        assert "gonogo_approval_signatures[0]" in error.render()
    error = _refused(scene, says=ways[0], answer=f"COMMIT {TOKEN} hunter2", typed=True)
    assert "hunter2" not in error.render()


def _bad_nobody(scene: Scene, says: str) -> None:
    path = scene.sign("dewi")
    scene.variables["gonogo_approval_signers"] = None
    _refused(scene, path, says=says)


_BAD: dict[str, Bad] = {
    "no signature": _bad_no_signature,
    "too few": _bad_too_few,
    "not listed": _bad_not_listed,
    "listed for another": _bad_listed_for_another,
    "wrong namespace": _bad_namespace,
    "another plan": _bad_another_plan,
    "used before": _bad_used,
    "another signature": _bad_changed,
    "too old": _bad_old,
    "of the future": _bad_future,
    "expired": _bad_expired,
    "not yet valid": _bad_not_yet,
    "revoked": _bad_revoked,
    "revoked by a KRL": _bad_krl,
    "damaged KRL": _bad_damaged_krl,
    "twice": _bad_twice,
    "one key signs twice": _bad_one_key,
    "two keys of one": _bad_two_keys,
    "operator": _bad_operator,
    "unknown operator": _bad_unknown_operator,
    "garbage": _bad_garbage,
    "certificate": _bad_certificate,
    "link": _bad_link,
    "large": _bad_large,
    "no file": _bad_no_file,
    "nobody may sign": _bad_nobody,
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_approval(scene: Scene, name: str) -> None:
    _BAD[name](scene, BAD[name][1])


# --- settings -----------------------------------------------------------------------------------


def _rules(scene: Scene, *, extra: Any = None, effective: Any = None, **said: Any) -> signing.Rules:
    inventory = {"gonogo_approval_signers": str(scene.listed()), **said}
    inventory = {name: value for name, value in inventory.items() if value is not None}
    seen = {**inventory, **(effective or {})}
    return signing.rules(inventory, effective=seen, extra=extra or {})


def _writable(scene: Scene, file: Path) -> list[dict[str, Any]]:
    more = scene.directory / "more"
    more.mkdir()
    for place, mode, owner in ((file, 0o622, more), (more / "x", 0o600, more)):
        shutil.copy(file, more / "x")
        (more / "x").chmod(mode)
        owner.chmod(0o700 if place is file else 0o777)
        with pytest.raises(InputError, match=INVENTORY["writable"][1]):
            _rules(scene, gonogo_approval_signers=str(more / "x"))
    return [{"gonogo_approval_revoked": str(more / "x")}]


def _settings(scene: Scene, name: str, patched: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is said by the inventory, and by others; each of it is refused."""
    every = [one.name for one in SIGNING]
    file = scene.listed()
    if name == "extra":
        return [{"extra": {one: "x"}} for one in every]
    if name == "elsewhere":
        return [{"effective": {one: "x"}} for one in every]
    if name == "template":
        nested: Any = {"gonogo_approval_operators": {ACCOUNT: "{{ x }}"}}
        return [nested, *({one: "{{ x }}"} for one in every)]
    paths = {"missing": "/nowhere/allowed_signers", "linked": str(scene.directory / "link")}
    if name in paths:
        (scene.directory / "link").symlink_to(file)
        return [{"gonogo_approval_signers": paths[name]}]
    if name == "writable":
        return _writable(scene, file)
    if name == "not whole":
        patched.chdir(scene.directory)
        patched.setenv("HOME", str(scene.directory))
        names = ("~/allowed_signers", "$HOME/allowed_signers", "allowed_signers", "./x")
        return [{"gonogo_approval_signers": path} for path in names]
    if name == "alone":
        others = [one for one in every if one != "gonogo_approval_signers"]
        return [{"gonogo_approval_signers": None, one: 1} for one in others]
    if name == "too many":
        scene.allowed = {"dewi": "", "tom": "", "dewi2": ""}
        return [{"gonogo_approval_needed": 3}]
    if name == "operator":
        return [{"gonogo_approval_operators": {ACCOUNT: one}} for one in ("dewy", "", 3, ["dewi"])]
    if name == "revoked":
        _revoke(scene, "garbage\n")
        return [dict(scene.variables)]
    program = scene.directory / "ssh-keygen"
    if name == "old":
        program.write_text("#!/bin/sh\necho 'usage: ssh-keygen -Y verify' >&2\nexit 1\n")
        program.chmod(0o700)
    patched.setattr(keygen, "PLACES", str(scene.directory))
    return [{}]


@pytest.mark.parametrize("name", INVENTORY)
def test_settings_that_are_refused(
    scene: Scene, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given in _settings(scene, name, monkeypatch):
        with pytest.raises(GonogoError) as caught:
            _rules(scene, **given)
        assert INVENTORY[name][1] in caught.value.render(), given


@pytest.mark.parametrize(
    "said",
    [
        {"gonogo_approval_needed": 0},
        {"gonogo_approval_needed": "many"},
        {"gonogo_approval_max_age_hours": 0},
        {"gonogo_approval_max_age_hours": 10**9},
        {"gonogo_approval_namespace": "two words"},
        {"gonogo_approval_namespace": "-r"},
        {"gonogo_approval_unsigned": "perhaps"},
        {"gonogo_approval_operators": ["dewi"]},
        {"gonogo_approval_signers": 3},
        {"gonogo_approval_revoked": ""},
    ],
)
def test_a_value_that_cannot_be_is_one_error(scene: Scene, said: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        _rules(scene, **said)
    assert next(iter(said)) in caught.value.render()


def test_what_the_inventory_says_counts(scene: Scene) -> None:
    assert signing.rules({}, effective={}, extra={}) == signing.NONE
    found = _rules(scene, gonogo_approval_needed="2", gonogo_approval_unsigned="yes")
    assert (found.needed, found.unsigned, found.namespace) == (2, True, "pg-gonogo")
    # Whatever the stage allows.
    assert found.hours(8760) == 24
    assert signing.NONE.hours(8760) == 8760
    assert {one.name for one in SIGNING} <= set(ONLY_INVENTORY)


@pytest.mark.parametrize("line", SIGNERS)
def test_a_file_of_signers_that_is_refused(scene: Scene, line: str) -> None:
    text = line.encode().decode("unicode_escape").encode("latin-1").decode("latin-1")
    for letter, name in (("K", "dewi"),):
        text = text.replace(f" {letter}", f" {scene.public(name)}")
    with pytest.raises(InputError) as caught:
        signers.read(text.encode(), key="gonogo_approval_signers")
    assert SIGNERS[line][1] in caught.value.primary


def test_a_key_that_is_written_otherwise_is_not_another_persons(scene: Scene) -> None:
    """ssh-keygen takes a number with zeros before it for the same; the answer names the key."""
    found = signers.read(scene.listed().read_bytes(), key="x")
    dewi, tom = found.lines[0], found.lines[1]
    question = keygen.Question(
        scene.text().encode(), Path(scene.sign("dewi")).read_bytes(), "pg-gonogo", dewi, found
    )
    now = datetime.now(UTC)
    assert keygen.verified(question, at=now) is None
    forged = signers.Signer(dewi.line, dewi.principal, dewi.key, tom.blob)
    assert keygen.verified(keygen.Question(**{**vars(question), "signer": forged}), at=now)


def test_what_a_signature_says_of_itself(scene: Scene) -> None:
    claim = sshsig.claim(Path(scene.sign("dewi", namespace="a-b")).read_bytes())
    assert claim is not None
    assert claim.namespace == "a-b"
    assert signers.fingerprint(claim.blob) in _keygen("-l", "-f", str(scene.keys / "dewi.pub"))


# --- the four of them ---------------------------------------------------------------------------


def test_the_command_that_is_printed_signs_it(scene: Scene) -> None:
    """As it stands there, in a shell: with a name of a database that is hostile."""
    target = {
        **RUN["target"],
        "declared": {**RUN["target"]["declared"], "database": "a'$(x)\n\u202e"},
    }
    scene.run.write_json("run.json", {**RUN, "environment": "staging", "target": target}, stage="x")
    rules = _rules(scene, gonogo_approval_needed=2)
    lines = signing.lines(signing.OfRun(scene.run, "cleanup", scene.plan), rules)
    assert "2 persons sign" in lines[0]
    assert all(line.isascii() and line.isprintable() for line in lines)
    command = lines[1].strip().replace("KEY", str(scene.keys / "dewi"))
    made = scene.directory / "NAME.sig"
    subprocess.run(["sh", "-c", command], cwd=scene.directory, check=True, capture_output=True)
    given = Approval(f"COMMIT {TOKEN}", "", RUN_ID, signatures=(str(made), scene.sign("tom")))
    now = datetime.now(UTC)
    signed = signing.require(given, signing.OfRun(scene.run, "cleanup", scene.plan), rules, now=now)
    assert signed is not None
    assert json.loads(signed.text)["database"] == "a'$(x)\n\u202e"


def test_a_plan_tells_how_it_is_signed(scene: Scene) -> None:
    told = scene.play(answer="ROLLBACK")
    assert any("gonogo_approval_signatures=NAME.sig" in line for line in told.lines)


def test_a_deployment_is_signed_in_the_same_way(scene: Scene) -> None:
    """Once: the evidence of the run that has shown it remembers the token."""
    scene.run = _run(scene.directory / "open")
    scene.run.write_json(deploy_approval.PLAN, scene.plan, stage="deploy")
    rules = _rules(scene)
    given = Approval(
        f"COMMIT {TOKEN}", None, RUN_ID, signatures=(scene.sign("dewi", text=scene.text("deploy")),)
    )
    later = Run.create(scene.run.path.parents[1], "staging", "20260201T120000Z-0a1b2c")
    for wrong in ((), (scene.sign("tom"),)):
        with pytest.raises(GonogoError, match="nothing was deployed"):
            deploy_approval.require(
                later,
                Approval(f"COMMIT {TOKEN}", "Dewi", RUN_ID, signatures=wrong),
                scene.plan.content,
                hint="again",
                rules=rules,
            )
    approved = deploy_approval.require(later, given, scene.plan.content, hint="x", rules=rules)
    assert approved.approved_by == "dewi"
    assert approved.signed is not None
    with pytest.raises(GonogoError, match="was used by run"):
        deploy_approval.require(later, given, scene.plan.content, hint="x", rules=rules)


def test_a_signature_that_nothing_came_of_stays_on_record(scene: Scene) -> None:
    scene.play(scene.sign("dewi"))
    signed = scene.record()["signed"]
    (scene.run.path / "cleanup.json").unlink()
    unheard.keep_nothing(scene.run, "cleanup", by="another")
    plan = approval.plan_of(scene.run, "cleanup_plan.json")
    assert plan.signed is None
    assert plan.nothing_came_of is not None
    assert plan.nothing_came_of[0].signed is not None
    assert plan.nothing_came_of[0].signed.text == signed["text"]


def test_what_is_given_to_ssh_keygen_is_private(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    run = keygen._run

    def looked(words: list[str], text: bytes, directory: Path) -> Any:
        if directory != Path("/"):
            seen.append(stat.S_IMODE(directory.stat().st_mode))
        return run(words, text, directory)

    monkeypatch.setattr(keygen, "_run", looked)
    scene.play(scene.sign("dewi"))
    assert set(seen) == {0o700}


def test_the_example_of_the_page(scene: Scene) -> None:
    """Its inventory and its file of signers, as they stand there, but for keys and places."""
    lines = ALLOWED.replace("sk-ssh-ed25519@openssh.com", "ssh-ed25519")
    for name in ("ada", "dewi", "tom"):
        lines = lines.replace("ssh-ed25519 AAAA...", scene.public(name), 1)
    listed = scene.directory / "allowed_signers"
    listed.write_text(lines)
    _revoke(scene, (scene.keys / "eve.pub").read_text())
    (scene.directory / "revoked").rename(scene.directory / "revoked_keys")
    text = EXAMPLE.replace("/etc/gonogo", str(scene.directory)).replace("{ada:", f"{{{ACCOUNT}:")
    scene.listed = lambda: listed  # type: ignore[method-assign]
    scene.variables = yaml.safe_load(text)
    _refused(scene, scene.sign("ada"), scene.sign("tom"), says="cannot approve it")
    scene.play(scene.sign("dewi"), scene.sign("tom"))
    assert scene.record()["approved_by"] == "dewi@example.com, tom@example.com"
    assert scene.record()["signed"]["operator"] == "ada@example.com"
    assert _verified(scene, approvers=2) == []


# --- verified again, by the program of its own ----------------------------------------------------


def _verified(scene: Scene, files: dict[str, Any] | None = None, **asked: Any) -> list[str]:
    """What the program of its own finds wrong with the approvals of the run."""
    problems: list[str] = []
    if files is None:
        files = _files(scene, problems)
        assert problems == []
    given = {"allowed_signers": str(scene.listed()), "revoked": None, "namespace": None}
    options = Namespace(**{"approvers": 1, **given, **asked})
    verify_evidence.verify_approvals(files, options, problems)
    return problems


def _files(scene: Scene, problems: list[str]) -> dict[str, Any]:
    raw = (scene.run.path / "events.jsonl").read_bytes()
    events = verify_evidence.read_chain(raw, problems)
    return verify_evidence.read_files(scene.run.path, events, len(events), problems)


def test_an_approval_is_verified_again(scene: Scene) -> None:
    scene.variables["gonogo_approval_needed"] = 2
    scene.play(scene.sign("dewi"), scene.sign("tom"))
    assert _verified(scene) == []
    assert _verified(scene, approvers=2, namespace="pg-gonogo") == []
    for asked, wrong in (
        ({"approvers": 3}, "not signed by as many others as have to"),
        ({"namespace": "git"}, "namespace does not match"),
        ({"revoked": str(scene.keys / "tom.pub")}, "tom has not signed it: revoked"),
        ({"allowed_signers": "/nowhere"}, "has not signed it"),
    ):
        assert wrong in " ".join(_verified(scene, **asked)), asked
    # Of a file of signers in which one of them is not, or was not then.
    for line in ('valid-before="20200101"', 'valid-after="29990101"'):
        scene.allowed["tom"] = line
        assert "tom has not signed it" in " ".join(_verified(scene))
    del scene.allowed["tom"]
    assert "tom has not signed it" in " ".join(_verified(scene))


def test_a_record_that_was_written_anew_is_found_out(scene: Scene) -> None:
    scene.play(scene.sign("dewi"))
    good = _files(scene, [])
    dewi = good["cleanup.json"]["signed"]["signatures"][0]
    said = json.loads(good["cleanup.json"]["signed"]["text"])
    more = json.dumps({**said, "more": 1}, sort_keys=True, separators=(",", ":")) + "\n"

    def changed(**record: Any) -> list[str]:
        return _verified(scene, {**good, "cleanup.json": {**good["cleanup.json"], **record}})

    def signed(**part: Any) -> list[str]:
        return changed(signed={**good["cleanup.json"]["signed"], **part})

    assert changed() == []
    for problems in (
        changed(signed=None),
        changed(token="9876543210"),
        changed(content="d0" * 32),
        signed(signatures=[]),
        signed(text=scene.text(what="undo")),
        signed(text=scene.text(planned_at=_at(minutes=2))),
        signed(text=more),
        signed(needed=2),
        signed(operator="dewi"),
        signed(signatures=[dewi, dewi], needed=2),
        signed(signatures=[{**dewi, "principal": "tom"}]),
        signed(signatures=[{**dewi, "signature": "x"}]),
    ):
        assert problems
    # Of one that was interrupted, the plan says what was approved.
    assert changed(content="d0" * 32, recovered={}) == []
    # Nobody has to approve that no row was found, and somebody that rows were removed.
    nobody = {"approved_by": None, "signed": None}
    none = {"public.t": 0}
    assert changed(**nobody, committed=False, rows=none) == []
    assert changed(**nobody, committed=False) != []
    assert changed(**nobody, rows=none) != []


def test_a_path_of_an_account_that_cannot_be_is_one_error() -> None:
    for path in ("~\0/x", "~\ud800/x"):
        with pytest.raises(InputError, match="cannot be read: no path"):
            files.given(path, key="gonogo_approval_signatures[0]")


def test_what_was_read_is_asked_for_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others may have put a file there and taken it away again, before its path is looked at."""
    there = tmp_path / "signers"
    there.write_text("x")
    there.chmod(0o666)

    def gone(path: Path) -> None:
        path.unlink()

    monkeypatch.setattr(files, "obstacle", gone)
    with pytest.raises(InputError, match="others could exchange the file"):
        files.trusted(str(there), key="gonogo_approval_signers")


def test_a_deployment_that_nobody_has_approved_is_found_out(scene: Scene) -> None:
    scene.play(scene.sign("dewi"))
    good = _files(scene, [])
    for approved in (None, {}, {"approved_by": ""}):
        record = {"action": "applied", "approved": approved}
        problems = _verified(scene, {**good, "deploy.json": record})
        assert problems == ["deploy.json: the approval is not signed, or for something else"]
    assert _verified(scene, {**good, "deploy.json": {"action": "none", "approved": None}}) == []


@pytest.mark.parametrize("name", ["cleanup", "undo", "restore"])
def test_so_is_every_other_change(scene: Scene, name: str) -> None:
    scene.play(scene.sign("dewi"))
    forged = {**_files(scene, []), f"{name}.json": {"done": True}}
    problems = _verified(scene, forged)
    assert f"{name}.json: the approval is not signed, or for something else" in problems
