"""What others read is as their standards say: asked of libraries that were made from these.

The object model of SARIF is generated from its schema; junitparser reads JUnit's XML as CI does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attr
import junitparser
import pytest
import sarif_om

from gonogo.contract.records.reading import plain
from gonogo.controller.evidence import load
from gonogo.controller.evidence.judgement import decided
from gonogo.controller.report.sarif import render_sarif
from tests.unit.deployments import deployment, failure
from tests.unit.test_report import EVIL, report, write_run
from tests.unit.test_sarif import rehearsed, slow

STATUSES = ("pass", "fail", "not_run", "inconclusive", "error")
# Property → what its value is, or each of its values.
KINDS: Mapping[str, Any] = {
    "runs": sarif_om.Run,
    "tool": sarif_om.Tool,
    "driver": sarif_om.ToolComponent,
    "rules": sarif_om.ReportingDescriptor,
    "notifications": sarif_om.ReportingDescriptor,
    "shortDescription": sarif_om.MultiformatMessageString,
    "help": sarif_om.MultiformatMessageString,
    "defaultConfiguration": sarif_om.ReportingConfiguration,
    "invocations": sarif_om.Invocation,
    "toolExecutionNotifications": sarif_om.Notification,
    "descriptor": sarif_om.ReportingDescriptorReference,
    "associatedRule": sarif_om.ReportingDescriptorReference,
    "automationDetails": sarif_om.RunAutomationDetails,
    "results": sarif_om.Result,
    "message": sarif_om.Message,
    "description": sarif_om.Message,
    "locations": sarif_om.Location,
    "physicalLocation": sarif_om.PhysicalLocation,
    "artifactLocation": sarif_om.ArtifactLocation,
    "region": sarif_om.Region,
    "logicalLocations": sarif_om.LogicalLocation,
    "suppressions": sarif_om.Suppression,
}
# What is in them is ours: property bags, and names that a run chooses.
OWN = {"properties", "partialFingerprints"}
LEVELS = {"none", "note", "warning", "error"}
RESULTS = {"pass", "open", "informational", "notApplicable", "review", "fail"}


def misfits(value: Mapping[str, Any], kind: Any, place: str = "") -> Iterator[str]:
    """What of an object is not as the object model has it."""
    fields = {
        one.metadata.get("schema_property_name", one.name): one.default for one in attr.fields(kind)
    }
    needed = {name for name, default in fields.items() if default is attr.NOTHING}
    yield from (f"{place} lacks {name}" for name in sorted(needed - value.keys()))
    for name, inside in value.items():
        if name not in fields:
            yield f"{place} has {name}"
        elif name == "originalUriBaseIds":
            for one in inside.values():
                yield from misfits(one, sarif_om.ArtifactLocation, f"{place}.{name}")
        elif name not in OWN and isinstance(inside, (dict, list)):
            for one in inside if isinstance(inside, list) else [inside]:
                yield from misfits(one, KINDS[name], f"{place}.{name}")


def logs(tmp_path: Path, text: str, status: str) -> Iterator[dict[str, Any]]:
    broken = {"step": "apply", "severity": "no_go", "message": text, "detail": None, "hint": None}
    error = failure(file="m.sql", line=7, sqlstate="22P02")
    failed = {"problem": broken, "deployment": plain(deployment("failed", error=error))}
    over = {"slow": [slow(file=text), slow(severity="no_go", rewritten=[text])]}
    for number, changes in enumerate(({}, failed, over)):
        path = write_run(tmp_path / str(number), text=text, status=status)
        path = rehearsed(path, **changes) if changes else path
        yield dict(json.loads(render_sarif(load(path), decided(path))))


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("text", ["fine", EVIL], ids=["fine", "evil"])
def test_a_log_is_as_the_object_model_of_sarif_has_it(
    tmp_path: Path, text: str, status: str
) -> None:
    for log in logs(tmp_path, text, status):
        assert [*misfits(log, sarif_om.SarifLog)] == []
        (run,) = log["runs"]
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert len({*rules}) == len(rules)
        for result in run["results"]:
            assert rules[result["ruleIndex"]] == result["ruleId"]
            assert result["kind"] in RESULTS
            # Only what has failed has a level.
            assert (result["level"] in LEVELS - {"none"}) == (result["kind"] == "fail")
        (invocation,) = run["invocations"]
        levels = {one["level"] for one in invocation["toolExecutionNotifications"]}
        assert levels <= LEVELS
        # An error there means that the run has failed.
        assert invocation["executionSuccessful"] == ("error" not in levels)


def test_the_object_model_notices_what_is_not_there() -> None:
    assert [*misfits({"runs": [], "version": "2.1.0", "more": 1}, sarif_om.SarifLog)] == [
        " has more"
    ]
    assert [*misfits({"version": "2.1.0"}, sarif_om.SarifLog)] == [" lacks runs"]


@pytest.mark.parametrize("status", STATUSES)
def test_junit_is_read_by_others(tmp_path: Path, status: str) -> None:
    path = write_run(tmp_path, text=EVIL, status=status)
    (suite,) = junitparser.JUnitXml.fromstring(report(path)["junit.xml"].encode())
    counts = (suite.tests, suite.failures, suite.errors, suite.skipped)
    suite.update_statistics()  # type: ignore[no-untyped-call]
    assert counts == (suite.tests, suite.failures, suite.errors, suite.skipped)
    cases = [*suite]
    assert all(case.classname and case.name for case in cases)
    assert cases[-1].is_passed == (decided(path).decision == "GO")
