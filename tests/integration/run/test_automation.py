"""Jobs of automation controllers: the installed collection, ansible-runner, and stores of evidence.

docs/automation.md has an example of each.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gonogo.controller import store
from sandbox.ssh.openssh import OpenSsh
from tests.integration.support.harness import PROJECT, Controller, Database, Outcome
from tests.integration.support.installed import HOME, install
from tests.integration.support.verifier import assert_confirmed

Make = Callable[..., Database]

PAGE = (PROJECT / "docs" / "automation.md").read_text(encoding="utf-8")
INVENTORY = ("-i", str(PROJECT / "inventories" / "sandbox"))
STAGING = "pg_gonogo.gonogo.validate_staging"
PRODUCTION = "pg_gonogo.gonogo.rollout_production"
# An account that passwd does not know, as containers have it.
NAMELESS = ("unshare", "--user", "--map-user=12345", "--map-group=12345")


def examples(heading: str) -> list[str]:
    """The blocks below a heading of the page."""
    below = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```\w+\n(.*?)```", below, re.DOTALL)


def stored(number: int, *places: tuple[str, str]) -> dict[str, str]:
    """What an example says of a store, with other places than its own."""
    text = examples("Evidence that outlives the job")[number]
    for place, other in places:
        assert place in text
        text = text.replace(place, other)
    return dict(yaml.safe_load(text))


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A directory with nothing of the project, in which anybody can write: Ansible takes no
    ansible.cfg from there."""
    directory = tmp_path / "elsewhere"
    directory.mkdir()
    directory.chmod(0o777)
    (directory / "ansible.cfg").write_text("[defaults]\nstrategy = nosuch\n")
    return directory


@pytest.fixture
def installed(controller: Controller, collections: Path) -> Controller:
    controller.environment |= {
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        # As automation controllers set it.
        "ANSIBLE_CALLBACKS_ENABLED": "x.y.z",
        "ANSIBLE_SHOW_CUSTOM_STATS": "1",
    }
    return controller


def left_behind(outcome: Outcome) -> Any:
    """What later jobs are told."""
    (line,) = (line for line in outcome.output.splitlines() if "RUN: {" in line)
    return json.loads(line.partition("RUN: ")[2])["pg_gonogo"]


def test_a_collection_does_all_by_its_full_name(
    make_database: Make, installed: Controller, collections: Path, elsewhere: Path, tmp_path: Path
) -> None:
    """From anywhere, without an ansible.cfg, with what a survey gives as texts."""
    installed.aim(make_database())
    (tmp_path / "store").mkdir()
    (survey,) = examples("Variables of a survey")
    given = {**json.loads(survey), **stored(0, ("/srv/evidence", str(tmp_path / "store")))}
    words = shlex.split(examples("The collection")[0].splitlines()[-1])
    assert words[:3] == ["ansible-playbook", "-i", "inventory"]
    outcome = installed.play(*INVENTORY, *words[3:], "-e", json.dumps(given), cwd=elsewhere)
    assert outcome.status == 0, outcome.output
    assert "\nGO  15/15  sandbox" in outcome.output
    record = json.loads((outcome.evidence / "run.json").read_text())
    home = collections / HOME
    assert record["project_directory"] == str(home)
    assert record["ansible_config"] is None
    assert record["parameters"]["minimum_active_users"] == 3
    digests = record["digests"]
    assert {"plugins/modules/gonogo_remote.py", "meta/runtime.yml"} <= set(digests["project"])
    assert not [path for path in digests["elsewhere"] if path.startswith(f"{home}/")]
    (kept,) = (tmp_path / "store").rglob("*.tar.gz")
    assert left_behind(outcome) == {
        "sandbox": {
            "run_id": outcome.evidence.name,
            "decision": "GO",
            "evidence_head": outcome.verdict["evidence_head"],
            "evidence": str(outcome.evidence),
            "stored": kept.relative_to(tmp_path / "store").as_posix(),
        }
    }


@pytest.mark.attack
def test_production_finds_the_evidence_in_the_store(
    make_database: Make, installed: Controller, elsewhere: Path, tmp_path: Path
) -> None:
    """The job on staging is gone by then, with all of its files. It is not found for another
    customer."""
    installed.twin = True
    staging, production = make_database(), make_database()
    with production.admin() as connection:
        connection.execute(
            f"ALTER DATABASE \"{production.name}\" SET gonogo.environment = 'production'"
        )
    repository = tmp_path / "evidence.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(repository)], check=True)
    kept = json.dumps({"gonogo_evidence_store": f"git:{repository}"})
    installed.aim(staging)
    customer = installed.inventory(gonogo_customer="acme")
    validated = installed.play(*INVENTORY, *customer, STAGING, "-e", kept, cwd=elsewhere)
    assert validated.status == 0, validated.output
    run_id = validated.evidence.name
    installed.runs_dir = tmp_path / "another"
    installed.aim(production)

    def roll_out(customer: str) -> Outcome:
        said = installed.inventory(
            gonogo_customer=customer,
            gonogo_environment="production",
            gonogo_promotion_from="sandbox",
            gonogo_residue="rollback",
        )
        return installed.play(*INVENTORY, *said, PRODUCTION, "-e", kept, cwd=elsewhere)

    refused = roll_out("bolt")
    assert refused.status != 0
    assert "the store has no evidence of a run on sandbox" in refused.output
    outcome = roll_out("acme")
    assert outcome.verdict["decision"] == "GO", outcome.output
    record = json.loads((outcome.evidence / "run.json").read_text())
    assert record["promotion"]["run_id"] == run_id
    assert record["customer"] == "acme"


@pytest.mark.attack
def test_a_store_that_is_not_there_changes_no_verdict(
    make_database: Make, installed: Controller, elsewhere: Path, tmp_path: Path
) -> None:
    installed.aim(make_database())
    nowhere = json.dumps({"gonogo_evidence_store": str(tmp_path / "nowhere")})
    outcome = installed.play(*INVENTORY, STAGING, "-e", nowhere, cwd=elsewhere)
    assert outcome.status == 2
    assert outcome.verdict["decision"] == "GO"
    assert "the verdict stands, but its evidence was not stored" in outcome.output
    assert "\nGO  15/15  sandbox" in outcome.output
    assert left_behind(outcome)["sandbox"]["stored"] is None


@pytest.mark.attack
@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"gonogo_waivers": '[{"check": '}, "gonogo_waivers"),
        ({"gonogo_parameters": '{"a": 1, "a": 2}'}, "gonogo_parameters"),
        ({"gonogo_evidence_store": "somewhere"}, "gonogo_evidence_store"),
        ({"gonogo_customer": "acme"}, "only the inventory may say"),
    ],
)
def test_a_text_that_is_no_answer_is_one_clear_error(
    texts: dict[str, str],
    says: str,
    make_database: Make,
    installed: Controller,
    elsewhere: Path,
) -> None:
    installed.aim(make_database())
    outcome = installed.play(*INVENTORY, STAGING, "-e", json.dumps(texts), cwd=elsewhere)
    assert outcome.status != 0
    assert says in outcome.output
    assert "Traceback" not in outcome.output
    assert not any(outcome.runs_dir.glob("*/*"))


@pytest.mark.attack
def test_a_library_beside_somebodys_playbook_is_refused(
    make_database: Make, installed: Controller, elsewhere: Path
) -> None:
    installed.aim(make_database())
    (elsewhere / "site.yml").write_text(f"- import_playbook: {STAGING}\n")
    outcome = installed.play(*INVENTORY, "site.yml", cwd=elsewhere)
    assert outcome.status == 0, outcome.output
    (elsewhere / "library").mkdir()
    (elsewhere / "library" / "gonogo_remote.py").write_text("#!/usr/bin/python\n")
    outcome = installed.play(*INVENTORY, "site.yml", cwd=elsewhere)
    assert outcome.status != 0
    assert "library/gonogo_remote.py would not be this project's" in outcome.output


# --- ansible-runner ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, collections: Path) -> Path:
    """The programs of an environment that has what an execution environment has, and no more."""
    directory = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
    needed = ["-r", str(collections / HOME / "requirements.txt"), "ansible-runner"]
    subprocess.run([str(directory / "bin" / "pip"), "install", "--quiet", *needed], check=True)
    return directory / "bin"


def run_job(programs: Path, controller: Controller, scratch: Path) -> tuple[int, list[Any], str]:
    """Exit status, events and what was said of a job as AWX starts one."""
    data = scratch / "job"
    (data / "env").mkdir(parents=True)
    (data / "project").mkdir()
    extra = {
        "gonogo_runs_dir": str(controller.runs_dir),
        "twin_enabled": False,
        "gonogo_parameters": '{"application_role": "apms_app"}',
    }
    (data / "env" / "extravars").write_text(json.dumps(extra))
    (line,) = examples("ansible-runner and AWX")
    places = {"/path/of/the/job": str(data), "inventory": INVENTORY[1]}
    words = [places.get(word, word) for word in shlex.split(line)[1:]]
    unset = [word for name in ("HOME", "USER", "LOGNAME") for word in ("-u", name)]
    settings = [f"{key}={value}" for key, value in controller.environment.items()]
    done = subprocess.run(
        [*NAMELESS, "env", *unset, *settings, str(programs / "ansible-runner"), *words],
        # Where Ansible makes a directory that is called ~ if nobody knows a home.
        cwd=scratch,
        env={**controller.variables(), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    found = (data / "artifacts").glob("*/job_events/*-*.json")
    return done.returncode, [json.loads(file.read_text()) for file in found], done.stdout


def _namespaces() -> bool:
    try:
        return subprocess.run([*NAMELESS, "true"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.fixture
def read_only(collections: Path) -> Iterator[Path]:
    """Nobody can write to the collection but root, whom the job's account is not."""
    folders = [collections, *(path for path in collections.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield collections
    for folder in folders:
        folder.chmod(0o755)


@pytest.mark.attack
@pytest.mark.skipif(not _namespaces(), reason="no user namespaces here")
@pytest.mark.usefixtures("read_only")
def test_a_job_of_ansible_runner(
    database: Database, installed: Controller, bare: Path, tmp_path: Path
) -> None:
    """No terminal, an account without a name, a project that nobody can write to, and nothing
    installed but what an execution environment has."""
    installed.aim(database)
    (tmp_path / "home").mkdir()
    installed.environment["HOME"] = str(tmp_path / "home")
    status, events, said = run_job(bare, installed, tmp_path)
    assert status == 0, said
    (verdict,) = installed.runs_dir.glob("*/*/verdict.json")
    assert_confirmed(verdict)
    assert json.loads(verdict.read_text())["decision"] == "GO"
    assert "\nGO  15/15  sandbox" in said.replace("\r\n", "\n")
    (stats,) = (event for event in events if event["event"] == "playbook_on_stats")
    left = stats["event_data"]["artifact_data"]["pg_gonogo"]["sandbox"]
    assert left["run_id"] == verdict.parent.name
    assert left["decision"] == "GO"


@pytest.mark.attack
@pytest.mark.skipif(not _namespaces(), reason="no user namespaces here")
def test_a_job_without_a_home_is_one_clear_error(
    database: Database, installed: Controller, bare: Path, tmp_path: Path
) -> None:
    installed.aim(database)
    status, _, said = run_job(bare, installed, tmp_path)
    assert status != 0
    assert "the home directory of this account is not known on the controller" in said
    assert "Traceback" not in said
    assert not any(installed.runs_dir.glob("*/*/verdict.json"))


# --- a store on a host ---------------------------------------------------------------------------


@pytest.mark.attack
@pytest.mark.skipif(OpenSsh.find() is None, reason="no sshd here")
@pytest.mark.parametrize("kind", ["sftp", "git"])
def test_a_store_on_a_host(
    kind: str, make_database: Make, installed: Controller, elsewhere: Path, tmp_path: Path
) -> None:
    """By the system's own programs: what is taken there is found, and nothing is replaced."""
    installed.aim(make_database())
    there = tmp_path / "store"
    if kind == "git":
        subprocess.run(["git", "init", "--quiet", "--bare", str(there)], check=True)
    else:
        there.mkdir()
    (tmp_path / "sshd").mkdir()
    with OpenSsh.start(tmp_path / "sshd") as server:
        endpoint = server.endpoint
        arguments = shlex.join(endpoint.options())
        login = f"{endpoint.user}@{endpoint.host}"
        written = {
            "sftp": (1, "gonogo@evidence.example.com:/srv/evidence"),
            "git": (2, "git@git.example.com:ops/evidence.git"),
        }
        number, place_there = written[kind]
        key = ("-i /run/secrets/evidence_key", json.dumps(arguments))
        given = stored(number, (place_there, f"{login}:{there}"), key)
        text = given["gonogo_evidence_store"]
        outcome = installed.play(*INVENTORY, STAGING, "-e", json.dumps(given), cwd=elsewhere)
        assert outcome.status == 0, outcome.output
        place = store.place_of(text, arguments)
        record = json.loads((outcome.evidence / "run.json").read_text())
        subject = store.Subject("sandbox", None, record["runbook_sha256"])
        (found,) = store.found(place, subject)
        assert found.run_id == outcome.evidence.name
        assert found.directory
        opened = store.opened(place)
        with pytest.raises(store.StoreError):
            opened.put(subject.folder, f"{found.run_id}.tar.gz", b"another")
        assert list(opened.names(subject.folder)).count(f"{found.run_id}.tar.gz") == 1
        assert store.keep(place, subject, outcome.evidence)
    with pytest.raises(store.StoreError, match="does not answer"):
        list(store.found(place, subject))
