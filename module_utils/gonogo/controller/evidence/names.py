"""What runs, their directories and their files are called."""

from __future__ import annotations

import importlib
import pkgutil
import re
import secrets
from collections.abc import Iterator

from ...contract import records
from ...contract.records.reading import FileRecord
from ...contract.run_id import PATTERN

CHAIN = "events.jsonl"
# What follows from the evidence and is made of it: not part of the chain.
DERIVED = (
    *("verdict.json", "report.md", "report.html", "junit.xml", "report.sarif"),
    "attestation.intoto.jsonl",
)
# What may be added to the evidence of a run that is closed: plans and records of what people have
# approved afterwards.
LATER = re.compile(r"((cleanup|undo|restore)(_plan)?|deploy_(found|used))\.json")


def _of_records() -> Iterator[str]:
    """The files that a record in `contract/records` is declared to be."""
    for file in pkgutil.iter_modules(records.__path__):
        module = importlib.import_module(f"{records.__name__}.{file.name}")
        for one in vars(module).values():
            if isinstance(one, type) and issubclass(one, FileRecord) and "FILE" in vars(one):
                yield one.FILE


# What the engine reads back; `sql/` belongs to it too.
SEALED = {
    # They are no record.
    *("facts.json", "judged.json", "sabotage.json", "deploy_found.json"),
    *("schema.json", "promotion_schema.json", "schema_before.json"),
    *("captured_schema.json", "captured_drift.json"),
    *(
        name
        for name in _of_records()
        if name not in (CHAIN, *DERIVED) and not LATER.fullmatch(name)
    ),
}

RUN_ID = re.compile(PATTERN)
ENVIRONMENT = re.compile(r"[a-z][a-z0-9_-]{0,62}")
FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)?")


def new_token() -> str:
    """Return the 10 random lower-case hex digits every id of the run's test rows is made from."""
    return secrets.token_hex(5)
