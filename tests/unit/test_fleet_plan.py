"""One approval for many hosts: what it admits, and what is none of it."""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gonogo.contract.canonical import dumps, line, sha256
from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.options.deploy import DeployTask
from gonogo.contract.options.shared import Approval
from gonogo.contract.records.answers import DeployAnswer
from gonogo.contract.records.approval import ApprovalPlan
from gonogo.contract.records.deployment import Approved, HistoryFound, Inspection
from gonogo.contract.records.fleet_plan import FleetPart, FleetPlan, PlannedSteps
from gonogo.contract.records.migration import HistoryPlan, Plan, Statement, Step
from gonogo.contract.records.reading import plain, read
from gonogo.contract.records.run import Process, RunRecord
from gonogo.controller import fleet
from gonogo.controller.evidence import Run, load
from gonogo.controller.fleet import Member, Place, planning
from gonogo.controller.invocation import project
from gonogo.controller.request import approval, deploy_approval, fleet_approval, signing
from gonogo.controller.request.remembered import Remembered
from gonogo.controller.runbook import plans
from gonogo.controller.stages.deploy import Deploy
from gonogo.controller.stages.reported import Reported
from tests.pages.approvals import FLEET_BAD, FLEET_GOOD
from tests.records import DECLARED, IDENTITY, PLAN, RUN
from tests.unit.deployments import deployment
from tools.direct import Here

FLEET = "20260131T115900Z-fedcba"
LOOK = Inspection("absent", (), HistoryFound("plain", ()), ())
NOW = datetime(2026, 1, 31, 13, tzinfo=UTC)


def steps(text: str) -> Plan:
    statement = Statement("1.sql", 1, 1, text, "ALTER", "", "", (), (), read=True, outside=None)
    step = Step("1.sql", transaction=True, statements=(statement,))
    return Plan((step,), (), HistoryPlan("plain", "public", ()))


ADD, DROP = steps("ALTER TABLE a ADD b int;"), steps("ALTER TABLE a DROP b;")


@dataclass
class Scene:
    """Three hosts of which each has shown its plan; the third gets other statements."""

    runs_dir: Path
    keys: Path
    environment: str = "production"
    customer: str | None = None
    number: int = 0

    def run(self, host: str, *, database_oid: int = 16384, **more: Any) -> Run:
        """A new run on a host."""
        self.number += 1
        run_id = f"20260131T12{self.number:02}00Z-0a1b2c"
        run = Run.create(self.runs_dir, self.environment, run_id)
        target = {
            **RUN["target"],
            "inventory_host": host,
            "declared": {**DECLARED, "database": f"shop_{host}"},
            "observed": {**IDENTITY, "database_oid": database_oid},
        }
        about = {"environment": self.environment, "run_id": run_id, "target": target, **more}
        if self.customer:
            about["customer"] = self.customer
        run.write_json("run.json", {**RUN, **about}, stage="target")
        run.write_json("plan.json", PLAN, stage="target")
        return run

    def plan(self, run: Run, what: Plan, *, hours: int = 24) -> ApprovalPlan:
        """As the stage deploy shows it."""
        record = run.read(RunRecord)
        content = deploy_approval.content(record, what, LOOK)
        holds = deploy_approval.holds(record, what, LOOK)
        shown, new = approval.open_plan(
            run, deploy_approval.PLAN, content, hours=hours, holds=holds
        )
        if new:
            run.write_json(deploy_approval.PLAN, shown, stage="deploy")
            run.keep(
                PlannedSteps(record.runbook_sha256, record.profile, what.steps), stage="deploy"
            )
        return replace(shown, content=content, holds=holds)

    def shown(self, hosts: Mapping[str, Plan], *, hours: int = 24, fleet_id: str = FLEET) -> Any:
        """The plan of a first start, written beside its summary."""
        members = []
        for host, what in hosts.items():
            run = self.run(host)
            self.plan(run, what, hours=hours)
            members.append(Member(host, run.path))
        place = Place(self.runs_dir, self.environment, fleet_id)
        record = fleet.collected(members, place, started_at=NOW, now=NOW)
        made = fleet.planned(members, place, now=datetime.now(UTC))
        assert made is not None
        fleet.write_plan(made, record, place.path)
        return made

    @property
    def file(self) -> Path:
        return self.runs_dir / self.environment / "fleets" / FLEET / "plan.json"

    def rewrite(self, change: Callable[[dict[str, Any]], object], *, seal: bool = False) -> None:
        """Somebody changes the file; with `seal` as whoever knows how it is made."""
        value = json.loads(self.file.read_text())
        change(value)
        if seal:
            plan = read(FleetPlan, value, file="plan.json")
            listed = sorted(map(fleet_approval.digest, plan.hosts))
            plan = replace(plan, listed=listed, content=sha256(line(listed)))
            plan = replace(plan, token=fleet_approval._token(plan))
            value = plain(plan)
        self.file.write_text(dumps(value))

    def sign(self, text: str, name: str = "dewi", namespace: str = "pg-gonogo") -> str:
        words = ("-Y", "sign", "-n", namespace, "-f", str(self.keys / name))
        made = subprocess.run(
            ["ssh-keygen", *words], input=text, text=True, capture_output=True, check=True
        )
        file = self.keys / f"{name}.sig"
        file.write_text(made.stdout)
        return str(file)

    @property
    def signers(self) -> Path:
        file = self.keys / "allowed_signers"
        file.write_text(
            "".join(f"{n} {(self.keys / f'{n}.pub').read_text()}" for n in ("dewi", "tom"))
        )
        file.chmod(0o600)
        return file

    def rules(self, **more: Any) -> signing.Rules:
        said = {"gonogo_approval_signers": str(self.signers), **more}
        return signing.rules(said, effective=said, extra={})

    def admit(
        self,
        host: str,
        what: Plan,
        token: str,
        *,
        rules: signing.Rules = signing.NONE,
        run: Run | None = None,
        **given: Any,
    ) -> tuple[Run, Approved]:
        """As the stage deploy of the next start asks."""
        run = run or self.run(host)
        answer = {"answer": f"COMMIT {token}", "approved_by": "Dewi", "run_id": ""}
        person = Approval(**{**answer, "fleet_id": FLEET, **given})
        now = self.plan(run, what)
        approved, part = fleet_approval.require(run, person, now, hint="again", rules=rules)
        run.keep(part, stage="deploy")
        return run, approved


HOSTS = {"db1": ADD, "db2": ADD, "db3": DROP}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    for name in ("dewi", "tom"):
        words = ("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(directory / name))
        subprocess.run(["ssh-keygen", *words], check=True)
    return directory


@pytest.fixture
def scene(tmp_path: Path, keys: Path) -> Scene:
    (tmp_path / "keys").mkdir(mode=0o700)
    for file in keys.iterdir():
        shutil.copy(file, tmp_path / "keys")
    return Scene(tmp_path / "runs", tmp_path / "keys")


# --- the plan -------------------------------------------------------------------------------------


def test_equal_statements_are_there_once(scene: Scene) -> None:
    plan = scene.shown(HOSTS)
    found = planning.groups(plan)
    assert [[one.host for one in group.hosts] for group in found] == [["db1", "db2"], ["db3"]]
    page = (scene.file.parent / "plan.md").read_text()
    assert page.count("ALTER TABLE a ADD b int;") == page.count("ALTER TABLE a DROP b;") == 1
    for host in HOSTS:
        assert f"shop\\_{host}" in page or f"shop&#95;{host}" in page or f"shop_{host}" in page
    record = SimpleNamespace(hosts=())
    lines = fleet.plan_lines(plan, record, page="plan.md")  # type: ignore[arg-type]
    assert lines[:3] == [
        "The plan of 3 hosts; nothing of it is deployed yet:",
        "  1.sql: 1 statement",
        "    to 2 databases: db1 (shop_db1), db2 (shop_db2)",
    ]


def test_what_is_written_is_read_again(scene: Scene) -> None:
    plan = scene.shown(HOSTS)
    assert fleet_approval.read_plan(scene.file.parents[2], FLEET) == read(
        FleetPlan, plain(plan), file="plan.json"
    )
    assert scene.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("time", ["soon", "2026-01-31T12:00:00", ""])
@pytest.mark.parametrize("which", ["planned_at", "expires_at"])
def test_times_that_are_none(scene: Scene, which: str, time: str) -> None:
    """Whoever has made the file anew."""
    scene.shown(HOSTS)
    scene.rewrite(lambda value: value.update({which: time}), seal=True)
    with pytest.raises(GonogoError) as caught:
        fleet_approval.read_plan(scene.file.parents[2], FLEET)
    assert caught.value.detail == "Its times are none."


def test_a_plan_ends_with_that_of_its_first_host(scene: Scene) -> None:
    run = scene.run("db9")
    early = scene.plan(run, ADD, hours=1)
    members = [Member("db9", run.path)]
    for host in HOSTS:
        one = scene.run(host)
        scene.plan(one, ADD)
        members.append(Member(host, one.path))
    place = Place(scene.runs_dir, scene.environment, FLEET)
    plan = fleet.planned(members, place, now=datetime.now(UTC))
    assert plan is not None
    assert plan.expires_at == early.expires_at


@pytest.mark.parametrize("what", ["done", "another host", "damaged", "begun", "no plan", "no run"])
def test_who_is_no_part_of_it(scene: Scene, what: str) -> None:
    """One whose run has shown nothing, or of which nobody can tell what it has shown."""
    run = scene.run("db1")
    if what != "no plan":
        scene.plan(run, ADD)
    member = Member("db1", run.path)
    if what == "done":
        member = replace(member, done=True)
    if what == "another host":
        member = replace(member, host="db2")
    if what == "damaged":
        (run.path / "run.json").write_text("{}\n")
    if what == "begun":
        run.write_json("deploy_intent.json", {}, stage="deploy")
    if what == "no run":
        member = Member("db1", None)
    place = Place(scene.runs_dir, scene.environment, FLEET)
    assert fleet.planned([member], place, now=NOW) is None


HOSTILE = "SELECT '```\n# x <script> \u202e\x1b[2J ````';"


def test_a_page_holds_whatever_the_statements_are(scene: Scene) -> None:
    scene.shown({"db1": steps(HOSTILE)})
    page = (scene.file.parent / "plan.md").read_text()
    assert "`````sql\nSELECT '```\n# x <script> \\u202e\\x1b[2J ````';\n`````" in page


# --- the approval ---------------------------------------------------------------------------------


def _by_token(scene: Scene, plan: FleetPlan) -> None:
    for host, statements in HOSTS.items():
        _, approved = scene.admit(host, statements, plan.token)
        assert (approved.approved_by, approved.fleet, approved.signed) == ("Dewi", FLEET, None)
        assert approved.token == plan.token


def _by_signature(scene: Scene, plan: FleetPlan) -> None:
    file = scene.sign(fleet_approval.OfFleet(plan).text)
    for host, statements in HOSTS.items():
        given: dict[str, Any] = {"signatures": (file,), "approved_by": ""}
        _, approved = scene.admit(host, statements, plan.token, rules=scene.rules(), **given)
        assert approved.signed is not None
        assert approved.approved_by == "dewi"


def _by_both(scene: Scene, plan: FleetPlan) -> None:
    file = scene.sign(fleet_approval.OfFleet(plan).text)
    _, approved = scene.admit("db1", ADD, plan.token, signatures=(file,))
    assert (approved.approved_by, approved.signed) == ("Dewi", None)


def _continued(scene: Scene, plan: FleetPlan) -> None:
    scene.admit("db1", ADD, plan.token)
    # The start is stopped here; the next one goes on.
    scene.admit("db2", ADD, plan.token)
    scene.admit("db3", DROP, plan.token)


def _one_changed(scene: Scene, plan: FleetPlan) -> None:
    with pytest.raises(GonogoError, match="has changed since the fleet's plan was shown"):
        scene.admit("db2", DROP, plan.token)
    scene.admit("db1", ADD, plan.token)


GOOD: dict[str, Callable[[Scene, FleetPlan], None]] = {
    "token": _by_token,
    "signed": _by_signature,
    "mixed": _by_both,
    "continued": _continued,
    "one changed": _one_changed,
}


@pytest.mark.parametrize("what", FLEET_GOOD)
def test_a_good_approval(scene: Scene, what: str) -> None:
    GOOD[what](scene, scene.shown(HOSTS))


@dataclass
class Attempt:
    """What the next start is given, on a host that the plan lists."""

    scene: Scene
    plan: FleetPlan
    token: str
    host: str = "db1"
    statements: Plan = ADD
    run: Run | None = None
    signed: bool = False
    inventory: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def shown_by(self) -> Run:
        """The run that has shown the plan of the first host."""
        return Run.open(self.scene.runs_dir / "production" / self.plan.hosts[0].run_id)

    @property
    def own(self) -> ApprovalPlan:
        """What that run has shown."""
        return approval.plan_of(self.shown_by, deploy_approval.PLAN)

    def sign(self, text: str | None = None, **how: Any) -> None:
        self.signed = True
        text = fleet_approval.OfFleet(self.plan).text if text is None else text
        self.given["signatures"] = (self.scene.sign(text, **how),)

    def reread(self) -> None:
        """Take the token of the file as it is now."""
        self.plan = read(FleetPlan, json.loads(self.scene.file.read_text()), file="plan.json")
        self.token = self.plan.token

    def made(self) -> None:
        rules = self.scene.rules(**self.inventory) if self.signed else signing.NONE
        self.scene.admit(
            self.host, self.statements, self.token, rules=rules, run=self.run, **self.given
        )


def _added(value: dict[str, Any]) -> None:
    value["hosts"].append({**value["hosts"][0], "host": "db4", "database": "shop_db4"})


def _swapped(value: dict[str, Any]) -> None:
    for one in value["statements"].values():
        one["steps"][0]["statements"][0]["text"] = "DROP TABLE a;"


def _add(one: Attempt, *, seal: bool = False) -> None:
    one.scene.rewrite(_added, seal=seal)
    one.host = "db4"


def _add_with_token(one: Attempt) -> None:
    _add(one, seal=True)
    one.reread()


def _sign_another_list(one: Attempt) -> None:
    one.sign()
    one.scene.rewrite(lambda value: value["hosts"].pop(1), seal=True)
    one.reread()


def _list_twice(one: Attempt) -> None:
    one.scene.rewrite(lambda value: value["hosts"].append(value["hosts"][0]), seal=True)
    one.reread()


def _move(one: Attempt) -> None:
    """The same fleet, in another environment."""
    folder = one.scene.runs_dir / "staging" / "fleets" / FLEET
    shutil.copytree(one.scene.file.parent, folder)
    one.scene.environment = "staging"


def _take_of_another(one: Attempt) -> None:
    one.token = one.scene.shown({"db1": ADD}, fleet_id="20260131T115900Z-000001").token


def _approve_alone(one: Attempt) -> None:
    alone = Approval(f"COMMIT {one.own.token}", "Dewi", one.shown_by.run_id)
    deploy_approval.require(one.scene.run("db1"), alone, one.own.content, hint="again")


def _expire(one: Attempt) -> None:
    shutil.rmtree(one.scene.file.parent)
    one.token = one.scene.shown(HOSTS, hours=0).token


def _operate(one: Attempt) -> None:
    one.sign()
    account = signing._operator(signing.NONE)[0]
    one.inventory = {"gonogo_approval_operators": {account: "dewi"}}


def _sign_alone(one: Attempt) -> None:
    one.sign()
    one.inventory = {"gonogo_approval_needed": 2}


def _wait(one: Attempt) -> None:
    old = (datetime.now(UTC) - timedelta(hours=30)).isoformat(timespec="microseconds")
    one.scene.rewrite(lambda value: value.update(planned_at=old), seal=True)
    one.reread()
    one.sign()


def _given(**given: Any) -> Callable[[Attempt], None]:
    return lambda one: one.given.update(given)


def _set(**values: Any) -> Callable[[Attempt], None]:
    def change(one: Attempt) -> None:
        for name, value in values.items():
            setattr(one, name, value)

    return change


BAD: dict[str, Callable[[Attempt], object]] = {
    "another token": _set(token="0123456789"),
    "token of a host": lambda one: setattr(one, "token", one.own.token),
    "no name": _given(approved_by=""),
    "two approvals": _given(run_id="20260131T120100Z-0a1b2c"),
    "no id": _given(fleet_id=""),
    "no such fleet": _given(fleet_id="20260131T115900Z-000000"),
    "path": _given(fleet_id="../../x"),
    "not listed": _set(host="db4"),
    "added": _add,
    "added and sealed": lambda one: _add(one, seal=True),
    "added, sealed, its token": _add_with_token,
    "added and signed for": _sign_another_list,
    "swapped": lambda one: one.scene.rewrite(_swapped),
    "later end": lambda one: one.scene.rewrite(
        lambda value: value.update(expires_at="2999-01-01T00:00:00+00:00")
    ),
    "no json": lambda one: one.scene.file.write_text("{"),
    "another form": lambda one: one.scene.rewrite(
        lambda value: value.update(hosts=[{"host": "db1"}])
    ),
    "twice": _list_twice,
    "other statements": _set(statements=DROP),
    "another database": lambda one: setattr(one, "run", one.scene.run("db1", database_oid=4711)),
    "another customer": lambda one: setattr(one.scene, "customer", "initech"),
    "another environment": _move,
    "another fleet": _take_of_another,
    "used": lambda one: one.scene.admit("db1", ADD, one.token),
    "used by itself": _approve_alone,
    "damaged evidence": lambda one: (one.shown_by.path / "deploy_plan.json").write_text("{}"),
    "expired": _expire,
    "unsigned": _set(signed=True),
    "too few": _sign_alone,
    "operator": _operate,
    "too old": _wait,
    "namespace": lambda one: one.sign(namespace="git"),
    "signature of one host": lambda one: one.sign(
        signing.OfRun(one.shown_by, "deploy", one.own).text
    ),
}


@pytest.mark.parametrize("what", FLEET_BAD)
def test_a_bad_approval(scene: Scene, what: str) -> None:
    plan = scene.shown(HOSTS)
    attempt = Attempt(scene, plan, plan.token)
    BAD[what](attempt)
    with pytest.raises(GonogoError) as caught:
        attempt.made()
    words = FLEET_BAD[what][1]
    assert words in caught.value.render(), caught.value.render()


def test_nobody_else_loses_by_a_host_that_has_changed(scene: Scene) -> None:
    """What is refused uses nothing up."""
    plan = scene.shown(HOSTS)
    with pytest.raises(GonogoError) as caught:
        scene.admit("db1", ADD, plan.token, run=scene.run("db1", database_oid=4711))
    assert caught.value.detail == "the database: not the same as in the plan"
    assert scene.admit("db1", ADD, plan.token)[1].fleet == FLEET
    shown_by = scene.runs_dir / "production" / plan.hosts[0].run_id
    assert load(shown_by).problems == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"deploy_fleet_id": FLEET}, "the token is not that of the fleet's plan"),
        ({"deploy_fleet_id": FLEET, "deploy_run_id": "x"}, "of a fleet or of one host"),
        ({"deploy_fleet_id": [FLEET]}, "must be text"),
        ({"deploy_fleet_id": "../../x"}, "no fleet of this environment has shown a plan"),
    ],
)
def test_what_can_be_none_is_refused_at_the_start(
    scene: Scene, given: dict[str, Any], said: str
) -> None:
    plan = scene.shown(HOSTS)
    usual = {"gonogo_runs_dir": str(scene.runs_dir), "gonogo_environment": "production"}
    with pytest.raises(InputError) as caught:
        fleet_approval.check({**usual, **given}, Remembered())
    assert said in caught.value.render()
    good = {"deploy_fleet_id": FLEET, "deploy_token": plan.token}
    fleet_approval.check({**usual, **good}, Remembered())
    fleet_approval.check(usual, Remembered())
    scene.rewrite(_added)
    with pytest.raises(InputError, match="not as it was shown"):
        fleet_approval.check({**usual, **good}, Remembered())


# --- who waits for it -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        ({}, False),
        ({"deploy_enabled": True}, True),
        ({"deploy_enabled": True, "gonogo_protected": False}, False),
        (
            {
                "deploy_enabled": True,
                "gonogo_protected": "false",
                "gonogo_environment": "production",
            },
            True,
        ),
        (
            {
                "deploy_enabled": "yes",
                "gonogo_protected": False,
                "deploy_approval_required": "true",
            },
            True,
        ),
        (
            {"deploy_enabled": True, "gonogo_protected": False, "gonogo_approval_signers": "/x"},
            True,
        ),
        ({"deploy_enabled": True, "deploy_approval_for": "wave"}, False),
        ({"deploy_enabled": True, "deploy_approval_for": "host"}, False),
        ({"deploy_enabled": {"a": 1}}, False),
        ({"deploy_enabled": True, "deploy_token": "0123456789"}, False),
    ],
)
def test_who_waits_for_all(said: dict[str, object], waits: bool) -> None:
    assert fleet_approval.waits_for_all(said.get) is waits


# --- the stage ------------------------------------------------------------------------------------


class Deploying(Deploy):
    """On a database that lacks what `ADD` makes."""

    opened: Run

    def open_run(self) -> Run:
        return self.opened

    def runbook_of(self, run: Run) -> Any:
        del run
        return SimpleNamespace()

    def _ask(self, work: Any, **how: Any) -> DeployAnswer:
        del work
        assert how.get("plan_only"), "it deploys"
        return DeployAnswer(
            changed=False,
            deployment=deployment("would_apply", after=None, changed=None),
            catalog_before={},
            catalog_after={},
        )


@dataclass
class Start:
    """A host of a start, which needs no approval by itself."""

    scene: Scene
    hosts: Sequence[str] = ("db1", "db2")
    planning: bool = False
    approval_for: str = "fleet"
    required: bool = False

    def play(self, *, plan_only: bool, **given: Any) -> tuple[Run, Reported]:
        site = Here(
            Process("here", 1, None),
            gonogo_runs_dir=str(self.scene.runs_dir),
            ansible_play_hosts_all=list(self.hosts),
        )
        site.planning = self.planning
        stage = Deploying(site)
        stage.opened = self.scene.run("db1", environment="staging")
        stage.opened.write_json("plan.json", {**PLAN, "stages": ["deploy"]}, stage="target")
        answer = {"answer": "", "approved_by": "", "run_id": "", "fleet_id": ""}
        task = DeployTask(
            login=RUN["target"]["login"],
            timeouts={},
            approval_required=self.required,
            approval=None if plan_only else Approval(**{**answer, **given}),
            approval_for=self.approval_for,
            plan_only=plan_only,
            plan_hours=24,
            budgets={},
            let_go={},
            resume=False,
        )
        return stage.opened, stage.act(task)


@pytest.fixture
def started(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(plans, "plan", lambda _: ADD)
    scene.environment = "staging"
    return scene


def test_a_host_of_many_waits_for_the_plan_of_all(started: Scene) -> None:
    start = Start(started, required=True)
    run, shown = start.play(plan_only=True)
    assert run.has(PlannedSteps)
    # Nobody is asked about this host by itself.
    assert "token" not in shown.told
    with pytest.raises(GonogoError, match="waits for the approval of the fleet's plan"):
        start.play(plan_only=False)


def test_a_start_that_only_plans_deploys_to_nobody(started: Scene) -> None:
    """Not even to a host that nobody has to be asked about."""
    start = Start(started, planning=True)
    run, _ = start.play(plan_only=True)
    assert run.has(PlannedSteps)
    with pytest.raises(GonogoError, match="waits for the approval of the fleet's plan"):
        start.play(plan_only=False)
    run, shown = Start(started).play(plan_only=True)
    assert not (run.path / deploy_approval.PLAN).is_file()
    assert not shown.lines


@pytest.mark.parametrize("alone", [{"hosts": ("db1",)}, {"approval_for": "host"}])
def test_a_host_that_is_asked_about_by_itself(started: Scene, alone: dict[str, Any]) -> None:
    start = Start(started, required=True, **alone)
    run, shown = start.play(plan_only=True)
    assert not run.has(PlannedSteps)
    assert shown.told["token"] == approval.plan_of(run, deploy_approval.PLAN).token
    with pytest.raises(GonogoError, match="No answer: nothing was deployed"):
        start.play(plan_only=False)


def test_a_host_that_is_not_in_the_plan_shows_its_own(started: Scene) -> None:
    """So that the next plan has it."""
    plan = started.shown({"db2": ADD})
    start = Start(started, required=True)
    given = {"answer": f"COMMIT {plan.token}", "approved_by": "Dewi", "fleet_id": FLEET}
    with pytest.raises(GonogoError, match="not in the fleet's plan") as caught:
        start.play(plan_only=False, **given)
    assert "A new plan of such hosts is shown at the end" in str(caught.value.hint)
    (run,) = (
        Run.open(path.parent)
        for path in started.runs_dir.glob("staging/*/deploy_steps.json")
        if json.loads(path.with_name("run.json").read_text())["target"]["inventory_host"] == "db1"
    )
    assert fleet.planned(
        [Member("db1", run.path)], Place(started.runs_dir, "staging", FLEET), now=NOW
    )


# --- from the evidence of one host alone ----------------------------------------------------------

VERIFIER = runpy.run_path(str(project.ROOT / "verify" / "verify_evidence.py"))


def files(run: Run, approved: Approved) -> dict[str, Any]:
    """What the verifier reads of a run."""
    names = ("run.json", "deploy_plan.json", FleetPart.FILE)
    kept = {name: json.loads((run.path / name).read_text()) for name in names}
    return {**kept, "deploy.json": {"action": "applied", "approved": plain(approved)}}


def problems_of(kept: dict[str, Any], **asked: Any) -> list[str]:
    problems: list[str] = []
    VERIFIER["verify_fleet"](kept, problems)
    if asked:
        given = {"revoked": None, "namespace": None, "approvers": 1, **asked}
        VERIFIER["verify_approvals"](kept, SimpleNamespace(**given), problems)
    return problems


def test_the_evidence_of_one_host_proves_it(scene: Scene) -> None:
    plan = scene.shown(HOSTS)
    file = scene.sign(fleet_approval.OfFleet(plan).text)
    given: dict[str, Any] = {"signatures": (file,), "rules": scene.rules()}
    run, approved = scene.admit("db3", DROP, plan.token, **given)
    kept = files(run, approved)
    assert problems_of(kept, allowed_signers=str(scene.signers)) == []
    # Nothing of the other hosts is there but digests.
    text = json.dumps(kept)
    assert '"db1"' not in text
    assert "shop_db2" not in text


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "no part": lambda kept: kept.pop("deploy_fleet.json"),
    "another plan": lambda kept: kept["deploy_plan.json"].update(content="a" * 64),
    "other holds": lambda kept: kept["deploy_plan.json"]["holds"].update(x=[None, "a"]),
    "another host": lambda kept: kept["run.json"]["target"].update(inventory_host="db2"),
    "another customer": lambda kept: kept["run.json"].update(customer="initech"),
    "another environment": lambda kept: kept["run.json"].update(environment="staging"),
    "entry changed": lambda kept: kept["deploy_fleet.json"]["host"].update(database="x"),
    "listed later": lambda kept: kept["deploy_fleet.json"]["listed"].append("a" * 64),
    "not listed": lambda kept: kept["deploy_fleet.json"]["listed"].pop(),
    "another digest": lambda kept: kept["deploy_fleet.json"].update(content="a" * 64),
    "another token": lambda kept: kept["deploy_fleet.json"].update(token="0123456789"),
    "later end": lambda kept: kept["deploy_fleet.json"].update(
        expires_at="2999-01-01T00:00:00+00:00"
    ),
    "token of another": lambda kept: kept["deploy.json"]["approved"].update(token="0123456789"),
    "another fleet": lambda kept: kept["deploy.json"]["approved"].update(fleet="x"),
    "shown by another": lambda kept: kept["deploy.json"]["approved"].update(shown_by="x"),
    "too late": lambda kept: kept["deploy.json"]["approved"].update(
        approved_at="2999-01-01T00:00:00+00:00"
    ),
    "before it": lambda kept: kept["deploy.json"]["approved"].update(
        approved_at="2020-01-01T00:00:00+00:00"
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_changed_later_is_seen(scene: Scene, what: str) -> None:
    plan = scene.shown(HOSTS)
    run, approved = scene.admit("db1", ADD, plan.token)
    kept = files(run, approved)
    assert problems_of(kept) == []
    CHANGES[what](kept)
    assert problems_of(kept)


def test_a_signature_of_another_fleet_is_none(scene: Scene) -> None:
    """All of it is written anew, but for the signature."""
    plan = scene.shown(HOSTS)
    other = scene.shown({"db1": ADD}, fleet_id="20260131T115900Z-000001")
    text = fleet_approval.OfFleet(plan).text
    given: dict[str, Any] = {"signatures": (scene.sign(text),), "rules": scene.rules()}
    run, approved = scene.admit("db1", ADD, plan.token, **given)
    kept = files(run, approved)
    kept["deploy_fleet.json"] |= {
        name: plain(getattr(other, name))
        for name in ("fleet_id", "planned_at", "expires_at", "content", "token", "listed")
    }
    kept["deploy_fleet.json"]["host"] = plain(other.hosts[0])
    kept["deploy.json"]["approved"] |= {
        "fleet": other.fleet_id,
        "token": other.token,
        "shown_by": other.hosts[0].run_id,
    }
    assert problems_of(kept) == []
    said = problems_of(kept, allowed_signers=str(scene.signers))
    assert said == ["deploy.json: the approval is not signed, or for something else"]
