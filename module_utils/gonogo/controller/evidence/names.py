"""What runs, their directories and their files are called."""

from __future__ import annotations

import re
import secrets

from ...contract.run_id import PATTERN

CHAIN = "events.jsonl"
# What the engine reads back; `sql/` belongs to it too.
SEALED = (
    "run.json",
    "plan.json",
    "facts.json",
    "checks.jsonl",
    "judged.json",
    "backup.json",
    "twin.json",
    "rehearsal.json",
    "sabotage.json",
    "schema.json",
    "promotion_schema.json",
    "deploy.json",
    "deploy_found.json",
    "deploy_intent.json",
    "schema_before.json",
    "ledger.jsonl",
)
# What follows from the evidence and can be made again from it: not part of the chain.
DERIVED = ("verdict.json", "report.md", "report.html", "junit.xml")
# What may be added to the evidence of a run that is closed: plans and records of what people have
# approved afterwards.
LATER = re.compile(r"((cleanup|undo|restore)(_plan)?|deploy_(found|used))\.json")

RUN_ID = re.compile(PATTERN)
ENVIRONMENT = re.compile(r"[a-z][a-z0-9_-]{0,62}")
FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)?")


def new_token() -> str:
    """Return the 10 random lower-case hex digits every id of the run's test rows is made from."""
    return secrets.token_hex(5)
