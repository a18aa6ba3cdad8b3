"""Runs on more than one host: each goes its way to the end, whatever happens to the others."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import termios
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import logins
from tests.integration.support.cut.gate import until
from tests.integration.support.cut.halt import halting
from tests.integration.support.harness import PROJECT, Controller, Database, Outcome
from tests.integration.support.targets import RUNBOOK, Make, make_target

HOSTS = ("first", "second")
_PROMPT = re.compile(r"\[(first|second)\]\s+COMMIT ([0-9a-f]{10}) applies")


class Fleet:
    """Two databases of one environment, each a host of one inventory."""

    def __init__(self, make_database: Make, controller: Controller, directory: Path) -> None:
        self._controller = controller
        self.databases: dict[str, Database] = {
            host: make_target(make_database, controller, "staging").database for host in HOSTS
        }
        self._inventory = directory / "hosts.yml"
        hosts = {host: self._host(directory, host) for host in HOSTS}
        inventory = {"gonogo": {"hosts": hosts, "vars": self._shared()}}
        self._inventory.write_text(yaml.safe_dump(inventory))

    def command(self, **variables: Any) -> list[str]:
        playbook = ("-i", str(self._inventory), "validate_staging.yml")
        return self._controller.command(*playbook, "-e", json.dumps(variables))

    def play(self, **variables: Any) -> Outcome:
        return self._controller.play(*self.command(**variables)[3:])

    def play_as(self, keywords: dict[str, Any], **variables: Any) -> Outcome:
        """A playbook of somebody's own around our roles; these are the keywords of its play."""
        given, *_, judge = yaml.safe_load((PROJECT / "playbooks" / "validate.yml").read_text())
        playbook = self._inventory.with_name("own.yml")
        playbook.write_text(yaml.safe_dump([given, {**judge, **keywords}]))
        words = ("-i", str(self._inventory), str(playbook), "-e", json.dumps(variables))
        return self._controller.play(*words)

    def change(self, host: str, **variables: Any) -> None:
        """Say something else of a host in the inventory."""
        inventory = yaml.safe_load(self._inventory.read_text())
        inventory["gonogo"]["hosts"][host].update(variables)
        self._inventory.write_text(yaml.safe_dump(inventory))

    def runs(self) -> dict[str, Path]:
        """Host → the directory of its newest run."""
        found = {}
        for path in sorted(self._controller.runs_dir.glob("staging/*Z-*")):
            record = json.loads((path / "run.json").read_text())
            found[record["target"]["inventory_host"]] = path
        return found

    def has_keys(self, host: str) -> bool:
        """Whether the migration is there."""
        with self.databases[host].owner() as owner:
            row = owner.execute(
                "SELECT count(*) FROM pg_constraint"
                " WHERE conname = 'fk_config_versions_imported_by'"
            ).fetchone()
        assert row is not None
        return bool(row[0])

    def _host(self, directory: Path, host: str) -> dict[str, Any]:
        database = self.databases[host]
        keywords = database.cluster.conninfo(database.name, logins.OWNER)
        service = directory / f"{host}.conf"
        names = ("host", "port", "dbname", "user", "passfile")
        service.write_text("\n".join(["[test]", *(f"{n}={keywords[n]}" for n in names), ""]))
        login = {"db": database.name, "service": "test", "service_file": str(service)}
        # What is on the target hosts is not in each other's way.
        return {"gonogo_login": login, "gonogo_remote_dir": str(directory / host)}

    def _shared(self) -> dict[str, Any]:
        (database, *_) = self.databases.values()
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "gonogo_environment": "staging",
            "gonogo_protected": False,
            "gonogo_pg_bin": str(database.cluster.bin),
            "gonogo_runbook": str(RUNBOOK),
            "gonogo_profile": "target",
            "gonogo_residue": "rollback",
            "gonogo_parameters": {"application_role": logins.APPLICATION},
            "deploy_enabled": True,
            "deploy_approval_required": True,
            "deploy_approval_for": "host",
        }


@pytest.fixture
def fleet(make_database: Make, controller: Controller, tmp_path: Path) -> Fleet:
    return Fleet(make_database, controller, tmp_path)


def _decision(run: Path) -> str:
    return str(json.loads((run / "verdict.json").read_text())["decision"])


def test_a_token_is_one_hosts_and_each_host_has_its_verdict(
    fleet: Fleet, controller: Controller
) -> None:
    # What somebody has set for all playbooks of this machine.
    controller.environment["ANSIBLE_ANY_ERRORS_FATAL"] = "true"
    asked = fleet.play()
    assert asked.output.count("No answer: nothing was deployed") >= len(HOSTS)
    shown = fleet.runs()
    assert {_decision(run) for run in shown.values()} == {"HOLD"}
    for host in HOSTS:
        approving = rf"--limit {host} .*-e deploy_run_id={shown[host].name} "
        assert re.search(approving, asked.output)
    token = json.loads((shown["first"] / "deploy_plan.json").read_text())["token"]
    given = {"deploy_run_id": shown["first"].name, "deploy_token": token}
    outcome = fleet.play(**given, deploy_approved_by="Dewi")
    runs = fleet.runs()
    assert _decision(runs["first"]) == "GO", outcome.output
    assert (runs["first"] / "checks.jsonl").is_file()
    assert fleet.has_keys("first")
    assert _decision(runs["second"]) == "HOLD"
    assert not fleet.has_keys("second")
    assert outcome.output.count("\nGO  ") == outcome.output.count("\nHOLD  ") == 1


def test_a_printed_command_is_pasted(fleet: Fleet, controller: Controller) -> None:
    """As it stands, but for the name. The inventory says what it says by a variable of the command
    line, which is none of this project's."""
    for host in HOSTS:
        fleet.change(host, gonogo_profile="{{ wanted }}")
    asked = fleet.play(wanted="target")
    printed = [
        line[line.index("-playbook -i ") :].removeprefix("-playbook")
        for line in asked.output.splitlines()
        if "deploy_token=" in line and "--limit first " in line and "fatal: " not in line
    ]
    assert printed, asked.output
    pasted = printed[0].replace("deploy_approved_by=NAME", "deploy_approved_by=Dewi")
    program = shlex.quote(controller.command()[0])
    assert Path(controller.command()[0]).name == "ansible-playbook"
    done = subprocess.run(
        ["bash", "-c", program + pasted],
        cwd=PROJECT,
        env=controller.variables(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert _decision(fleet.runs()["first"]) == "GO"
    assert (fleet.has_keys("first"), fleet.has_keys("second")) == (True, False)


def test_each_host_is_asked_about_by_itself(fleet: Fleet, controller: Controller) -> None:
    """One answer is COMMIT, the other ROLLBACK, in one run at one terminal."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(PROJECT)
        os.execvpe(*_words(fleet.command()), controller.variables())  # noqa: S606 - as a user does
    output, asked = "", set()
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:
            # What Linux says at the end.
            break
        output += read.decode(errors="replace")
        for host, token in _PROMPT.findall(output):
            if host not in asked:
                asked.add(host)
                answer = f"COMMIT {token}" if host == "first" else "ROLLBACK"
                _until_it_reads(child, terminal)
                os.write(terminal, f"{answer}\n".encode())
    os.waitpid(child, 0)
    assert asked == set(HOSTS), output
    runs = fleet.runs()
    assert {host: _decision(run) for host, run in runs.items()} == {
        "first": "GO",
        "second": "HOLD",
    }, output
    assert fleet.has_keys("first")
    assert not fleet.has_keys("second")


def test_a_host_without_a_verdict_is_named(fleet: Fleet) -> None:
    """Its database is another one than its inventory says: no run is opened for it."""
    with fleet.databases["second"].admin() as admin:
        admin.execute(f'ALTER DATABASE "{fleet.databases["second"].name}" RESET ALL')
    outcome = fleet.play(deploy_enabled=False)
    assert "first" in fleet.runs()
    assert outcome.status != 0
    verdicts = re.findall(r"^(?:GO|HOLD|NO-GO)  ", outcome.output, re.MULTILINE)
    assert len(verdicts) == len(HOSTS), outcome.output


def _summary(outcome: Outcome) -> dict[str, Any]:
    """What the one summary of this playbook says; it is named in the last line."""
    last = outcome.output.rstrip().splitlines()[-1]
    assert last.startswith("gonogo: "), outcome.output
    said = dict(word.split("=", 1) for word in last.removeprefix("gonogo: ").split())
    path = PROJECT / said["summary"]
    names = ["fleet.html", "fleet.json", "fleet.md", "junit.xml"]
    assert sorted(file.name for file in path.parent.iterdir()) == names
    assert path.parents[1].name == "fleets"
    found: dict[str, Any] = json.loads(path.read_text())
    assert (said["fleet"], said["verdict"]) == (found["fleet_id"], found["verdict"])
    return found


def test_one_summary_of_all_hosts(fleet: Fleet) -> None:
    _unreachable(fleet, "second")
    waiver = {"check": "K1.1", "owner": "Dewi", "reason": "later", "expires": "2099-01-01"}
    fleet.change("second", gonogo_waivers=[{**waiver, "hosts": ["sec*"]}])
    outcome = fleet.play(deploy_enabled=False)
    found = _summary(outcome)
    hosts = {host["host"]: host for host in found["hosts"]}
    assert {*hosts} == set(HOSTS), outcome.output
    assert [*hosts][-1] == ("first" if hosts["first"]["verdict"] == "GO" else "second")
    assert "first" in fleet.runs(), outcome.output
    first = fleet.runs()["first"]
    assert hosts["first"]["verdict"] == _decision(first)
    assert hosts["first"]["database"] == fleet.databases["first"].name
    verdict = json.loads((first / "verdict.json").read_text())
    assert hosts["first"]["evidence_head"] == verdict["evidence_head"]
    assert hosts["second"]["verdict"] in ("not judged", "HOLD")
    assert "connection to the host was lost" in str(hosts["second"]["reason"])
    assert len(found["waivers"]) == 1
    assert re.search(r"^  \S.* second ", outcome.output, re.MULTILINE)


def test_a_request_that_is_refused_is_told_of_every_host(fleet: Fleet) -> None:
    """No host has begun; the summary says why, of each."""
    outcome = fleet.play(gonogo_residue="kept")
    assert outcome.status != 0
    found = _summary(outcome)
    told = {host["host"]: (host["verdict"], host["reason"]) for host in found["hosts"]}
    assert {*told} == set(HOSTS)
    assert {verdict for verdict, _ in told.values()} == {"not judged"}
    assert all("kept or rolled back" in reason for _, reason in told.values()), told


def _refused(fleet: Fleet, host: str) -> None:
    """Before a run is opened: its database is another one than its inventory says."""
    name = fleet.databases[host].name
    with fleet.databases[host].admin() as admin:
        admin.execute(f'ALTER DATABASE "{name}" RESET ALL')


def _unreachable(fleet: Fleet, host: str) -> None:
    fleet.change(host, ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1)


def _fails(fleet: Fleet, host: str) -> None:
    """In the middle of its deployment."""
    with fleet.databases[host].admin() as admin:
        admin.execute(
            "CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE 'the disk is full'; END $$"
        )
        admin.execute(
            "CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('ALTER TABLE')"
            " EXECUTE FUNCTION public.refuse()"
        )


def _judged(fleet: Fleet, outcome: Outcome, broken: str) -> None:
    """Whoever was deployed to is judged; of every host there is one word, and none too many."""
    (whole,) = set(HOSTS) - {broken}
    said = outcome.output
    assert "Traceback" not in said
    assert fleet.has_keys(whole), said
    assert not fleet.has_keys(broken), said
    run = fleet.runs()[whole]
    assert _decision(run) == "GO", said
    assert (run / "checks.jsonl").is_file()
    assert outcome.status != 0
    verdicts = re.findall(r"^(GO|HOLD|NO-GO)  ", said, re.MULTILINE)
    assert sorted(verdicts) == ["GO", "HOLD"], said


_WAYS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "free": {"strategy": "free"},
    "one after the other": {"serial": 1, "max_fail_percentage": 100},
    "batches": {"serial": [1, 5], "max_fail_percentage": 100},
    "no failure allowed": {"max_fail_percentage": 0},
}


_SAMPLE = ("free", _fails)


@pytest.mark.parametrize(
    ("way", "breaks"),
    [
        pytest.param(way, breaks, marks=() if (way, breaks) == _SAMPLE else pytest.mark.attack)
        for way in _WAYS
        for breaks in (_refused, _unreachable, _fails)
    ],
)
def test_what_happens_to_one_host_is_not_the_others(
    fleet: Fleet, way: str, breaks: Callable[[Fleet, str], None]
) -> None:
    # Host by host, the one that is deployed to comes first.
    broken = HOSTS[1 if "serial" in _WAYS[way] else 0]
    breaks(fleet, broken)
    outcome = fleet.play_as(_WAYS[way], deploy_approval_required=False)
    _judged(fleet, outcome, broken)


@pytest.mark.attack
def test_a_host_that_is_not_reached_any_more_has_a_word(fleet: Fleet) -> None:
    """Ansible goes on to no other batch where one has failed as a whole."""
    _fails(fleet, "first")
    outcome = fleet.play_as({"serial": 1}, deploy_approval_required=False)
    assert not fleet.has_keys("second")
    assert outcome.status != 0
    said = "nothing was judged: not begun: every host before it has failed"
    assert f"\nHOLD  second  {said}" in outcome.output
    assert outcome.output.count("\nHOLD  ") == len(HOSTS), outcome.output


@pytest.mark.attack
def test_a_host_that_is_interrupted_does_not_hold_up_the_others(fleet: Fleet) -> None:
    """Its sessions are ended in the middle of its migration."""
    database = fleet.databases["second"]
    with halting(database) as halt, ThreadPoolExecutor() as pool:
        halt.behind(5)
        playing = pool.submit(fleet.play, deploy_approval_required=False)
        until(lambda: halt.reached() or playing.done())
        assert halt.reached(), playing.result().output
        with database.admin() as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'gonogo:%'"
            )
        halt.let_go()
        _judged(fleet, playing.result(), "second")


def _until_it_reads(process: int, terminal: int) -> None:
    """Ansible forgets what was typed before its prompt: wait until it sleeps for an answer.

    It takes every character as it comes then, so the terminal is not canonical.
    """
    seen = 0
    while seen < 3:
        raw = not termios.tcgetattr(terminal)[3] & termios.ICANON
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        seen = seen + 1 if raw and state == "S" else 0
        time.sleep(0.02)


def _words(command: list[str]) -> tuple[str, list[str]]:
    return command[0], command
