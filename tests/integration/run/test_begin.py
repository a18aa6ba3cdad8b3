"""What begins without a database: an inventory that is asked for, and a draft of a runbook."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.applications import application
from tests.integration.support.harness import Controller
from tools import playbook
from tools.project import PROJECT

INIT = "playbooks/init.yml"
DRAFT = "playbooks/draft.yml"
LEAST = ("init_name=mine", "init_environment=staging", "init_database=orders")


def said(*words: str) -> list[str]:
    return [part for word in words for part in ("-e", word)]


def test_an_inventory_is_written_once(controller: Controller, tmp_path: Path) -> None:
    where = f"init_directory={tmp_path}"
    folder = application("goose", tmp_path / "app")
    done = controller.play(INIT, *said(where, *LEAST, f"init_migrations={folder}"))
    assert done.status == 0, done.output
    assert "ALTER DATABASE \"orders\" SET gonogo.environment = 'staging';" in done.output
    assert re.search(r"ansible-playbook -i \S+/mine validate_staging\.yml\n", done.output)
    written = yaml.safe_load((tmp_path / "mine" / "group_vars" / "gonogo.yml").read_text())
    assert written["gonogo_migrations"] == str(folder)
    again = controller.play(INIT, *said(where, *LEAST))
    assert again.status != 0
    assert "already; nothing was written" in again.output
    assert written == yaml.safe_load((tmp_path / "mine" / "group_vars" / "gonogo.yml").read_text())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (LEAST[:1], "Not set: init_environment, init_database."),
        ((*LEAST, "init_databse=x"), "unknown variable 'init_databse'"),
        ((*LEAST[:2], "init_database=postgresql://u:secretword@h/d"), "there is a password"),
        ((*LEAST, "init_migrations=/nowhere/at/all"), "there is no such folder of migrations"),
    ],
)
def test_what_is_not_right_is_one_error_and_nothing_is_written(
    controller: Controller, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    done = controller.play(INIT, *said(f"init_directory={tmp_path / 'inventories'}", *words))
    assert done.status != 0
    assert message in done.output
    assert done.output.count("[ERROR]") == 1
    assert "Traceback" not in done.output
    assert "secretword" not in done.output
    assert not (tmp_path / "inventories").exists()


def test_on_a_terminal_it_asks(tmp_path: Path) -> None:
    answers = ["mine", "production", "db.example.com", "", "orders", "", "localhost", "", "", ""]
    ours, theirs = pty.openpty()
    os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
    done = subprocess.run(
        playbook.command(INIT, *said(f"init_directory={tmp_path}")),
        cwd=PROJECT,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stdout
    hosts = yaml.safe_load((tmp_path / "mine" / "hosts.yml").read_text())
    assert [*hosts["gonogo"]["hosts"]] == ["db.example.com"]
    written = yaml.safe_load((tmp_path / "mine" / "group_vars" / "gonogo.yml").read_text())
    assert written["gonogo_login"] == {"db": "orders", "host": "localhost"}
    assert written["gonogo_protected"] is True


def test_a_draft_is_never_written_over(controller: Controller, tmp_path: Path) -> None:
    folder = application("flyway", tmp_path / "app")
    words = said(f"gonogo_migrations={folder}", f"draft_directory={tmp_path / 'gonogo'}")
    assert controller.play(DRAFT, *words).status == 0
    (folder / "V20260104000000__more.sql").write_text("CREATE TABLE public.more ();\n")
    file = tmp_path / "gonogo" / "derived" / "phases" / "01_objects.sql.j2"
    original = file.read_text()
    file.write_text(original + "{# by hand #}\n")
    shown = controller.play(DRAFT, *words)
    assert shown.status == 0, shown.output
    assert "+  file: V20260104000000__more.sql" in shown.output
    assert "Changed by hand: derived/phases/01_objects.sql.j2" in shown.output
    assert "Nothing was written." in shown.output
    refused = controller.play(DRAFT, *words, "-e", "draft_update=true")
    assert refused.status != 0
    assert "derived files were changed by hand; nothing was written" in refused.output
    assert file.read_text() == original + "{# by hand #}\n"
    file.write_text(original)
    updated = controller.play(DRAFT, *words, "-e", "draft_update=true")
    assert updated.status == 0, updated.output
    assert "Nothing has changed" in controller.play(DRAFT, *words).output


def test_a_draft_needs_both_folders(controller: Controller, tmp_path: Path) -> None:
    folder = application("flyway", tmp_path / "app")
    for words, message in (
        ([f"gonogo_migrations={folder}"], "Not set: draft_directory."),
        (
            [f"gonogo_migrations={folder}", f"draft_directory={folder / 'gonogo'}"],
            "a runbook among the migrations would be taken for one of them",
        ),
        ([f"gonogo_migrations={folder}", f"draft_directory={tmp_path}"], "is no draft"),
    ):
        refused = controller.play(DRAFT, *said(*words))
        assert refused.status != 0
        assert message in refused.output
    assert not (folder / "gonogo").exists()
