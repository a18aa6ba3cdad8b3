"""The published schemas of this project, which every verdict of a test has to suit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from tests.generated import ROOT
from tests.generated.schemas import VERDICT

__all__ = ["assert_suits", "verdict_validator"]


@cache
def verdict_validator() -> Any:
    schema = json.loads((ROOT / VERDICT).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def assert_suits(verdict: Mapping[str, Any]) -> None:
    """A verdict, as verdict.json has it, is as the schema says."""
    wrong = [
        f"{error.json_path}: {error.message}" for error in verdict_validator().iter_errors(verdict)
    ]
    assert wrong == []
