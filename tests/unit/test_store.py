"""Stores of evidence: what goes in comes out, and what else is in there does nothing."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract import canonical
from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.records.reading import plain
from gonogo.controller import runbook, store
from gonogo.controller.attestation import FILE, PrivateKey, attestation, private_key, public_keys
from gonogo.controller.evidence import Run, judgement, load
from gonogo.controller.request import promotion
from gonogo.controller.request.protection import Protection
from gonogo.controller.stages import target
from gonogo.controller.store import finding, git, places, programs
from gonogo.controller.store.directory import _let_in
from gonogo.controller.store.keeping import opened
from gonogo.controller.store.packing import LARGEST
from tests.records import PLAN, RUN, check, result
from tests.unit.test_attestation import make_key, public_text

RUN_ID = "20260131T120000Z-0a1b2c"
LATER = "20260131T130000Z-0a1b2d"
NEWEST = "20260131T140000Z-0a1b2e"
RUNBOOK = Path(__file__).parents[2] / "runbooks" / "20251229010228_add_master_tables_final_v2"
LOADED = runbook.load(RUNBOOK, profile="target", parameters={}, templates=False)
SUBJECT = store.Subject("sandbox", None, LOADED.sha256)
PROTECTED = Protection(True, "this is a test", "sandbox", None)


def judged(runs: Path, run_id: str = RUN_ID, **changes: Any) -> Path:
    """A small whole run with the verdict that its evidence gives."""
    run = Run.create(runs, "sandbox", run_id)
    about = {
        "runbook": LOADED.name,
        "runbook_sha256": LOADED.sha256,
        "digests": {"runbook": dict(LOADED.digests), "project": {}, "elsewhere": {}},
    }
    run.write_json("run.json", {**RUN, **about, "run_id": run_id, **changes}, stage="target")
    run.write_json("plan.json", {**PLAN, "checks": [check("C1.1")]}, stage="target")
    run.append("target", "stage_passed")
    run.write("sql/01.sql", "SELECT 1;\n", stage="phases")
    run.append_lines("checks.jsonl", [result("C1.1")], stage="phases")
    run.append("verdict", "closed", {"fenced": []})
    run.publish("verdict.json", canonical.dumps(plain(judgement.decided(run.path))))
    return run.path


def bare(directory: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", "--bare", str(directory)], check=True)
    return directory


@pytest.fixture(params=["directory", "git"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> store.Place:
    there = tmp_path / "store"
    if request.param == "directory":
        there.mkdir(mode=0o700)
        return store.place_of(str(there))
    return store.place_of(f"git:{bare(there)}")


def files(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


# --- what a person writes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "path", "host", "port"),
    [
        ("/srv/evidence", "directory", "/srv/evidence", "", ""),
        ("ada@db1:/srv/evidence", "sftp", "/srv/evidence", "ada@db1", ""),
        ("db1:evidence", "sftp", "evidence", "db1", ""),
        ("db1:~/evidence", "sftp", "evidence", "db1", ""),
        ("ssh://db1:2222/srv/evidence", "sftp", "/srv/evidence", "db1", "2222"),
        ("ssh://db1/~/evidence", "sftp", "evidence", "db1", ""),
        ("git:git@host:group/evidence.git", "git", "git@host:group/evidence.git", "", ""),
        ("git:https://host/group/evidence.git", "git", "https://host/group/evidence.git", "", ""),
        ("git:/srv/evidence.git", "git", "/srv/evidence.git", "", ""),
    ],
)
def test_places(text: str, kind: str, path: str, host: str, port: str) -> None:
    found = store.place_of(text)
    assert (found.kind, found.path, found.host, found.port) == (kind, path, host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "evidence",
        "-oProxyCommand=x:/srv",
        "git:-x",
        "git:ext::sh -c x",
        "git:ext::x",
        "git:--upload-pack=x",
        "db1:/srv/a b",
        'db1:/srv/"x',
        "db1:/srv/$(x)",
        "db1:/srv/*",
        "db1:/srv\nrm x",
        "https://host/evidence",
        "git:https://ada:s3cret@host/x.git",
        "ssh://ada:s3cret@host/srv",
        ["/srv"],
    ],
)
def test_what_is_none_is_refused_and_not_repeated(text: object) -> None:
    with pytest.raises(InputError) as caught:
        store.place_of(text)
    told = caught.value.render()
    assert "gonogo_evidence_store" in told
    assert "s3cret" not in told


def test_arguments_of_ssh() -> None:
    assert store.place_of("db1:/srv", "-i 'my key' -v").ssh_args == ["-i", "my key", "-v"]
    with pytest.raises(InputError, match="cannot be arguments of ssh"):
        store.place_of("db1:/srv", "-i 'my key")


@pytest.mark.parametrize("customer", ["", "..", "a/b", "-", "A", "a b", 7, "x" * 64])
def test_a_customer_is_a_name(customer: object) -> None:
    found = replace(PROTECTED, customer=customer)
    with pytest.raises(InputError, match="not a name for a customer"):
        promotion.wanted(found, evidence=None)


# --- a directory as a file -----------------------------------------------------------------------


def test_what_is_packed_is_what_is_unpacked(tmp_path: Path) -> None:
    path = judged(tmp_path / "runs")
    (path / "notes.txt").write_text("somebody's own")
    packed = store.packed(path)
    assert store.packed(path) == packed
    there = tmp_path / RUN_ID
    store.unpacked(packed, there)
    here = files(path)
    # What the chain does not name is no evidence.
    del here["notes.txt"]
    assert files(there) == here
    assert judgement.confirmed(there) == judgement.confirmed(path)
    assert stat.S_IMODE((there / "events.jsonl").stat().st_mode) == 0o600


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for member, content in members:
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def named(name: str, **changes: Any) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    for key, value in changes.items():
        setattr(member, key, value)
    return member, b"x" if member.isreg() else b""


def head(size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """Of a member that is not as large as it says."""
    member = tarfile.TarInfo("run.json")
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(archive(named("../x")), id="above"),
        pytest.param(archive(named("/srv/x")), id="absolute"),
        pytest.param(archive(named("sql/../../x")), id="through a folder"),
        pytest.param(archive(named("a/b/c")), id="deep"),
        pytest.param(archive(named(".hidden")), id="hidden"),
        pytest.param(
            archive(named("run.json", type=tarfile.SYMTYPE, linkname="/etc/passwd")), id="link"
        ),
        pytest.param(
            archive(named("sql", type=tarfile.SYMTYPE, linkname="/srv"), named("sql/x")),
            id="folder that is a link",
        ),
        pytest.param(
            archive(named("run.json", type=tarfile.LNKTYPE, linkname="/etc/passwd")), id="hard link"
        ),
        pytest.param(archive(named("run.json", type=tarfile.FIFOTYPE)), id="pipe"),
        pytest.param(archive(named("run.json"), named("run.json")), id="twice"),
        pytest.param(archive(named("run.json"), named("run.json/x")), id="file as a folder"),
        pytest.param(gzip.compress(head(2**80)), id="size of no file"),
        pytest.param(gzip.compress(head(-(2**70))), id="size below nothing"),
        pytest.param(gzip.compress(head(0, tarfile.XHDTYPE) * 5000), id="heads upon heads"),
        pytest.param(gzip.compress(head(0, tarfile.GNUTYPE_LONGNAME) * 5000), id="long names"),
        pytest.param(b"", id="empty"),
        pytest.param(b"no gzip", id="something else"),
        pytest.param(gzip.compress(b"no tar" * 200), id="no archive"),
        pytest.param(archive(named("run.json"))[:-9], id="cut"),
        pytest.param(archive(named("run.json")) + b"x", id="with an end behind its end"),
    ],
)
def test_what_is_no_evidence_is_refused(content: bytes, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(GonogoError, match="no whole file of evidence"):
        store.unpacked(content, outside / RUN_ID)
    assert [*tmp_path.iterdir()] == [outside]
    assert {path.name for path in outside.iterdir()} <= {RUN_ID}
    assert not any(path.is_symlink() for path in outside.rglob("*"))


def test_what_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.packing, "_LARGEST_UNPACKED", 10_000)
    with pytest.raises(GonogoError, match="no whole file of evidence"):
        store.unpacked(gzip.compress(bytes(1_000_000)), tmp_path / RUN_ID)
    path = judged(tmp_path / "runs")
    with pytest.raises(GonogoError, match="too large for a store"):
        store.packed(path)


# --- keeping and finding -------------------------------------------------------------------------


def ids(place: store.Place, subject: store.Subject = SUBJECT) -> list[str]:
    return [one.run_id for one in store.found(place, subject) if one.directory]


def test_what_is_kept_is_found_the_newest_first(place: store.Place, tmp_path: Path) -> None:
    assert ids(place) == []
    for run_id in (RUN_ID, LATER):
        path = judged(tmp_path / "runs", run_id)
        kept = store.keep(place, SUBJECT, path)
        assert kept == f"sandbox/-/{LOADED.sha256}/{run_id}.tar.gz"
        # Once more is no error, and no second one.
        assert store.keep(place, SUBJECT, path) == kept
    assert ids(place) == [LATER, RUN_ID]
    for one in store.found(place, SUBJECT):
        assert one.directory
        assert files(one.directory) == files(tmp_path / "runs" / "sandbox" / one.run_id)
    assert ids(place, replace(SUBJECT, customer="acme")) == []
    assert ids(place, replace(SUBJECT, environment="staging")) == []


def test_nothing_is_replaced(place: store.Place, tmp_path: Path) -> None:
    path = judged(tmp_path / "runs")
    name = f"{RUN_ID}.tar.gz"
    opened(place).put(SUBJECT.folder, name, b"somebody's")
    with pytest.raises(store.StoreError, match="nothing was replaced"):
        store.keep(place, SUBJECT, path)
    with pytest.raises(store.StoreError):
        opened(place).put(SUBJECT.folder, name, b"others")
    assert opened(place).get(SUBJECT.folder, name, largest=LARGEST) == b"somebody's"
    assert ids(place) == []


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    path = judged(tmp_path / "runs")
    for text in (str(tmp_path / "none"), f"git:{tmp_path}/none.git"):
        with pytest.raises(store.StoreError) as caught:
            store.keep(store.place_of(text), SUBJECT, path)
        assert str(tmp_path / "none") in caught.value.render()
    # It may be a file system that is not mounted.
    assert not (tmp_path / "none").exists()


def test_an_unfinished_copy_is_none(place: store.Place, tmp_path: Path) -> None:
    content = store.packed(judged(tmp_path / "runs"))
    for name in (f".{RUN_ID}.tar.gz.0a1b", f"{RUN_ID}.tar.gz.part", "../x", "x.tar.gz"):
        if "/" not in name:
            opened(place).put(SUBJECT.folder, name, content)
    assert [*store.found(place, SUBJECT)] == []
    opened(place).put(SUBJECT.folder, f"{RUN_ID}.tar.gz", content[:-20])
    (cut,) = store.found(place, SUBJECT)
    assert cut.directory is None
    assert cut.problem


def test_a_copy_that_is_interrupted_leaves_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is whole on the disk it has none."""
    there = tmp_path / "store"
    there.mkdir()
    place = store.place_of(str(there))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = judged(tmp_path / "runs")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(store.StoreError, match="cannot keep the evidence"):
        store.keep(place, SUBJECT, path)
    monkeypatch.undo()
    assert [file for file in there.rglob("*") if file.is_file()] == []


@pytest.mark.parametrize(("mode", "file_mode"), [(0o700, 0o600), (0o2770, 0o660), (0o777, 0o660)])
def test_a_group_may_do_with_a_file_what_it_may_do_there(
    mode: int, file_mode: int, tmp_path: Path
) -> None:
    there = tmp_path / "store"
    there.mkdir()
    there.chmod(mode)
    kept = there / store.keep(store.place_of(str(there)), SUBJECT, judged(tmp_path / "runs"))
    assert stat.S_IMODE(kept.stat().st_mode) == file_mode
    assert stat.S_IMODE(kept.parent.stat().st_mode) & 0o007 == 0


def test_links_of_a_directory_are_not_followed(tmp_path: Path) -> None:
    there = tmp_path / "store"
    folder = there / SUBJECT.folder
    folder.mkdir(parents=True)
    whole = tmp_path / "whole"
    whole.write_bytes(store.packed(judged(tmp_path / "runs")))
    (folder / f"{RUN_ID}.tar.gz").symlink_to(whole)
    os.mkfifo(folder / f"{LATER}.tar.gz")
    assert ids(store.place_of(str(there))) == []


def test_two_that_push_at_once_keep_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = store.place_of(f"git:{bare(tmp_path / 'store')}")
    first, second = (judged(tmp_path / "runs", run_id) for run_id in (RUN_ID, LATER))
    committed = git.Git._committed
    others = [second]

    def late(self: git.Git, *words: Any) -> str:
        if others:
            store.keep(place, SUBJECT, others.pop())
        return committed(self, *words)

    monkeypatch.setattr(git.Git, "_committed", late)
    store.keep(place, SUBJECT, first)
    assert ids(place) == [LATER, RUN_ID]


def test_a_repository_of_somebody_elses_environment_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a job was started by a hook of git."""
    other = bare(tmp_path / "other")
    for name in ("GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.setenv(name, str(other))
    before = files(other)
    place = store.place_of(f"git:{tmp_path}/store")
    monkeypatch.delenv("GIT_OBJECT_DIRECTORY")
    with monkeypatch.context() as patch:
        patch.delenv("GIT_DIR")
        patch.delenv("GIT_WORK_TREE")
        bare(tmp_path / "store")
    store.keep(place, SUBJECT, judged(tmp_path / "runs"))
    assert files(other) == before


def test_a_program_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(store.StoreError, match="does not answer") as caught:
        store.keep(store.place_of("db1:/srv"), SUBJECT, judged(tmp_path / "runs"))
    assert "There is no sftp on the controller" in caught.value.render()


# --- what a store may take of this machine -------------------------------------------------------


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where everything temporary lies."""
    made = tmp_path / "scratch"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


def written(scratch: Path, *, within: Callable[[], object]) -> int:
    """The most that was on the disk at once meanwhile, bytes."""
    most, done = 0, threading.Event()

    def look() -> None:
        nonlocal most
        while not done.wait(0.01):
            with contextlib.suppress(FileNotFoundError):
                sizes = [path.stat().st_blocks * 512 for path in scratch.rglob("*")]
                most = max(most, sum(sizes))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        within()
    finally:
        done.set()
        looking.join()
    return most


def sftp_that(does: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> store.Place:
    """A store whose host does this when it is asked for a file or for names."""
    file = directory / "bin" / "sftp"
    file.parent.mkdir()
    file.write_text(
        "#!/bin/sh\nwhile read -r what name local; do\n"
        f'eval "set -- $local"; local=$1\n{does}\ndone\n'
    )
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{file.parent}:{os.environ['PATH']}")
    return store.place_of("db1:/srv/evidence")


def refused(place: store.Place, asking: Callable[[store.Store], object]) -> str:
    with pytest.raises(store.StoreError) as caught:
        asking(opened(place))
    return caught.value.render()


def test_a_host_that_does_not_stop_sending(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = sftp_that('[ "$what" != get ] || cat /dev/zero > "$local"', tmp_path, monkeypatch)
    told: list[str] = []
    most = written(
        scratch,
        within=lambda: told.append(
            refused(place, lambda one: one.get("sandbox/-/0a", "x", largest=1_000_000))
        ),
    )
    assert "the store of evidence sends more than is taken" in told[0]
    assert "sftp was stopped after 1000000 bytes" in told[0]
    assert most <= 1_100_000
    assert [*scratch.iterdir()] == []


def test_a_host_whose_names_have_no_end(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = sftp_that('[ "$what" != -ls ] || exec yes a/b', tmp_path, monkeypatch)
    told = refused(place, lambda one: one.names("sandbox/-/0a"))
    assert "the store of evidence sends more than is taken" in told
    assert [*scratch.iterdir()] == []


def test_a_host_that_is_silent_is_left_with_all_that_was_begun(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_SECONDS", 1)
    begun = tmp_path / "begun"
    place = sftp_that(f"sleep 600 & echo $! > {begun}; wait", tmp_path, monkeypatch)
    told = refused(place, lambda one: one.names("sandbox/-/0a"))
    assert "sftp has not ended within 1 s" in told
    assert [*scratch.iterdir()] == []
    state = Path(f"/proc/{begun.read_text().strip()}/stat")
    for _ in range(100):
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("what it had begun is still at work")


@pytest.mark.parametrize("number", [1, 300])
def test_a_repository_that_is_larger_than_a_store(
    number: int, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One object, or many that git would write one by one."""
    there = bare(tmp_path / "store")
    work = tmp_path / "work"
    (work / "x").mkdir(parents=True)
    for one in range(number):
        (work / "x" / str(one)).write_bytes(os.urandom(6_000_000 // number))
    for words in (
        ["init", "--quiet", "-b", "evidence"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "x"],
        ["push", "--quiet", str(there), "evidence"],
    ):
        subprocess.run(["git", "-C", str(work), *words], check=True)
    place = store.place_of(f"git:{there}")
    monkeypatch.setattr(git, "_LARGEST", 2_000_000)
    told: list[str] = []
    most = written(
        scratch, within=lambda: told.append(refused(place, lambda one: one.names("sandbox/-/0a")))
    )
    assert "the store of evidence sends more than is taken" in told[0]
    assert most <= 2_600_000
    assert [*scratch.iterdir()] == []


def test_a_folder_with_more_names_than_there_are_runs(
    place: store.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_MOST_NAMES", 3)
    for name in "abc":
        opened(place).put(SUBJECT.folder, name, b"x")
    assert set("abc") <= {*opened(place).names(SUBJECT.folder)}
    opened(place).put(SUBJECT.folder, "d", b"x")
    with pytest.raises(InputError, match="no evidence can be looked for: a folder of the store"):
        admitted(place)


def test_a_store_that_is_slow_is_not_looked_through(
    place: store.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(place).put(SUBJECT.folder, f"{RUN_ID}.tar.gz", b"x")
    monkeypatch.setattr(finding, "_SECONDS", -1)
    with pytest.raises(InputError, match=r"no evidence can be looked for: the store .* slow"):
        admitted(place)


# --- admitting by a store ------------------------------------------------------------------------


def admitted(
    place: store.Place, *trusted: PrivateKey, customer: str | None = None, hours: int = 10**6
) -> promotion.Admitted | None:
    keys = public_keys([public_text(key) for key in trusted] or None)
    return promotion.admitted(
        promotion.Wanted("sandbox", None, hours, keys, kept=place, customer=customer),
        protection=PROTECTED,
        environment="production",
        runbook=LOADED,
        now=datetime.now(UTC),
    )


@pytest.fixture
def taken_for_go(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[str]], None]:
    """These runs count as a GO. That whole runs do is what tests/integration are about."""
    confirmed = judgement.confirmed

    def take(run_ids: Sequence[str]) -> None:
        monkeypatch.setattr(
            judgement,
            "confirmed",
            lambda path: (
                replace(confirmed(path), decision="GO") if path.name in run_ids else confirmed(path)
            ),
        )

    return take


def test_the_newest_run_admits(
    place: store.Place, tmp_path: Path, taken_for_go: Callable[[Sequence[str]], None]
) -> None:
    for run_id in (RUN_ID, LATER):
        store.keep(place, SUBJECT, judged(tmp_path / "runs", run_id))
    taken_for_go([RUN_ID, LATER])
    found = admitted(place)
    assert found
    assert found.promotion.run_id == LATER


def test_a_later_run_that_was_none_counts_as_well(
    place: store.Place, tmp_path: Path, taken_for_go: Callable[[Sequence[str]], None]
) -> None:
    for run_id in (RUN_ID, LATER):
        store.keep(place, SUBJECT, judged(tmp_path / "runs", run_id))
    taken_for_go([RUN_ID])
    with pytest.raises(InputError, match=r"the run it is about is a (HOLD|NO-GO)"):
        admitted(place)


@pytest.fixture
def gate(tmp_path: Path) -> PrivateKey:
    return private_key(str(make_key(tmp_path / "keys", "ed25519")))


def attested(path: Path, key: PrivateKey) -> Path:
    """The gate says what the run has come to."""
    signed = attestation(load(path), judgement.confirmed(path), key)
    Run.open(path).publish(FILE, signed)
    return path


def test_what_nobody_has_attested_keeps_out_nothing_that_was(
    place: store.Place,
    tmp_path: Path,
    gate: PrivateKey,
    taken_for_go: Callable[[Sequence[str]], None],
) -> None:
    """Or whoever can write to the store could keep production from every rollout."""
    taken_for_go([RUN_ID, LATER])
    runs = tmp_path / "runs"
    store.keep(place, SUBJECT, attested(judged(runs, RUN_ID), gate))
    for run_id in (LATER, NEWEST):
        store.keep(place, SUBJECT, judged(runs, run_id))
    found = admitted(place, gate)
    assert found
    assert found.promotion.run_id == RUN_ID
    assert found.promotion.attested_by == gate.public.id
    # A run that nobody has attested is no GO, and it may be what is left of one that was: named.
    assert found.promotion.passed_over == [
        f"{NEWEST}: by its own word a {judgement.decided(runs / 'sandbox' / NEWEST).decision}, "
        "but nobody has attested it",
        f"{LATER}: by its own word a GO, but nobody has attested it",
    ]
    assert target._passed_over(found)[0].startswith(f"Let in by run {RUN_ID} on sandbox.")
    assert len(target._passed_over(found)) == 3
    # Where no key is trusted, the newest counts, whoever has written it.
    with pytest.raises(InputError, match=r"the run it is about is a (HOLD|NO-GO)"):
        admitted(place)


def test_a_later_run_that_was_attested_counts_whatever_it_came_to(
    place: store.Place,
    tmp_path: Path,
    gate: PrivateKey,
    taken_for_go: Callable[[Sequence[str]], None],
) -> None:
    taken_for_go([RUN_ID, NEWEST])
    runs = tmp_path / "runs"
    store.keep(place, SUBJECT, attested(judged(runs, RUN_ID), gate))
    store.keep(place, SUBJECT, attested(judged(runs, LATER), gate))
    # A GO that somebody has made up, to hide it.
    store.keep(place, SUBJECT, judged(runs, NEWEST))
    with pytest.raises(InputError, match=r"the run it is about is a (HOLD|NO-GO)"):
        admitted(place, gate)


def test_one_that_was_damaged_is_named(
    tmp_path: Path, gate: PrivateKey, taken_for_go: Callable[[Sequence[str]], None]
) -> None:
    """Whoever can damage a file of the store can delete it as well; this much is seen."""
    taken_for_go([RUN_ID])
    there = tmp_path / "store"
    there.mkdir(mode=0o700)
    place, runs = store.place_of(str(there)), tmp_path / "runs"
    store.keep(place, SUBJECT, attested(judged(runs, RUN_ID), gate))
    path = attested(judged(runs, LATER), gate)
    kept = there / store.keep(place, SUBJECT, path)
    whole = kept.read_bytes()
    for damaged in (whole[:-9], b"", packed_without(path, FILE), packed_without(path, "run.json")):
        kept.write_bytes(damaged)
        found = admitted(place, gate)
        assert found
        assert found.promotion.run_id == RUN_ID
        (named,) = found.promotion.passed_over
        assert named.startswith(f"{LATER}: ")
    kept.write_bytes(whole)
    with pytest.raises(InputError, match=r"the run it is about is a (HOLD|NO-GO)"):
        admitted(place, gate)


def test_what_a_store_has_is_named_by_its_name_there(
    place: store.Place,
    tmp_path: Path,
    scratch: Path,
    taken_for_go: Callable[[Sequence[str]], None],
) -> None:
    """Nobody can look at a directory that is gone by the time it is named."""
    unjudged = judged(tmp_path / "runs", LATER)
    (unjudged / "verdict.json").unlink()
    store.keep(place, SUBJECT, unjudged)
    with pytest.raises(InputError, match="no evidence of a run on sandbox") as caught:
        admitted(place)
    named = f"{LATER}.tar.gz"
    assert f"{named} holds no verdict" in caught.value.render()
    assert str(scratch) not in caught.value.render()
    store.keep(place, SUBJECT, judged(tmp_path / "runs", RUN_ID))
    with pytest.raises(InputError, match=r"the run it is about is a (HOLD|NO-GO)") as caught:
        admitted(place)
    told = caught.value.render()
    assert f"gonogo_evidence_store is {place.shown}; it has {SUBJECT.folder}/{RUN_ID}" in told
    assert "gonogo_promotion_evidence" not in told
    assert str(scratch) not in told
    taken_for_go([RUN_ID])
    with pytest.raises(InputError, match="older than -1 hours") as caught:
        admitted(place, hours=-1)
    assert str(scratch) not in caught.value.render()
    # What was passed over on the way there is told as well.
    assert f"{named} holds no verdict" in caught.value.render()


def packed_without(path: Path, name: str) -> bytes:
    names = [one for one in files(path) if one != name]
    members = [(tarfile.TarInfo(one), files(path)[one]) for one in names]
    return archive(*members)


def test_where_no_attested_run_is_left_each_is_named(
    place: store.Place, tmp_path: Path, gate: PrivateKey
) -> None:
    store.keep(place, SUBJECT, judged(tmp_path / "runs", RUN_ID))
    with pytest.raises(InputError, match="no evidence of a run on sandbox") as caught:
        admitted(place, gate)
    assert f"{RUN_ID}: by its own word a " in caught.value.render()
    assert "but nobody has attested it" in caught.value.render()


def test_runs_that_were_not_looked_at_are_told(
    place: store.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "_MOST", 1)
    for run_id in (RUN_ID, LATER):
        opened(place).put(SUBJECT.folder, f"{run_id}.tar.gz", b"x")
    with pytest.raises(InputError, match="no evidence of a run on sandbox") as caught:
        admitted(place)
    told = caught.value.render()
    assert f"{RUN_ID}: neither it nor what is older was looked at: there are 1 newer ones" in told


def test_what_is_of_something_else_is_passed_over(
    place: store.Place, tmp_path: Path, taken_for_go: Callable[[Sequence[str]], None]
) -> None:
    """Wherever somebody has put it: the content decides."""
    taken_for_go([RUN_ID, LATER])
    put = opened(place).put
    put(SUBJECT.folder, f"{LATER}.tar.gz", b"garbage")
    others = judged(tmp_path / "runs", LATER, customer="acme")
    put(SUBJECT.folder, "20260131T140000Z-0a1b2e.tar.gz", store.packed(others))
    with pytest.raises(InputError, match="no evidence of a run on sandbox") as caught:
        admitted(place)
    told = caught.value.render()
    assert f"{LATER}: what the store has is no whole file of evidence" in told
    # Its own name is another: the directory of a run is called as the run.
    assert "20260131T140000Z-0a1b2e: the evidence shown does not admit this run" in told
    store.keep(place, SUBJECT, judged(tmp_path / "runs", RUN_ID))
    found = admitted(place)
    assert found
    assert found.promotion.run_id == RUN_ID


def test_a_customer_is_admitted_by_its_own(
    place: store.Place, tmp_path: Path, taken_for_go: Callable[[Sequence[str]], None]
) -> None:
    taken_for_go([RUN_ID])
    path = judged(tmp_path / "runs", customer="acme")
    content = store.packed(path)
    # Moved by whoever can write to the store.
    for subject in (SUBJECT, replace(SUBJECT, customer="bolt"), replace(SUBJECT, customer="acme")):
        opened(place).put(subject.folder, f"{RUN_ID}.tar.gz", content)
    for customer in (None, "bolt"):
        with pytest.raises(InputError, match="no evidence of a run on sandbox") as caught:
            admitted(place, customer=customer)
        assert "it is about customer acme" in caught.value.render()
    found = admitted(place, customer="acme")
    assert found
    assert target._passed_over(found) == target._passed_over(None) == []


def test_a_store_that_does_not_answer_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no evidence can be looked for") as caught:
        admitted(store.place_of(str(tmp_path / "none")))
    assert "name a directory of evidence: gonogo_promotion_evidence" in caught.value.render()


def test_what_was_taken_out_is_gone_afterwards(place: store.Place, tmp_path: Path) -> None:
    store.keep(place, SUBJECT, judged(tmp_path / "runs"))
    (one,) = [(one, one.directory) for one in store.found(place, SUBJECT)]
    assert one[1]
    assert not one[1].exists()
    shutil.rmtree(tmp_path / "runs")
    assert ids(place) == [RUN_ID]


SHOWN = promotion._Shown(Path("/runs/one"), "/runs/one", "gonogo_promotion_evidence is /runs/one")


@pytest.mark.parametrize("at", ["", "yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14"])
def test_a_run_that_ended_at_no_time_is_refused(at: str, tmp_path: Path) -> None:
    verdict = replace(judgement.decided(judged(tmp_path)), finished_at=at)
    with pytest.raises(InputError, match="does not admit this run"):
        promotion._check_age(verdict, SHOWN, hours=1, now=datetime.now(UTC))


def test_an_age_that_no_date_has(tmp_path: Path) -> None:
    verdict = judgement.decided(judged(tmp_path))
    with pytest.raises(InputError, match="older than"):
        promotion._check_age(verdict, SHOWN, hours=-(10**12), now=datetime.now(UTC))


def test_a_link_in_the_place_of_a_new_folder_opens_nothing(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir(0o700)
    (tmp_path / "new").symlink_to(own)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        _let_in(tmp_path / "new", 0o770)
    assert own.stat().st_mode & 0o777 == 0o700
