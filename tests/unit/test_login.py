"""What a login may be, and what libpq is told of it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login, clean_environment
from gonogo.contract.options.option import ENTRY
from gonogo.contract.options.shared import LOGIN

LOGIN_SPEC = LOGIN.spec(ENTRY)["options"]
FILES = [option for option, spec in LOGIN_SPEC.items() if spec["type"] == "path"]


@pytest.mark.parametrize("db", ["", "host=other dbname=x", "postgresql://other/x"])
def test_a_name_is_no_connection_string(db: str) -> None:
    with pytest.raises(GonogoError) as caught:
        Login(db=db)
    assert caught.value.primary == (
        f"login.db is not a database name: a text of {len(db)} characters, which is not shown"
    )


def refusal(**given: Any) -> GonogoError:
    with pytest.raises(GonogoError) as caught:
        Login(db="x", **given)
    return caught.value


def accepted(**given: Any) -> bool:
    login = Login(db="x", **given)
    return all(getattr(login, option) == value for option, value in given.items())


@pytest.mark.parametrize("option", FILES)
def test_files_of_a_login(tmp_path: Path, option: str) -> None:
    missing = refusal(**{option: f"{tmp_path}/none"})
    assert missing.render() == (
        f"login.{option} does not exist: {tmp_path}/none\n"
        "HINT:  The files of a login are on the target host."
    )
    folder = refusal(**{option: str(tmp_path)})
    assert folder.primary == f"login.{option} is not a file: {tmp_path}"
    for relative in ("pgpass", "./pgpass", "~nobody_such/pgpass", "$NOSUCH/pgpass", "system"):
        refused = refusal(**{option: relative})
        assert refused.primary.startswith(f"login.{option} is not an absolute path: ")
    (tmp_path / "file").touch(mode=0o600)
    assert accepted(**{option: f"{tmp_path}/file"})


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
@pytest.mark.parametrize("option", FILES)
def test_a_file_that_is_closed(tmp_path: Path, option: str) -> None:
    (tmp_path / "file").touch(mode=0o000)
    assert refusal(**{option: f"{tmp_path}/file"}).primary == (
        f"login.{option} cannot be read: {tmp_path}/file"
    )


@pytest.mark.parametrize(("option", "detail"), [("passfile", "ignore"), ("client_key", "refuse")])
@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660])
def test_what_is_secret_is_private(tmp_path: Path, option: str, detail: str, mode: int) -> None:
    file = tmp_path / "secret"
    file.touch()
    file.chmod(mode)
    assert refusal(**{option: str(file)}).render() == (
        f"login.{option} can be read by others: {file}\n"
        f"DETAIL:  libpq would {detail} it.\nHINT:  chmod 600 {file}"
    )
    file.chmod(0o600)
    assert accepted(**{option: str(file)})


def test_a_group_may_read_a_key_of_root_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.touch()
    file.chmod(0o640)
    real = Path.stat

    def owned_by(uid: int) -> None:
        def stat(path: Path, **options: Any) -> os.stat_result:
            found = list(real(path, **options))
            found[4] = uid
            return os.stat_result(found)

        monkeypatch.setattr(Path, "stat", stat)

    owned_by(1000)
    assert "can be read by others" in refusal(client_key=str(file)).primary
    owned_by(0)
    assert Login(db="x", client_key=str(file)).client_key == str(file)
    assert "can be read by others" in refusal(passfile=str(file)).primary


@pytest.mark.parametrize(
    "head", ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED"]
)  # fmt: skip
def test_a_key_that_asks_for_a_passphrase(tmp_path: Path, head: str) -> None:
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text(head)
    assert refusal(client_key=str(file)).primary == f"login.client_key is encrypted: {file}"
    # A service can say the passphrase.
    assert Login(db="x", service="s", client_key=str(file)).client_key == str(file)


def test_what_libpq_is_told(tmp_path: Path) -> None:
    file = tmp_path / "it's a \\ file"
    file.touch(mode=0o600)
    login = Login(
        db="x",
        user="u",
        host="h",
        port=5433,
        service="s",
        service_file=str(file),
        passfile=str(file),
        ssl_mode="verify-full",
        ca_cert=str(file),
        client_cert=str(file),
        client_key=str(file),
    )
    resolved = {"host": "h", "hostaddr": "192.0.2.1", "port": "5434", "user": "u"}
    told = psycopg.conninfo.conninfo_to_dict(login.conninfo(name="gonogo:r:backup", **resolved))
    assert told == {
        "dbname": "x",
        "user": "u",
        "host": "h",
        "hostaddr": "192.0.2.1",
        "port": "5434",
        "service": "s",
        "passfile": str(file),
        "sslmode": "verify-full",
        "sslrootcert": str(file),
        "sslcert": str(file),
        "sslkey": str(file),
        "connect_timeout": "10",
        "application_name": "gonogo:r:backup",
        "keepalives": "1",
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "30000",
    }
    told.pop("hostaddr")
    assert login.keywords(name="gonogo:r:backup") == {**told, "port": "5433"}
    # Every option stands above; one that libpq is not told would have no effect.
    assert set(LOGIN_SPEC) == set(Login.__dataclass_fields__)
    assert all(getattr(login, option) for option in LOGIN_SPEC)


def test_variables_of_libpq_are_dropped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c search_path=evil")
    monkeypatch.setenv("PGHOST", "elsewhere")
    file = tmp_path / "services"
    file.touch()

    def left(environment: Any) -> dict[str, str]:
        return {key: value for key, value in environment.items() if key.startswith("PG")}

    assert left(Login(db="x").environment()) == {}
    assert left(Login(db="x", service_file=str(file)).environment()) == {"PGSERVICEFILE": str(file)}
    assert "PATH" in Login(db="x").environment()
    clean_environment()
    assert left(os.environ) == {}


def test_paths_are_those_of_the_login_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible expands them where the module runs."""
    monkeypatch.setenv("HOME", "/home/apms")
    result = ArgumentSpecValidator({"login": {"type": "dict", "options": LOGIN_SPEC}}).validate(
        {"login": {"db": "x", **dict.fromkeys(FILES, "~/file")}}
    )
    assert not result.error_messages
    given = result.validated_parameters["login"]
    assert {given[option] for option in FILES} == {"/home/apms/file"}


def test_the_list_of_variables_has_every_option() -> None:
    text = (Path(__file__).parents[2] / "docs/variables.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z_]+)` \| `[A-Za-z_]+` \|", text, re.MULTILINE)
    assert listed == list(LOGIN_SPEC)
