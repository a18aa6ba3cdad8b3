"""The signed verdict: it says what holds, others can read it, and nothing forged is believed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import resource_descriptor_pb2, statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from gonogo.contract import canonical
from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.options.verdict import VerdictTask
from gonogo.contract.records.reading import plain, read
from gonogo.contract.records.run import Process
from gonogo.contract.records.shape import Shape
from gonogo.contract.records.verdict import VerdictRecord
from gonogo.controller.attestation import (
    FILE,
    PrivateKey,
    attestation,
    private_key,
    public_keys,
    require_attested,
)
from gonogo.controller.attestation.envelope import ForgedError, opened, pae, sealed
from gonogo.controller.attestation.statements import GO, SVR, TEST_RESULT, statements
from gonogo.controller.evidence import Run, load, point_to
from gonogo.controller.evidence.judgement import decided
from gonogo.controller.request import promotion
from gonogo.controller.request.protection import Protection
from gonogo.controller.stages.reported import Reported
from gonogo.controller.stages.verdict import Verdict
from tests.records import RUN
from tests.records import judged as judged_of
from tests.unit.deployments import deployment, trace
from tests.unit.test_report import write_run
from tests.unit.test_sarif import rehearsed, slow
from tools.direct import Here
from verify import verify_attestation

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
OPEN = serialization.NoEncryption()
KINDS = ("ed25519", "p256")
PROGRAM = Path(__file__).parents[2] / "verify" / "verify_attestation.py"
# Orders of the groups.
P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519 = 2**252 + 27742317777372353535851937790883648493


def make_key(directory: Path, kind: str, name: str = "gate.pem") -> Path:
    return keep(directory / name, made(kind).private_bytes(PEM, PKCS8, OPEN))


def made(kind: str) -> ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1() if kind == "p256" else ec.SECP384R1())


def keep(file: Path, content: bytes, mode: int = 0o600) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(0o600)
    file.write_bytes(content)
    file.chmod(mode)
    return file


def public_text(key: PrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public.key.public_bytes(PEM, form).decode()


@pytest.fixture(params=KINDS)
def key(request: pytest.FixtureRequest, tmp_path: Path) -> PrivateKey:
    return private_key(str(make_key(tmp_path / "keys", request.param)))


@pytest.fixture
def other(tmp_path: Path) -> PrivateKey:
    return private_key(str(make_key(tmp_path / "keys", "ed25519", "other.pem")))


def judged(path: Path, key: PrivateKey | None = None) -> Path:
    """The run with its verdict, attested where there is a key."""
    run, verdict = Run.open(path), decided(path)
    if key:
        run.publish(FILE, attestation(load(path), verdict, key))
    run.publish("verdict.json", canonical.dumps(plain(verdict)))
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / FILE).read_text().splitlines()]


def stated(path: Path) -> dict[str, dict[str, Any]]:
    """Type of the predicate → the statement of it."""
    found: list[dict[str, Any]] = json.loads(json.dumps(statements(load(path), decided(path))))
    return {one["predicateType"]: one for one in found}


# --- what is stated -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "result", "go", "passed", "failed"),
    [
        ("pass", "PASSED", True, ["C1.1", "C1.2"], ["N1.1"]),
        ("fail", "FAILED", False, ["C1.2"], ["C1.1", "N1.1"]),
        ("inconclusive", "FAILED", False, ["C1.2"], ["N1.1"]),
        ("not_run", "FAILED", False, ["C1.2"], ["N1.1"]),
    ],
)
def test_a_hold_is_failed_and_what_is_unknown_is_in_no_list(
    tmp_path: Path, status: str, result: str, go: bool, passed: list[str], failed: list[str]
) -> None:
    found = stated(write_run(tmp_path, status=status))
    test_result = found[TEST_RESULT]["predicate"]
    assert test_result["result"] == result
    assert (test_result["passedTests"], test_result["failedTests"]) == (passed, failed)
    assert test_result["warnedTests"] == []
    assert (GO in found[SVR]["predicate"]["properties"]) == go


def test_subjects_are_the_files_the_runbook_the_verdict_and_the_head(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    evidence, verdict = load(path), decided(path)
    assert evidence.run is not None
    known = {"m.sql": "aa" * 32, "other.sql": "bb" * 32, "migrations/n.sql": "cc" * 32}
    evidence.run = replace(evidence.run, digests=replace(evidence.run.digests, runbook=known))
    evidence.deploy = dict(plain(deployment(statements=[trace(), trace(file="n.sql")])))
    found = json.loads(json.dumps(statements(evidence, verdict)[0]))["subject"]
    assert {one["name"]: one["digest"]["sha256"] for one in found} == {
        "migration/m.sql": "aa" * 32,
        "migration/n.sql": "cc" * 32,
        "runbook": RUN["runbook_sha256"],
        "verdict.json": sha256(canonical.dumps(plain(verdict)).encode()).hexdigest(),
        "evidence": verdict.evidence_head,
    }


def test_only_what_holds_is_a_property(tmp_path: Path) -> None:
    def properties(path: Path) -> list[str]:
        return list(stated(path)[SVR]["predicate"]["properties"])

    undone = {"seconds": 1.0, "locked": [], "locked_seconds": 0.0, "lost": {}, "compared": []}
    proven = ["GONOGO_ENVIRONMENT_sandbox", "GONOGO_RESTORE_PROVEN"]
    assert properties(write_run(tmp_path / "a")) == [GO, *proven]
    assert properties(write_run(tmp_path / "b", status="fail")) == proven
    tried = rehearsed(write_run(tmp_path / "c"), undone=undone)
    assert properties(tried) == [GO, *proven, "GONOGO_REHEARSED", "GONOGO_UNDO_REHEARSED"]
    assert properties(rehearsed(write_run(tmp_path / "d"))) == [GO, *proven, "GONOGO_REHEARSED"]
    # On a copy of another database: that is not the same.
    schema = {"table public.a": ""}
    by = {
        **dict.fromkeys(("host", "database", "evidence_head", "statements_sha256"), "x"),
        "size": 1,
        "run_id": "20260131T115900Z-0a1b2c",
        "shape_sha256": Shape("", 0, {"encoding": "UTF8"}, schema).sha256,
        "unproven": [],
    }
    other = rehearsed(write_run(tmp_path / "g", schema=schema), undone=undone, by=by)
    assert properties(other) == [GO, *proven, "GONOGO_REHEARSED_SAME_SHAPE"]
    over = rehearsed(write_run(tmp_path / "e"), slow=[slow()], undone=undone)
    assert properties(over) == proven
    # Of evidence that was altered nothing is known.
    altered = write_run(tmp_path / "f")
    (altered / "facts.json").write_text("{}\n")
    assert properties(altered) == []


def test_no_secret_and_no_row_is_in_it(tmp_path: Path) -> None:
    text = json.dumps([*stated(write_run(tmp_path, text="seen", status="fail")).values()])
    verdict = decided(tmp_path / "sandbox" / write_run(tmp_path / "b").name)
    assert verdict.target is not None
    for name in ("samples", "observed", "expected", "passfile", "/tmp"):  # noqa: S108
        assert name not in text


# --- read by others -----------------------------------------------------------------------------


def test_the_library_of_in_toto_reads_it(tmp_path: Path, key: PrivateKey) -> None:
    for line in lines(judged(write_run(tmp_path, status="fail"), key)):
        statement = json.loads(base64.b64decode(line["payload"]))
        read = json_format.ParseDict(statement, statement_pb2.Statement())
        Statement.copy_from_pb(read).validate()
        names = [subject.name for subject in read.subject]
        assert len({*names}) == len(names)
        predicate = statement["predicate"]
        if statement["predicateType"] == TEST_RESULT:
            result = json_format.ParseDict(predicate, test_result_pb2.TestResult())
            assert [*result.failed_tests] == ["C1.1", "N1.1"]
        else:
            assert {*predicate} == {"verifier", "timeCreated", "properties"}
            for policy in predicate["verifier"]["policies"]:
                json_format.ParseDict(policy, resource_descriptor_pb2.ResourceDescriptor())


def sslib(key: PrivateKey) -> SSlibKey:
    return SSlibKey.from_crypto(key.public.key, keyid=key.public.id)


def test_securesystemslib_verifies_it(tmp_path: Path, key: PrivateKey, other: PrivateKey) -> None:
    for line in lines(judged(write_run(tmp_path), key)):
        envelope = Envelope.from_dict(line)
        assert [*envelope.verify([sslib(key)], 1)] == [key.public.id]
        with pytest.raises(VerificationError):
            envelope.verify([sslib(other)], 1)


def test_openssl_verifies_it(tmp_path: Path, key: PrivateKey) -> None:
    public = keep(tmp_path / "public.pem", public_text(key).encode())
    # The id is the SHA-256 of the key, which openssl prints, too.
    der = openssl("pkey", "-pubin", "-in", str(public), "-outform", "DER")
    assert sha256(der.stdout).hexdigest() == key.public.id
    for line in lines(judged(write_run(tmp_path), key)):
        payload = base64.b64decode(line["payload"])
        kind = line["payloadType"]
        text = keep(
            tmp_path / "text", b"DSSEv1 28 %s %d %s" % (kind.encode(), len(payload), payload)
        )
        (signature,) = line["signatures"]
        sig = keep(tmp_path / "sig", base64.b64decode(signature["sig"]))
        assert verified(public, sig, text, key).returncode == 0
        text.write_bytes(
            text.read_bytes().replace(b"GONOGO_GO", b"GONOGO_NO").replace(b"D", b"E", 1)
        )
        assert verified(public, sig, text, key).returncode != 0


def verified(
    public: Path, sig: Path, text: Path, key: PrivateKey
) -> subprocess.CompletedProcess[bytes]:
    if isinstance(key.key, ed25519.Ed25519PrivateKey):
        more = ("-rawin", "-in", str(text), "-sigfile", str(sig))
        return openssl("pkeyutl", "-verify", "-pubin", "-inkey", str(public), *more)
    return openssl("dgst", "-sha256", "-verify", str(public), "-signature", str(sig), str(text))


def openssl(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *words], capture_output=True, check=False)


def test_a_key_that_openssl_has_made_signs(tmp_path: Path) -> None:
    for kind in (["ed25519"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]):
        made = openssl("genpkey", "-algorithm", *kind)
        assert private_key(str(keep(tmp_path / kind[0], made.stdout)))


# --- what is forged -----------------------------------------------------------------------------

Change = Callable[[dict[str, Any], PrivateKey, PrivateKey], None]


def _payload(one: dict[str, Any], key: PrivateKey, other: PrivateKey) -> None:
    del key, other
    payload = base64.b64decode(one["payload"]).replace(b"GONOGO_GO", b"GONOGO_NO")
    payload = payload.replace(b"sandbox", b"staging")
    one["payload"] = base64.b64encode(payload).decode()


def _another_key(one: dict[str, Any], key: PrivateKey, other: PrivateKey) -> None:
    del key
    one.update(json.loads(sealed({"x": 1}, other)))


def _keyid(one: dict[str, Any], key: PrivateKey, other: PrivateKey) -> None:
    """The other key's signature under the name of the trusted one."""
    _another_key(one, key, other)
    one["signatures"][0]["keyid"] = key.public.id


def _other_keyid(one: dict[str, Any], key: PrivateKey, other: PrivateKey) -> None:
    del key
    one["signatures"][0]["keyid"] = other.public.id


def _type(one: dict[str, Any], key: PrivateKey, other: PrivateKey) -> None:
    del key, other
    one["payloadType"] = "application/json"


def _type_moved(one: dict[str, Any], key: PrivateKey, other: PrivateKey) -> None:
    """The border between type and payload is moved: the lengths are signed."""
    del key, other
    one["payloadType"] = "application/vnd.in-toto"
    one["payload"] = base64.b64encode(b"+json " + base64.b64decode(one["payload"])).decode()


def _malleable(one: dict[str, Any], key: PrivateKey, other: PrivateKey) -> None:
    """The other signature that the equation takes as well."""
    del other
    signature = base64.b64decode(one["signatures"][0]["sig"])
    if isinstance(key.key, ed25519.Ed25519PrivateKey):
        s = int.from_bytes(signature[32:], "little") + ED25519
        changed = signature[:32] + s.to_bytes(32, "little")
    else:
        r, s = decode_dss_signature(signature)
        changed = encode_dss_signature(r, P256 - s)
    one["signatures"][0]["sig"] = base64.b64encode(changed).decode()


def _longer(one: dict[str, Any], key: PrivateKey, other: PrivateKey) -> None:
    del key, other
    signature = base64.b64decode(one["signatures"][0]["sig"])
    one["signatures"][0]["sig"] = base64.b64encode(signature + b"\0").decode()


def _twice(one: dict[str, Any], key: PrivateKey, other: PrivateKey) -> None:
    del key, other
    one["signatures"] *= 2


def _one_of_two(one: dict[str, Any], key: PrivateKey, other: PrivateKey) -> None:
    """A second signature that is said to be of the trusted key."""
    del other
    one["signatures"].append({"keyid": key.public.id, "sig": base64.b64encode(b"x" * 64).decode()})


def _none(one: dict[str, Any], key: PrivateKey, other: PrivateKey) -> None:
    del key, other
    one["signatures"] = []


def _empty(one: dict[str, Any], key: PrivateKey, other: PrivateKey) -> None:
    del key, other
    one["signatures"][0]["sig"] = ""


CHANGES: Mapping[str, Change] = {
    "payload": _payload,
    "another key": _another_key,
    "another key under this one's name": _keyid,
    "another key's name": _other_keyid,
    "type": _type,
    "type and payload": _type_moved,
    "longer": _longer,
    "malleable": _malleable,
    "twice": _twice,
    "a second one": _one_of_two,
    "none": _none,
    "empty": _empty,
}
# What the equation of ECDSA takes, libraries take.
OURS_ALONE = {("malleable", "p256")}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_is_refused(
    tmp_path: Path, key: PrivateKey, other: PrivateKey, name: str
) -> None:
    trusted = {key.public.id: key.public}
    (path,) = [judged(write_run(tmp_path), key)]
    for line in lines(path):
        assert opened(json.dumps(line).encode(), trusted)
        forged = json.loads(json.dumps(line))
        CHANGES[name](forged, key, other)
        assert forged != line
        with pytest.raises(ForgedError):
            opened(json.dumps(forged).encode(), trusted)
        kind = "ed25519" if isinstance(key.key, ed25519.Ed25519PrivateKey) else "p256"
        if (name, kind) not in OURS_ALONE:
            with pytest.raises((VerificationError, ValueError)):
                Envelope.from_dict(json.loads(json.dumps(forged))).verify([sslib(key)], 1)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b'"x"',
        b"\xff",
        b"[" * 100_000,
        b'{"payloadType": "application/vnd.in-toto+json"}',
        b'{"payloadType": "application/vnd.in-toto+json", "payload": "!", "signatures": []}',
        b'{"payloadType": "application/vnd.in-toto+json", "payload": "", "signatures": [1]}',
        b'{"payloadType": "application/vnd.in-toto+json", "payload": "", "signatures": {}}',
    ],
)
def test_what_is_no_envelope_is_refused(line: bytes, other: PrivateKey) -> None:
    with pytest.raises(ForgedError):
        opened(line, {other.public.id: other.public})


def test_a_key_that_is_said_twice_is_refused(other: PrivateKey) -> None:
    line = sealed({"a": 1}, other)
    twice = line.replace('{"payload":', '{"payload":"e30=","payload":')
    with pytest.raises(ForgedError, match="twice"):
        opened(twice.encode(), {other.public.id: other.public})


def test_signatures_of_keys_that_nobody_trusts_say_nothing(
    key: PrivateKey, other: PrivateKey
) -> None:
    """Another gate may sign it as well, see the envelope of in-toto."""
    line, more = (json.loads(sealed({"a": 1}, one)) for one in (key, other))
    both = {**line, "signatures": [*more["signatures"], *line["signatures"]]}
    for one in (key, other):
        assert opened(json.dumps(both).encode(), {one.public.id: one.public})[1] == one.public.id


def test_what_is_signed_is_as_the_standard_says() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


# --- keys ---------------------------------------------------------------------------------------


def broken(directory: Path, kind: str) -> Path:
    """A file that is no key of a gate."""
    file = make_key(directory, "ed25519")
    content = file.read_bytes()
    if kind == "encrypted":
        loaded = serialization.load_pem_private_key(content, None)
        secret = serialization.BestAvailableEncryption(b"hunter2")
        return keep(file, loaded.private_bytes(PEM, PKCS8, secret))
    if kind == "openssh":
        loaded = serialization.load_pem_private_key(content, None)
        return keep(file, loaded.private_bytes(PEM, serialization.PrivateFormat.OpenSSH, OPEN))
    if kind in ("rsa", "p384"):
        return make_key(directory, kind)
    if kind == "pipe":
        os.mkfifo(directory / "pipe", 0o600)
        return directory / "pipe"
    if kind == "missing":
        return directory / "none.pem"
    if kind == "public":
        return keep(file, public_text(private_key(str(file))).encode())
    if kind == "cut":
        return keep(file, content[:40])
    if kind == "directory":
        return directory
    file.chmod({"group": 0o640, "others": 0o604, "writable": 0o620}[kind])
    return file


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("encrypted", "has a passphrase"),
        ("openssh", "OpenSSH's form"),
        ("rsa", "of another kind"),
        ("p384", "of another kind"),
        ("pipe", "no plain file"),
        ("directory", "no plain file"),
        ("missing", "cannot be read: No such file"),
        ("public", "no private key in PEM"),
        ("cut", "no private key in PEM"),
        ("group", "others than its owner"),
        ("others", "others than its owner"),
        ("writable", "others than its owner"),
    ],
)
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, kind: str, said: str) -> None:
    file = broken(tmp_path, kind)
    secret = file.read_text().split()[5:-4] if file.is_file() else []
    with pytest.raises(InputError, match=said) as caught:
        private_key(str(file))
    text = caught.value.render()
    assert caught.value.__cause__ is None
    assert not [line for line in secret if line in text]
    assert "hunter2" not in text


@pytest.mark.parametrize("given", ["", 5, None, [], {"a": "b"}])
def test_what_is_no_path_is_no_key(given: object) -> None:
    with pytest.raises(InputError, match="must be a path"):
        private_key(given)


def test_a_key_that_was_put_in_the_place_of_its_path_is_not_shown(tmp_path: Path) -> None:
    text = make_key(tmp_path, "ed25519").read_text()
    for given in (text, text.replace("\n", "")):
        with pytest.raises(InputError) as caught:
            private_key(given)
        assert text.splitlines()[1] not in caught.value.render()


def test_what_is_no_public_key_is_refused(other: PrivateKey) -> None:
    text = public_text(other)
    assert [*public_keys([text])] == [other.public.id]
    wrong: list[object] = ["", text + text, text[:60], text.replace("PUBLIC", "PRIVATE")]
    wrong += ["keys/gate.pub", "{{ lookup('file', 'gate.pub') }}", {"pem": text}, 5]
    for one in wrong:
        with pytest.raises(InputError) as caught:
            public_keys([text, one])
        assert caught.value.key == "gonogo_promotion_keys[1]"


@pytest.mark.parametrize("given", [[], "", "x", {}, False])
def test_no_key_at_all_is_refused(given: object) -> None:
    """An empty list would be a promotion that asks for nothing."""
    with pytest.raises(InputError, match="must be a list"):
        public_keys(given)
    assert public_keys(None) == {}


# --- promotion ----------------------------------------------------------------------------------


def admitted(path: Path, *keys: PrivateKey) -> promotion.Admitted | None:
    """Production asks; it trusts these keys, where there are any."""
    trusted = [public_text(key) for key in keys] or None
    protection = Protection(True, "this is a test", "sandbox", 24, trusted)
    about = SimpleNamespace(
        name="fine", profile=RUN["profile"], sha256=RUN["runbook_sha256"], digests={}
    )
    wanted = promotion.wanted(protection, evidence=str(path))
    return promotion.admitted(
        wanted,
        protection=protection,
        environment="production",
        runbook=about,  # type: ignore[arg-type]
        now=datetime(2026, 1, 31, 13, tzinfo=UTC),
    )


def test_a_chain_that_was_written_anew_is_let_in_without_keys_and_refused_with_them(
    tmp_path: Path, key: PrivateKey, other: PrivateKey
) -> None:
    """A NO-GO that was attested; then somebody writes another whole directory in its place."""
    real = judged(write_run(tmp_path / "real", status="fail"), key)
    forged = judged(write_run(tmp_path / "forged", status="pass"))
    assert decided(forged).decision == "GO"
    # It proves itself: without keys nobody can tell.
    assert admitted(forged)
    with pytest.raises(InputError, match="nobody has attested it"):
        admitted(forged, key)
    shutil.copy(real / FILE, forged)
    with pytest.raises(InputError, match="none of the trusted keys") as caught:
        admitted(forged, key)
    assert "it is about other evidence" in caught.value.render()
    # Nor does a key of one's own help.
    judged(forged, other)
    with pytest.raises(InputError, match="none of the trusted keys") as caught:
        admitted(forged, key)
    assert "none of the trusted keys has signed it" in caught.value.render()


def test_what_a_trusted_key_has_attested_is_let_in(
    tmp_path: Path, key: PrivateKey, other: PrivateKey
) -> None:
    path = judged(write_run(tmp_path), key)
    for trusted in ([key], [other, key]):
        found = admitted(path, *trusted)
        assert found
        assert found.promotion.attested_by == key.public.id
    # Lines that anybody may have added are passed over, and their order says nothing.
    own = (path / FILE).read_text().splitlines()
    (path / FILE).write_text("\n".join(["not JSON", *reversed(own), "", "{}"]) + "\n")
    assert admitted(path, key)


def test_what_is_no_go_is_refused_as_such(tmp_path: Path, key: PrivateKey) -> None:
    with pytest.raises(InputError, match="the run it is about is a NO-GO"):
        admitted(judged(write_run(tmp_path, status="fail"), key), key)


def test_an_attestation_of_another_run_lets_nobody_in(tmp_path: Path, key: PrivateKey) -> None:
    path = judged(write_run(tmp_path / "a"))
    again = judged(write_run(tmp_path / "b", run_id="20260131T110000Z-abcdef"), key)
    shutil.copy(again / FILE, path)
    with pytest.raises(InputError, match="none of the trusted keys"):
        admitted(path, key)


HEAD = "ab" * 32
VERDICT = read(
    VerdictRecord,
    {**judged_of(checks=[], events=[]), "decision": "GO", "evidence_head": HEAD},
    file="verdict.json",
)


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "evidence", "digest": {"sha256": HEAD}}],
        "predicateType": SVR,
        "predicate": {
            "verifier": {"id": "urn:pg-gonogo:verdict:v1", "policies": []},
            "timeCreated": "2026-01-31T12:00:00Z",
            "properties": [GO],
        },
        **changes,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicateType": TEST_RESULT},
        {"predicateType": "https://in-toto.io/attestation/svr/v0.1"},
        {"subject": []},
        {"subject": None},
        # A file of the migration whose digest is what somebody wanted it to be.
        {"subject": [{"name": "migration/m.sql", "digest": {"sha256": HEAD}}]},
        {"predicate": None},
        {"predicate": {"verifier": {"id": "urn:other"}, "properties": [GO]}},
        {"predicate": {"verifier": {"id": "urn:pg-gonogo:verdict:v1"}, "properties": []}},
        {"predicate": {"verifier": {"id": "urn:pg-gonogo:verdict:v1"}, "properties": "GONOGO_GO"}},
        {"predicate": {"verifier": "urn:pg-gonogo:verdict:v1", "properties": [GO]}},
    ],
)
def test_a_statement_that_the_key_has_signed_about_something_else(
    tmp_path: Path, other: PrivateKey, changes: dict[str, Any]
) -> None:
    trusted = {other.public.id: other.public}
    (tmp_path / FILE).write_text(sealed(statement(), other) + "\n")
    assert require_attested(tmp_path, VERDICT, trusted) == other.public.id
    (tmp_path / FILE).write_text(sealed(statement(**changes), other) + "\n")
    with pytest.raises(GonogoError, match="none of the trusted keys"):
        require_attested(tmp_path, VERDICT, trusted)
    no_go = replace(VERDICT, decision="NO-GO")
    (tmp_path / FILE).write_text(sealed(statement(), other) + "\n")
    with pytest.raises(GonogoError, match="none of the trusted keys"):
        require_attested(tmp_path, no_go, trusted)


@pytest.mark.parametrize("content", ["", "\n\n", "{}\n", "\xff\n"])
def test_an_attestation_that_is_none(tmp_path: Path, other: PrivateKey, content: str) -> None:
    (tmp_path / FILE).write_text(content, encoding="latin-1")
    with pytest.raises(GonogoError, match="none of the trusted keys"):
        require_attested(tmp_path, VERDICT, {other.public.id: other.public})


def test_a_link_in_its_place_is_not_followed(tmp_path: Path, other: PrivateKey) -> None:
    (tmp_path / "elsewhere").write_text(sealed(statement(), other) + "\n")
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GonogoError, match="cannot read"):
        require_attested(tmp_path, VERDICT, {other.public.id: other.public})


# --- the stage ----------------------------------------------------------------------------------


class Site(Here):
    """One that says what is wrong, as the action plugin does."""

    def explained(self, error: Exception) -> GonogoError:
        assert isinstance(error, GonogoError)
        return error


def closing(tmp_path: Path, key: Path | None, status: str = "pass") -> tuple[Path, Reported]:
    """A run as the stage verdict finds it, closed by the stage."""
    path = write_run(tmp_path / "runs", status=status)
    chain = (path / "events.jsonl").read_bytes().splitlines(keepends=True)
    (path / "events.jsonl").write_bytes(b"".join(chain[:-1]))
    # Somebody's, from before.
    (path / FILE).write_text("{}\n")
    identity = read(Process, RUN["controller"], file="identity")
    site = Site(identity, gonogo_runs_dir=str(tmp_path / "runs"))
    point_to(tmp_path / "runs", identity=identity, inventory_host=site.host, run=path)
    stage = Verdict(site)
    stage.find_run = lambda: Run.open(path)  # type: ignore[method-assign]
    task = VerdictTask(
        fail_on=["HOLD", "NO-GO"],
        attestation_key=str(key) if key else None,
        evidence_store=None,
        evidence_ssh_args=None,
        recompute=None,
        head=None,
    )
    return path, stage.act(task)


def test_the_stage_signs_what_it_decides(tmp_path: Path) -> None:
    file = make_key(tmp_path, "ed25519")
    path, done = closing(tmp_path, file)
    assert not done.failed
    key = private_key(str(file))
    assert require_attested(path, decided(path), {key.public.id: key.public}) == key.public.id
    assert not load(path).strangers
    assert decided(path).decision == "GO"


def test_without_a_key_nothing_is_signed(tmp_path: Path) -> None:
    """What lies there under that name is removed."""
    path, done = closing(tmp_path, None)
    assert not done.failed
    assert not (path / FILE).exists()
    assert (path / "report.sarif").exists()


def test_a_key_that_is_gone_in_the_end_costs_nobody_the_verdict(tmp_path: Path) -> None:
    path, done = closing(tmp_path, tmp_path / "none.pem")
    assert json.loads((path / "verdict.json").read_text())["decision"] == "GO"
    assert done.failed
    assert "The verdict is not attested: the private key cannot be read" in str(done.msg)
    assert not (path / FILE).exists()


def recomputed(path: Path, **asked: Any) -> Reported:
    identity = read(Process, RUN["controller"], file="identity")
    task = VerdictTask(
        fail_on=[],
        attestation_key=None,
        evidence_store=None,
        evidence_ssh_args=None,
        recompute=str(path),
        head=None,
        **asked,
    )
    return Verdict(Site(identity)).act(task)


def test_recompute_says_who_has_attested_it(tmp_path: Path, other: PrivateKey) -> None:
    path = judged(write_run(tmp_path), other)
    public = keep(tmp_path / "gate.pub", public_text(other).encode())
    assert f"Attested by {other.public.id}" in recomputed(path, attested_by=str(public)).lines
    (path / FILE).unlink()
    with pytest.raises(GonogoError, match="nobody has attested it"):
        recomputed(path, attested_by=str(public))
    for wrong in (tmp_path / "none", path / "verdict.json", tmp_path):
        with pytest.raises(InputError, match="public key"):
            recomputed(path, attested_by=str(wrong))


def test_recompute_writes_reports_and_signs_nothing(tmp_path: Path) -> None:
    path = judged(write_run(tmp_path, status="fail"))
    before = {file.name for file in path.iterdir()}
    assert not recomputed(path).changed
    assert {file.name for file in path.iterdir()} == before
    assert recomputed(path, publish=True).changed
    reports = {"report.md", "report.html", "junit.xml", "report.sarif"}
    assert {file.name for file in path.iterdir()} == before | reports
    assert not load(path).problems


# --- the program of its own ---------------------------------------------------------------------


def verify(path: Path, public: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(path), "--key", str(public)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_the_program_of_its_own_agrees(tmp_path: Path, key: PrivateKey, other: PrivateKey) -> None:
    path = judged(write_run(tmp_path), key)
    public, theirs = (
        keep(tmp_path / f"{number}.pub", public_text(one).encode())
        for number, one in enumerate((key, other))
    )
    first = f"GO  {path.name}  {decided(path).evidence_head}"
    assert verify(path, public) == (0, f"{first}\nattested  {key.public.id}\n")
    status, output = verify(path, theirs)
    assert (status, "nobody who has this key has attested it" in output) == (1, True)
    for wrong in (tmp_path / "none", path / "verdict.json"):
        status, output = verify(path, wrong)
        assert (status, "no public key in PEM" in output) == (1, True)
    # A whole new directory, with the attestation of the one that was there.
    forged = judged(write_run(tmp_path / "forged", host="db2"))
    shutil.copy(path / FILE, forged)
    status, output = verify(forged, public)
    assert (status, "it is about another verdict" in output) == (1, True)
    (path / FILE).unlink()
    assert verify(path, public)[0] == 1


def test_the_program_of_its_own_refuses_what_was_changed(
    tmp_path: Path, key: PrivateKey, other: PrivateKey
) -> None:
    """In one process: openssl is begun for each."""
    path = judged(write_run(tmp_path), key)
    public = keep(tmp_path / "gate.pub", public_text(key).encode())
    assert verify_attestation.attested(path, public) == key.public.id
    line = lines(path)[0]
    for name, change in CHANGES.items():
        forged = json.loads(json.dumps(line))
        change(forged, key, other)
        (path / FILE).write_text(json.dumps(forged) + "\n")
        with pytest.raises(ValueError, match="nobody who has this key"):
            verify_attestation.attested(path, public)
        assert name


def test_a_no_go_is_attested_as_one(tmp_path: Path, other: PrivateKey) -> None:
    path = judged(write_run(tmp_path, status="fail"), other)
    public = keep(tmp_path / "gate.pub", public_text(other).encode())
    assert verify_attestation.attested(path, public) == other.public.id
    # A GO that is said of it is none, though the key has signed one of another run.
    statement_of = stated(path)[SVR]
    statement_of["predicate"]["properties"].append(GO)
    (path / FILE).write_text(sealed(statement_of, other) + "\n")
    with pytest.raises(ValueError, match="another verdict"):
        verify_attestation.attested(path, public)


def test_the_program_of_its_own_is_short_and_stands_alone() -> None:
    text = PROGRAM.read_text()
    assert len(text.splitlines()) <= 150
    assert "gonogo." not in text.replace("pg-gonogo", "")


# --- the page -----------------------------------------------------------------------------------


def block(kind: str) -> str:
    """The first block of a kind in docs/attestation.md."""
    text = (PROGRAM.parents[1] / "docs" / "attestation.md").read_text(encoding="utf-8")
    return text.partition(f"```{kind}\n")[2].partition("```")[0]


def test_the_example_of_the_page(tmp_path: Path) -> None:
    """Keys as the page makes them; then a policy that admits what was a GO, and nothing else."""
    for line in block("console").splitlines():
        subprocess.run(line.removeprefix("$ "), shell=True, cwd=tmp_path, check=True)  # noqa: S602
    gate = private_key(str(tmp_path / "gate.pem"))
    policy = keep(tmp_path / "policy.py", block("python").encode())
    migration = keep(tmp_path / "m.sql", b"SELECT 1;\n")

    def asked(file: Path, status: str = "pass", **changes: str) -> int:
        path = write_run(tmp_path / f"{status}{len([*tmp_path.iterdir()])}", status=status)
        evidence, verdict = load(path), decided(path)
        assert evidence.run is not None
        digests = {"m.sql": sha256(migration.read_bytes()).hexdigest()}
        evidence.run = replace(evidence.run, digests=replace(evidence.run.digests, runbook=digests))
        signed = attestation(evidence, verdict, gate)
        for old, new in changes.items():
            signed = signed.replace(old, new)
        bundle = keep(path / FILE, signed.encode())
        words = [sys.executable, str(policy), str(bundle), str(tmp_path / "gate.pub"), str(file)]
        return subprocess.run(words, capture_output=True, check=False).returncode

    assert asked(migration) == 0
    assert asked(migration, "fail") == 1
    assert asked(migration, "not_run") == 1
    assert asked(keep(tmp_path / "other.sql", b"SELECT 2;\n")) == 1
    assert asked(migration, payloadType="payloadTypo") == 1
    assert asked(migration, json="text") == 1
