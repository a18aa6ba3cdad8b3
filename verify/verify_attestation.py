"""Verifies who has attested a directory of evidence, and then the evidence as verify_evidence.py.

Nothing of the project: one file beside the other, standard library, and openssl for signatures."""

import argparse
import base64
import hashlib
import json
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FILE = "attestation.intoto.jsonl"
TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
RESULT = "https://in-toto.io/attestation/svr/v0.2"
VERIFIER = "urn:pg-gonogo:verdict:v1"
ED25519 = bytes.fromhex("302a300506032b6570032100")
P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def openssl(*words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["openssl", *words], capture_output=True, check=False)  # noqa: S603, S607


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("it says the same twice")
    return found


def read(raw: bytes) -> Any:
    return json.loads(raw, object_pairs_hook=unique)


def bare(text: str) -> bytes:
    """What base64 says, of either alphabet."""
    return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)


def strict(signature: bytes) -> bool:
    """Whether an ECDSA signature has its one form: shortest DER, and the smaller s."""
    numbers, place = [], 2
    for _ in range(2):
        end = place + 2 + signature[place + 1]
        numbers.append(int.from_bytes(signature[place + 2 : end], "big"))
        place = end
    parts = [one.to_bytes(one.bit_length() // 8 + 1, "big") for one in numbers]
    inner = b"".join(b"\x02" + bytes([len(one)]) + one for one in parts)
    return signature == b"\x30" + bytes([len(inner)]) + inner and numbers[1] <= ORDER // 2


def signed(key: Path, der: bytes, signature: bytes, text: bytes) -> bool:
    """Whether openssl takes the signature for that of the key."""
    with tempfile.TemporaryDirectory() as folder:
        sig, body = Path(folder, "sig"), Path(folder, "text")
        sig.write_bytes(signature)
        body.write_bytes(text)
        if der.startswith(ED25519):
            words = ["pkeyutl", "-verify", "-pubin", "-inkey", str(key), "-rawin"]
            return openssl(*words, "-in", str(body), "-sigfile", str(sig)).returncode == 0
        words = ["dgst", "-sha256", "-verify", str(key), "-signature", str(sig), str(body)]
        return strict(signature) and openssl(*words).returncode == 0


def payload(line: bytes, key: Path, der: bytes) -> Any:
    """The statement of an envelope that the key has signed."""
    envelope, name = read(line), hashlib.sha256(der).hexdigest()
    body, signatures = bare(envelope["payload"]), envelope["signatures"]
    pairs = [(one["keyid"], bare(one["sig"])) for one in signatures]
    if any(len({*parts}) < len(parts) for parts in zip(*pairs, strict=True)):
        raise ValueError("it has the same signature twice")
    text = b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(body), body)
    found = [signature for one, signature in pairs if one == name]
    if envelope["payloadType"] != TYPE or not found or not signed(key, der, found[0], text):
        raise ValueError("it is not signed by this key")
    return read(body)


def says(statement: Any, verdict: Any, digest: str) -> bool:
    """Whether it is about this very verdict: its file, its evidence and its decision."""
    if statement["_type"] != STATEMENT or statement["predicateType"] != RESULT:
        raise ValueError("it is another statement than the one about the decision")
    digests = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    predicate = statement["predicate"]
    same = digests["evidence"] == verdict["evidence_head"] and digests["verdict.json"] == digest
    is_go = "GONOGO_GO" in predicate["properties"]
    mine = predicate["verifier"]["id"] == VERIFIER and isinstance(predicate["properties"], list)
    return same and mine and is_go == (verdict["decision"] == "GO")


def attested(path: Path, key: Path) -> str:
    """The id of the key. Raises ValueError where it has not attested this verdict."""
    der = openssl("pkey", "-pubin", "-in", str(key), "-outform", "DER").stdout
    if not der.startswith((ED25519, P256)):
        raise ValueError("the key is no public key in PEM, Ed25519 or ECDSA P-256")
    raw, why = (path / "verdict.json").read_bytes(), list[str]()
    for line in filter(None, (path / FILE).read_bytes().split(b"\n")):
        try:
            statement = payload(line, key, der)
            if says(statement, read(raw), hashlib.sha256(raw).hexdigest()):
                return hashlib.sha256(der).hexdigest()
            why.append("it is about another verdict")
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            why.append(f"{type(error).__name__}: {error}")
    raise ValueError(f"nobody who has this key has attested it: {'; '.join(why)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Verify who has attested evidence, and it.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--key", required=True, type=Path, help="a public key in PEM")
    given, found = parser.parse_args(), list[str]()
    directory = given.directory.resolve()
    verify = runpy.run_path(str(Path(__file__).with_name("verify_evidence.py")))["verify"]
    try:
        asked = argparse.Namespace(head=None, allowed_signers=None)
        lines = [*verify(directory, asked, found), f"attested  {attested(directory, given.key)}"]
    except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        found.append(f"not attested, or no whole evidence: {type(error).__name__}: {error}")
    sys.stdout.writelines(repr(text)[1:-1] + "\n" for text in found or lines)
    sys.exit(1 if found else 0)
