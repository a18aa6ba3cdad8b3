"""Approvals by signature: how they are set up, and what becomes of good and bad ones."""

from __future__ import annotations

from tests.pages import Page, Row, Table

__all__ = ["ALLOWED", "APPROVALS", "BAD", "EXAMPLE", "GOOD", "INVENTORY", "SIGNERS"]

# As it stands on the page: what the inventory says, and the file of signers.
EXAMPLE = """\
gonogo_approval_signers: /etc/gonogo/allowed_signers
gonogo_approval_needed: 2
gonogo_approval_operators: {ada: ada@example.com, gitlab-runner: null}
gonogo_approval_revoked: /etc/gonogo/revoked_keys
"""
ALLOWED = """\
ada@example.com valid-before="20991231Z" ssh-ed25519 AAAA...
dewi@example.com ssh-ed25519 AAAA...
tom@example.com sk-ssh-ed25519@openssh.com AAAA...
"""

# What is given → what it is called there. Each is tried with the real ssh-keygen.
GOOD: dict[str, tuple[str, str]] = {
    "one of one": ("A signature of one who may sign", "carried out"),
    "two of two": ("Two signatures, where two have to sign", "carried out"),
    "more than needed": ("Two signatures, where one has to sign", "carried out; both on record"),
    "typed": (
        "`COMMIT`, the token and the file of a signature, typed at the prompt",
        "carried out",
    ),
    "another kind of key": ("A signature by a key of ECDSA or RSA", "carried out"),
    "other lines": (
        "A signature, where lines of the file of signers carry `valid-after`, `valid-before` and "
        "`namespaces` that fit",
        "carried out",
    ),
    "operator is another": (
        "A signature of one who has not started the playbook, where operators are named",
        "carried out",
    ),
    "account of nobody": (
        "A signature, where the account that starts the playbook is nobody's (CI)",
        "carried out",
    ),
    "others are revoked": ("A signature, where keys of others are revoked", "carried out"),
    "unsigned": (
        "The token and a name, where the inventory says `gonogo_approval_unsigned: true`",
        "carried out; the record has no signature",
    ),
    "exchanged": (
        "A file that somebody exchanges after it was read",
        "carried out: it is read once, and what was read is verified and on record",
    ),
    "no answer": ("`ROLLBACK`, or nothing", "nothing is done, and it is no error"),
}
BAD: dict[str, tuple[str, str]] = {
    "no signature": ("The token and a name alone", "the approval has no signature"),
    "too few": ("One signature, where two have to sign", "1 of 2 signatures are there"),
    "not listed": (
        "A signature by a key that the file of signers does not have",
        "a signature is by a key that may not sign",
    ),
    "listed for another": (
        "A signature, where the signer's line is for another namespace",
        "a key may not sign when the plan was shown",
    ),
    "wrong namespace": (
        "A signature that was made for something else (`git`)",
        "a signature is of another namespace",
    ),
    "another plan": (
        "A signature of the plan of another run, of another stage or of other rows",
        "a signature is not of this plan",
    ),
    "used before": (
        "The signature of a plan that was carried out",
        "a signature is not of this plan",
    ),
    "another signature": (
        "A signature that was changed in one place",
        "a signature is not of this plan",
    ),
    "too old": (
        "A signature of a plan that was shown before `gonogo_approval_max_age_hours`",
        "the plan that was signed is older than 24 hours",
    ),
    "of the future": (
        "A signature of a plan that says it will be shown tomorrow",
        "the plan that was signed is of the future",
    ),
    "expired": (
        "A signature by a key that was valid when the plan was shown, and is not any more",
        "a key may not sign now",
    ),
    "not yet valid": (
        "A signature by a key that is valid now, and was not when the plan was shown",
        "a key may not sign when the plan was shown",
    ),
    "revoked": (
        "A signature by a key in the list of revoked keys",
        "a signature is by a key that is revoked",
    ),
    "revoked by a KRL": (
        "The same, where the list is a KRL",
        "a signature is by a key that is revoked",
    ),
    "damaged KRL": (
        "A signature, where the list of revoked keys is damaged",
        "a signature is by a key that is revoked",
    ),
    "twice": (
        "The same signature twice, where two have to sign",
        "two signatures are of one person",
    ),
    "one key signs twice": (
        "Two signatures by one key, where two have to sign",
        "two signatures are of one person",
    ),
    "two keys of one": (
        "Two signatures by two keys of one person, where two have to sign",
        "two signatures are of one person",
    ),
    "operator": (
        "A signature of the person who has started the playbook, where operators are named",
        "who has started the playbook cannot approve it",
    ),
    "unknown operator": (
        "A signature, where the account that starts the playbook is not among the operators",
        "nobody knows who has started the playbook",
    ),
    "garbage": (
        "A file that holds anything else: nothing, text, a public key, a half of a signature, "
        "two of them",
        "the file holds no signature of ssh-keygen",
    ),
    "certificate": (
        "A signature by a certificate",
        "a signature is by a key that may not sign",
    ),
    "link": ("A symbolic link to a signature", "it is a symbolic link"),
    "large": ("A file of more than 16 KiB", "the file is larger than 16384 bytes"),
    "no file": (
        "A directory, a pipe, a file that is not there",
        "the file cannot be read; is no plain file",
    ),
    "nobody may sign": (
        "A signature, where the inventory names nobody who may sign",
        "there are signatures, and the inventory names nobody who may sign",
    ),
}
# What the inventory may say that cannot be: refused before the first connection, whoever approves.
INVENTORY: dict[str, tuple[str, str]] = {
    "extra": (
        "Any of the settings of this page with `-e`",
        "extra variables cannot set what only the inventory may say",
    ),
    "elsewhere": (
        "Any of them from a play, a role, `set_fact` or a file of variables",
        "another value than the inventory's comes from somewhere else",
    ),
    "template": ("Any of them as a template", "must be written out in the inventory"),
    "missing": ("A file of signers that is not there", "the file cannot be read"),
    "writable": (
        "A file of signers, or of revoked keys, that others can write to, or its directory",
        "others could exchange the file",
    ),
    "not whole": (
        "A file of signers by a path that begins with `~`, a variable or a name",
        "must be a whole path",
    ),
    "linked": ("A file of signers that is a symbolic link", "it is a symbolic link"),
    "alone": ("Any of them without a file of signers", "the inventory names nobody who may sign"),
    "too many": ("More signatures than there are persons", "3 persons have to sign, and 2 may"),
    "operator": ("An operator who is none of the signers", "names a person that the file"),
    "revoked": ("A list of revoked keys with anything else in it", "line 1 is no public key"),
    "old": ("An `ssh-keygen` of before OpenSSH 8.7", "too old to verify a signature at a time"),
    "none": ("No `ssh-keygen`", "there is no ssh-keygen on the controller"),
}
# A line of the file of signers → why it is refused. K is a public key, L another one.
SIGNERS: dict[str, tuple[str, str]] = {
    "dewi K\\ntom K": ("One key of two persons", "line 2 has the key of line 1"),
    "dewi K\\ndewi K": ("One key in two lines of a person", "line 2 has the key of line 1"),
    "dewi,tom K": ("Several principals", "line 1 has no principal that can be one person's"),
    "*@example.com K": ("A pattern", "line 1 has no principal that can be one person's"),
    "!dewi K": ("A negation", "line 1 has no principal that can be one person's"),
    '"dewi" K': ("A quoted principal", "line 1 has no principal that can be one person's"),
    "d\u00e9wi K": ("Other letters than ASCII", "line 1 has no principal that can be one person's"),
    "-r K": ("What looks like an option", "line 1 has no principal that can be one person's"),
    "dewi cert-authority K": (
        "An authority of certificates",
        "line 1 is of an authority of certificates",
    ),
    "dewi no-touch K": ("An option that ssh-keygen does not know", "line 1 cannot be read"),
    'dewi valid-before="soon" K': ("A time that is none", "line 1 cannot be read"),
    "dewi ssh-ed25519 AAAA": ("A damaged key", "line 1 has a public key that is damaged"),
    "dewi ssh-dss AAAA": ("A key of DSA, or of a kind that is not known", "line 1 cannot be read"),
    "dewi K\\r": ("Lines that end as on Windows", "line 1 cannot be read"),
    "dewi": ("A line without a key", "line 1 cannot be read"),
    "# K": ("Nobody", "the file names nobody"),
}

# The same of an approval of many hosts: each row is about one of them.
FLEET_GOOD: dict[str, tuple[str, str]] = {
    "token": ("The token of the fleet's plan and a name", "every host of the plan is carried out"),
    "signed": (
        "A signature of the fleet's plan by one who may sign",
        "every host of the plan is carried out; the signature is on record with each",
    ),
    "mixed": (
        "Signatures and a name, on a host whose inventory names nobody who may sign",
        "carried out by the name",
    ),
    "continued": (
        "The same approval, where a start was stopped and the next one goes on",
        "carried out on the hosts that are left",
    ),
    "one changed": (
        "The approval, where one host is not as it was when its plan was shown",
        "that one is a HOLD; the others are carried out",
    ),
}
FLEET_BAD: dict[str, tuple[str, str]] = {
    "another token": ("Another token", "The token is not this plan's"),
    "token of a host": (
        "The token that a host has shown, with the id of the fleet",
        "The token is not this plan's",
    ),
    "no name": ("No name and no signature", "does not say who gives it"),
    "two approvals": (
        "The id of a fleet and that of a run",
        "an approval is of a fleet or of one host",
    ),
    "no id": ("A token for a fleet that is not named", "no fleet of this environment has shown"),
    "no such fleet": ("A fleet that is not there", "no fleet of this environment has shown"),
    "path": ("A path in the place of an id", "no fleet of this environment has shown"),
    "not listed": ("A host that the plan does not list", "this host is not in the fleet's plan"),
    "added": (
        "A host that somebody has added to the file afterwards",
        "the fleet's plan is not as it was shown",
    ),
    "added and sealed": (
        "The same, where every digest of the file was computed anew",
        "The token is not this plan's",
    ),
    "added, sealed, its token": (
        "The same, with the token that follows from it, and the plan of another host",
        "has shown another plan",
    ),
    "added and signed for": (
        "The signature of a plan, and a file of which every digest was computed anew",
        "a signature is not of this plan",
    ),
    "swapped": (
        "Other statements in the file",
        "the fleet's plan is not as it was shown",
    ),
    "later end": (
        "A later end of the plan in the file",
        "the fleet's plan is not as it was shown",
    ),
    "no json": ("A file that is no JSON", "the fleet's plan is not as it was shown"),
    "another form": ("A file of another form", "the fleet's plan is not as it was shown"),
    "twice": ("A file that lists a host twice", "the fleet's plan is not as it was shown"),
    "other statements": (
        "Other files of the migration than those of the plan",
        "has changed since the fleet's plan was shown",
    ),
    "another database": (
        "A database that was replaced by another one of its name",
        "has changed since the fleet's plan was shown",
    ),
    "another customer": (
        "A host that the inventory gives to another customer now",
        "the fleet's plan has another database under the name of this host",
    ),
    "another environment": (
        "The plan of a fleet of another environment, copied",
        "the fleet's plan is not as it was shown",
    ),
    "another fleet": ("The token of another fleet", "The token is not this plan's"),
    "used": ("The approval, on a host that has used it", "the token was used by run"),
    "used by itself": (
        "The approval, on a host that was approved by itself meanwhile",
        "the token was used by run",
    ),
    "damaged evidence": (
        "A plan whose run has evidence that was changed",
        "the evidence of the run that has shown the plan is damaged",
    ),
    "expired": ("A plan that has expired", "the fleet's plan has expired at"),
    "unsigned": (
        "The token and a name, where signers are named",
        "the approval has no signature",
    ),
    "too few": ("One signature, where two have to sign", "1 of 2 signatures are there"),
    "operator": (
        "A signature of the person who has started the playbook, where operators are named",
        "who has started the playbook cannot approve it",
    ),
    "too old": (
        "A signature of a plan that was shown before `gonogo_approval_max_age_hours`",
        "the plan that was signed is older than 24 hours",
    ),
    "namespace": (
        "A signature that was made for something else (`git`)",
        "a signature is of another namespace",
    ),
    "signature of one host": (
        "A signature of the plan that one host has shown",
        "a signature is not of this plan",
    ),
}

_TEST = "unit/test_signing.py"
_FLEET_TEST = "unit/test_fleet_plan.py"
_SETUP = """\
An approval is the token of a plan, with a name or with signatures. Anybody can type a name; a \
signature is by a person that the inventory names. People sign with `ssh-keygen -Y sign` and the \
keys that they have already, also those in an agent and on hardware. `ssh-keygen -Y verify` \
verifies the signatures when they are used, and again for whoever reads the evidence later. A \
deployment, a cleanup, an undo and a restore are approved in the same way.

The controller needs the OpenSSH client, 8.7 or later: `-Y verify` came with 8.1, a time to \
verify at (`-O verify-time`) and the times of a line with 8.7. Times with a `Z` at their end are \
understood since 9.1; all others are taken as UTC, wherever this project verifies.

## Setting it up

Everything stands in the inventory, and counts only there: neither `-e` nor a play can say it.

```yaml
{EXAMPLE}```

The file of signers has a path that is written out from `/`. It belongs to root or to the \
account that runs the playbook, and nobody else may write to it or to a directory of its path. A \
line of it is one key of one person:

```
{ALLOWED}```

Whatever asks for an approval prints the text to be signed, with the command that signs it:

```console
$ printf '%s\\n' '{"approval":"pg-gonogo 1",...}' |
    ssh-keygen -Y sign -n pg-gonogo -f ~/.ssh/id_ed25519 > dewi.sig
```

The text is one line of JSON: what is approved (`what`: deploy, cleanup, undo, restore), the \
environment, the host of the inventory and the database, the run that has shown the plan, the \
digest of the plan, its token and when it was shown. With `-f` a public key is enough where the \
private one is in an agent. The signatures come back as files, by any way, and are given with \
the next command, which was printed as well; on a terminal they stand behind `COMMIT` and the \
token.

```console
$ ansible-playbook -i inventories/production playbooks/undo.yml -e undo_run_id=RUN_ID \\
    -e undo_token=TOKEN -e gonogo_approval_signatures=dewi.sig,tom.sig
```

## The plan of a fleet

Where several hosts are deployed to, what is approved is one plan of all of them \
([rollout.md](rollout.md)). Its text has, in the place of host, database and run, the `fleet` that \
has shown it, the number of `hosts`, and until when it can be approved; the digest is that of the \
list of all hosts' digests. The page that the command names, `plan.md`, has all that they stand \
for. Each host asks what its own inventory asks of an approval, and keeps the signatures.

## Verifying it later

`deploy.json`, `cleanup.json`, `undo.json` and `restore.json` have `signed` where it was done by \
signatures: the text, the namespace, the SHA-256 of the file of signers, how many had to sign, \
the account that has started the playbook and its principal, and of each signature principal, \
key, fingerprint and the signature itself. An approval by a token has none.

```console
$ python3 verify/verify_evidence.py runs/production/RUN_ID --allowed-signers allowed_signers
```

The program puts the text together from the evidence itself, and has `ssh-keygen` verify every \
signature with this file: take your own copy of it, not the controller's. An approval that is \
not signed is an error then. Of a deployment that was approved with others it verifies, without \
signers too, that the plan of this host is in the list that was approved. By hand, with what \
stands in the record, it is `ssh-keygen -Y verify -f allowed_signers -I PRINCIPAL -n pg-gonogo -s \
SIGNATURE < TEXT`.\
"""
_PROMISES = """\
## What is promised

* **Who.** Each signature is by a key of the file, and no two are of one person, by whatever \
names and keys. That a person has read the plan is not proven, nor that they have held the key: \
a key in an agent that is forwarded can be used by others. `ssh-keygen -Y verify` does not ask \
whether a key of hardware was touched.
* **What.** The text names the plan by digest, run and token, so a signature is of this one \
plan. What the digest stands for is what the playbook has printed above it; who signs without \
having seen that trusts whoever has sent the text. A deployment's approval is used once, and the \
target host remembers it for every controller. That another one was carried out stands in its \
evidence alone.
* **When.** A signature has no time that anybody could trust. It was made after the plan was \
shown, which its text says, and before it was used. The key has to be valid at both; as its line \
has one range of time, it was valid in between, whenever that was. A revoked key counts never, \
whenever it has signed. Both times are the controller's clock. The verifier asks for the same \
two times, of the evidence.
* **Who else.** With `gonogo_approval_operators` who has started the playbook is none of the \
approvers. It is known by the account of the process, not by what `-e` or the environment say. \
Whoever can become another account, or shares one, can be taken for another. Where that matters, \
have two sign: then one is another, whoever the operator is.
* **What not.** Whoever can write to the inventory, name another one with `-i`, or change the \
code that the controller runs decides what is asked. The record says which file of signers it \
was, by its SHA-256; the verifier with your own copy says whether it would have counted.\
"""


def _rows(cases: dict[str, tuple[str, str]], test: str, file: str = _TEST) -> list[Row]:
    return [Row(words, f"{file}::{test}[{name}]") for name, words in cases.items()]


APPROVALS = Page(
    "approvals.md",
    "Approvals by signature",
    (
        _SETUP.replace("{EXAMPLE}", EXAMPLE).replace("{ALLOWED}", ALLOWED),
        _PROMISES,
        Table(
            ("What is given", "What becomes of it"),
            _rows(GOOD, "test_a_good_approval"),
            heading="Good approvals",
        ),
        Table(
            ("What is given", "What is said; nothing is changed"),
            _rows(BAD, "test_a_bad_approval"),
            heading="Bad approvals",
        ),
        Table(
            ("What is given", "What becomes of it"),
            _rows(FLEET_GOOD, "test_a_good_approval", _FLEET_TEST),
            heading="Good approvals of a fleet",
        ),
        Table(
            ("What is given", "What is said of the host; nothing is changed there"),
            _rows(FLEET_BAD, "test_a_bad_approval", _FLEET_TEST),
            heading="Bad approvals of a fleet",
        ),
        Table(
            ("What the inventory or somebody else says", "What is said before anything is touched"),
            _rows(INVENTORY, "test_settings_that_are_refused"),
            heading="Settings that are refused",
        ),
        Table(
            ("What the file of signers has", "What is said before anything is touched"),
            [
                Row(words, f"{_TEST}::test_a_file_of_signers_that_is_refused")
                for words in SIGNERS.values()
            ],
            heading="Files of signers that are refused",
        ),
    ),
)
