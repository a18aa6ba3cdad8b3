"""Verifies a directory of evidence with nothing of the project: one file, standard library alone.
One line a problem, exit status 1. What is written anew agrees with itself, not a kept head."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FIELDS = {"seq", "at", "stage", "event", "data", "prev", "hash"}
ABOUT = ("run_id", "environment", "target", "runbook", "runbook_sha256", "profile")
BESIDE = ["verdict.json", "report.md", "report.html", "junit.xml", "events.jsonl", "sql"]
BESIDE += ["report.sarif", "attestation.intoto.jsonl"]
LATER = "cleanup cleanup_plan undo undo_plan restore restore_plan deploy_found deploy_used"
EFFECTS = {"important": "important", "nice": "none"}  # By a criterion's class; else a NO-GO.
RECORDS = {"backup": {"file", "size", "sha256"}, "deploy": {"action"}}
FLEETS = ("", "_found", "_intent")  # Of a deployment: where an approval stands.
WORST_FIRST = ("fail", "not_run", "inconclusive", "pass")


def spelled(value: Any, indent: Any = None) -> bytes:
    """The one spelling the project has for a JSON value, on a line of the chain or in a file."""
    style: Any = {"indent": indent, "separators": (",", ": " if indent else ":"), "sort_keys": True}
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, **style)
    return text.encode("utf-8", "backslashreplace")


def read_chain(raw: bytes, problems: list[str]) -> list[Any]:
    """The events up to the first that is not as it was written."""
    events: list[Any] = []
    for number, line in enumerate(raw.removesuffix(b"\n").split(b"\n"), start=1):
        event = json.loads(line)
        bare = spelled({key: event[key] for key in FIELDS - {"hash"}})
        place = {"seq": number, "prev": events[-1]["hash"] if events else "0" * 64}
        good = spelled({**event, **place, "hash": hashlib.sha256(bare).hexdigest()})
        if set(event) != FIELDS or line != good or (event["event"] == "opened") != (number == 1):
            problems.append(f"events.jsonl line {number}: not what was written there")
            return events
        events.append(event)
    problems += ["events.jsonl: cut off"] * (not raw.endswith(b"\n"))
    return events


def read_files(path: Path, events: list[Any], end: int, problems: list[str]) -> dict[str, Any]:
    """Name → content of each JSON file that the chain names, of a `.jsonl` its records."""
    files, digests, run = dict[str, Any](), dict[str, str](), path.name
    for event in events:
        if event["event"] == "wrote":
            digests[name := event["data"]["file"]] = event["data"]["sha256"]
            if event["seq"] > end and name not in {f"{one}.json" for one in LATER.split()}:
                problems.append(f"{name}: written after the run was closed")
    held = {entry.relative_to(path).as_posix(): entry for entry in path.rglob("*")}
    strange = (one for one in held if one not in {*digests, *BESIDE} or held[one].is_symlink())
    problems += [f"{name}: nobody has written it" for name in sorted(strange)]
    for name, digest in sorted(digests.items()):
        raw = held[name].read_bytes() if (plain := name in held and held[name].is_file()) else b""
        if not plain or hashlib.sha256(raw).hexdigest() != digest:
            problems.append(f"{name}: {'changed after it was written' if plain else 'missing'}")
        if plain and ((many := name.endswith(".jsonl")) or name.endswith(".json")):
            records = [json.loads(line) for line in (raw.split(b"\n")[:-1] if many else [raw])]
            files[name] = records if many else records[0]
            problems += {f"{name}: of another run" for r in records if r.get("run_id", run) != run}
    for name, digest in (files.get("rehearsal.json") or {}).get("scripts", {}).items():
        if digest not in {digests.get(f"sql/{kind}{name}.sql") for kind in ("", "rehearsal_")}:
            problems.append(f"rehearsal.json: the script {name} is not the one that is here")
    return files


def weigh(plan: Any, records: list[Any], waived: set[Any]) -> tuple[Any, Any, Any]:
    """What checks and criteria have come to, and what of it stands against a GO."""
    answers = {record["check_id"]: record for record in records}
    units = {unit["id"]: {**unit, "found": []} for unit in plan["criteria"]}
    statuses, bad = {}, []
    for check in plan["checks"]:
        name, unit, answer = check["id"], units[check["criterion"]], answers.get(check["id"], {})
        effect = check["effect"] or EFFECTS.get(unit["class"], "no_go")
        status, seen = answer.get("status", "not_run"), answer.get("examined")
        if status == "pass" and (type(seen) is not int or seen < (not check["empty_ok"])):
            status = "inconclusive"
        statuses[name] = status
        unit["found"] += [status] * (effect != "none" or unit["class"] == "nice")
        pardoned = status == "fail" and effect != "no_go" and {name, unit["id"]} & waived
        if status != "pass" and effect != "none" and not pardoned:
            bad.append((effect if status == "fail" else "hold", name, unit["id"]))
    important = {unit for effect, _, unit in bad if effect == "important"}
    severe = ("no_go", "important" if len(important) >= 3 else "no_go")
    criteria = dict.fromkeys(units, "pass")
    for name in [*units] * len(units):
        found = [*units[name]["found"], *(criteria[part] for part in units[name].get("of") or ())]
        criteria[name] = min(found, key=WORST_FIRST.index, default="not_run")
    against = {("no_go" if effect in severe else "hold", name) for effect, name, _ in bad}
    return statuses, criteria, against


def twin_says(twin: Any, backup: Any, required: bool) -> str:
    """What the restored backup has against a GO: no_go, hold or nothing."""
    if twin.get("proven") is not True:
        unknown = "hold" if required or twin.get("required") is not False else ""
        return "no_go" if twin.get("proven") is False else unknown
    proof, tables = twin["proof"], list(twin["proof"]["tables"].values())
    parts = [proof, *tables, *(proof[key] for key in ("sequences", "large_objects", "schema"))]
    pairs = [table[key] for table in tables for key in ("rows", "hash")]
    equal = tables and all(one == other and one is not None for one, other in pairs)
    same = backup.get("sha256") and twin["backup_sha256"] == backup["sha256"]
    return "" if same and equal and all(part["equal"] is True for part in parts) else "hold"


def rehearsal_says(tried: Any, files: Any, statuses: Any, waived: set[Any], required: bool) -> Any:
    """The same of what was tried on a copy; what the database itself says is not said twice."""
    if tried.get("done") is not True:
        return set() if tried.get("required") is False and not required else {("hold", "rehearsal")}
    answers, _, against = weigh(files["plan.json"], tried["checks"], waived)
    against = {one for one in against if statuses[one[1]] != answers[one[1]]}
    fault = tried.get("problem")
    against = {(fault.get("severity", "no_go"), "rehearsal")} if fault else against
    against |= {(one["severity"], "rehearsal") for one in tried.get("slow", ()) if one["severity"]}
    unlike = tried.get("unlike_promotion")
    alike = unlike == [] or (tried.get("promoted") is False and not unlike)
    same = tried["backup_sha256"] and tried["backup_sha256"] == files["backup.json"]["sha256"]
    if by := tried.get("by"):  # Tried on a copy of another database.
        shape = files.get("shape.json") or {"schema": None, "settings": None}
        raw = hashlib.sha256(spelled([shape["schema"], shape["settings"]])).hexdigest()
        rows = tried.get("rows_changed") or tried.get("rows_removed")
        same = same and by["shape_sha256"] == raw and by["run_id"] != tried["run_id"] and not rows
    return against if alike and same else against | {("hold", "rehearsal")}


def derive(files: dict[str, Any], events: list[Any], whole: bool) -> dict[str, Any]:
    """The verdict that the evidence gives; of each reason only severity and subject."""
    run, plan, today = files["run.json"], files["plan.json"], max(one["at"] for one in events)[:10]
    live = run.get("protected") is not False or run["environment"] == "production"
    stages, scoring = plan["stages"], plan["scoring"]
    passed = [event["stage"] for event in events if event["event"] == "stage_passed"]
    order = [stage for stage in dict.fromkeys(passed) if stage in stages]
    known = all(run[key] for key in (*ABOUT, *(["promotion"] if live else [])))
    told = {name: files.get(f"{name}.json") or {} for name in RECORDS}
    failed = [event for event in events if event["event"] == "stage_failed"]
    holds = [*({*stages} - {*passed} - {event["stage"] for event in failed})]
    holds += ["run"] * (not known or events[-1]["event"] != "closed")
    holds += ["stages"] * (order != [stage for stage in stages if stage in order])
    holds += ["plan"] * (not (stages and plan["checks"] and scoring)) + ["evidence"] * (not whole)
    holds += [one for one in RECORDS if one in passed and not all(map(told[one].get, RECORDS[one]))]
    parts = {unit["id"]: unit.get("of") or [] for unit in plan["criteria"]}
    counted = {part for name in scoring for part in (name, *parts[name])}
    waived = {w.get("check", w.get("criterion")) for w in plan["waivers"] if w["expires"] >= today}
    waived -= counted | {one["id"] for one in plan["checks"] if one["criterion"] in counted}
    statuses, criteria, against = weigh(plan, files.get("checks.jsonl", []), waived)
    against |= {("hold", subject) for subject in holds}
    twin = twin_says(files.get("twin.json") or {}, told["backup"], required=live)
    against |= {(twin, "backup")} if twin == "no_go" or (twin and "twin" in passed) else set()
    tried, must = files.get("rehearsal.json") or {}, live and "deploy" in stages
    said = set()
    begun = tried.get("done") is True or "rehearsal" in passed or "rehearsal" not in stages
    if begun and (must or "rehearsal" in stages):
        said = rehearsal_says(tried, files, statuses, waived, required=must)
        against = (against - {("hold", "rehearsal")} if said else against) | said  # Why it failed.
    because = {subject for _, subject in against}  # A check that ended a stage is told once.
    failed = [event for event in failed if not (said and event["stage"] == "rehearsal")]
    against |= {("hold", e["stage"]) for e in failed if e["data"].get("check") not in because}
    score = {"passed": sum(criteria[name] == "pass" for name in scoring), "of": len(scoring)}
    against |= {("hold", "score")} if score["passed"] < score["of"] and not against else set()
    idle, drift = plan.get("nothing_pending") is True, tried.get("drift") or {}
    seen = tried.get("done") is True and drift.get("compared") and not drift.get("problem")
    differs = idle and not against and (not seen or drift["before"])
    against |= {("hold", "drift")} if differs else set()
    clean = "UP-TO-DATE" if idle else "GO"
    decision = "NO-GO" if "no_go" in dict(against) else "HOLD" if against else clean
    verdict = {"decision": decision, **{key: run[key] for key in (*ABOUT, "residue")}}
    verdict |= {"score": score, "criteria": criteria, "evidence_head": events[-1]["hash"]}
    verdict |= {"finished_at": events[-1]["at"], "checks": statuses, "reasons": sorted(against)}
    return verdict


def approvals(files: dict[str, Any]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Name of the record, what it says of its approval, and what the text of that has to say."""
    target = (run := files["run.json"])["target"]
    place = {"environment": run["environment"], "host": target["inventory_host"]}
    for name in ("deploy", "deploy_found", "cleanup", "undo", "restore"):
        record, deployed = files.get(f"{name}.json") or {}, name.startswith("deploy")
        given = (record.get("approved") if deployed else record) or {}
        if given.get("approved_by"):
            # Of a change that nobody has heard of, the record says what was found instead.
            shown = deployed or "recovered" in record
            plan = files[f"{name.partition('_')[0]}_plan.json"] if shown else record
            text = {**place, "approval": "pg-gonogo 1", "what": name.partition("_")[0]}
            text |= {"database": target["declared"]["database"], "token": given["token"]}
            text |= {"run_id": given["shown_by"] if deployed else run["run_id"]}
            text |= {"plan": plan["content"]}
            if given.get("fleet"):
                part = files["deploy_fleet.json"]
                text = {key: text[key] for key in ("approval", "environment", "token", "what")}
                text |= {"fleet": given["fleet"], "hosts": len(part["listed"])}
                text |= {"plan": part["content"], "expires_at": part["expires_at"]}
                text |= {"planned_at": part["planned_at"]}
            yield f"{name}.json", given, text
        elif changed(name, record):
            yield f"{name}.json", {}, {}


def verify_fleet(files: dict[str, Any], problems: list[str]) -> None:
    """Whether this host's own plan is in that of the fleet, where that is what was approved."""
    part, run = files.get("deploy_fleet.json"), files["run.json"]
    records = {f"deploy{kind}.json": files.get(f"deploy{kind}.json") for kind in FLEETS}
    given = {name: (one or {}).get("approved") or {} for name, one in records.items()}
    fleets = {name: one for name, one in given.items() if one.get("fleet")}
    if not part:
        problems += [f"{name}: nothing says what fleet it was approved with" for name in fleets]
        return
    entry, plan, listed = part["host"], files["deploy_plan.json"], part["listed"]
    sums = [hashlib.sha256(spelled(one)).hexdigest() for one in (entry, listed, entry["holds"])]
    times = [part[key] for key in ("fleet_id", "environment", "content", "planned_at")]
    seed = "\n".join(["plan.json", *times, part["expires_at"]])
    own = {"host": run["target"]["inventory_host"], "customer": run.get("customer")}
    own |= {"database": run["target"]["declared"]["database"], "plan": plan["content"]}
    own |= {"holds": plan["holds"]}
    good = [
        listed == sorted({*listed}) and sums[0] in listed and sums[1] == part["content"],
        sums[2] == entry["plan"] and all(entry[key] == value for key, value in own.items()),
        part["environment"] == run["environment"],
        part["token"] == hashlib.sha256(seed.encode()).hexdigest()[:10],
    ]
    problems += ["deploy_fleet.json: not the plan of this host among others"] * (not all(good))
    for name, one in fleets.items():
        same = (one["fleet"], one["token"], one["shown_by"])
        at = [datetime.fromisoformat(t) for t in (part["planned_at"], one["approved_at"])]
        at.append(datetime.fromisoformat(part["expires_at"]))
        fits = same == (part["fleet_id"], part["token"], entry["run_id"])
        # The time of an approval is kept in whole seconds.
        fits &= at[0].replace(microsecond=0) <= at[1] < at[2]
        problems += [f"{name}: not approved with this fleet"] * (not fits)


def changed(name: str, record: Any) -> bool:
    """Whether a record tells of a change, which somebody has to have approved."""
    if name.startswith("deploy"):
        return bool(record.get("action") == "applied")
    # A cleanup that has found no row is on record, too.
    found_none = name == "cleanup" and record.get("committed") is False and "rows" in record
    return bool(record) and not (found_none and not any(record["rows"].values()))


def verify_approvals(files: dict[str, Any], asked: Any, problems: list[str]) -> None:
    """Have ssh-keygen verify every signature, when the plan was shown and when it was used."""
    for name, given, wanted in approvals(files):
        signed = given.get("signed") or {"text": "{}", "needed": 1, "signatures": []}
        said = json.loads(text := signed["text"])
        wanted.setdefault("planned_at", said.get("planned_at"))
        spelling = json.dumps(wanted, sort_keys=True, separators=(",", ":")) + "\n"
        same, persons, keys = signed["signatures"] and text == spelling, set(), set()
        problems += [f"{name}: the approval is not signed, or for something else"] * (not same)
        for one in signed["signatures"] if same else ():
            times = (said["planned_at"], given["approved_at"])
            answers = [ask(signed, one, at, asked) for at in times]
            wrong = [answer.stderr.strip() or "revoked" for answer in answers if answer.returncode]
            who = f"{name}: {one['principal']} has not signed it"
            problems += [f"{who}: {why}" for why in wrong[:1]]
            persons.add(one["principal"])
            keys.add(answers[0].stdout.rpartition(" ")[2])
        few = min(len(persons - {signed.get("operator")}), len(keys)) < len(signed["signatures"])
        few |= len(persons) < max(signed["needed"], asked.approvers)
        problems += [f"{name}: not signed by as many others as have to"] * bool(same and few)


def ask(signed: Any, one: Any, at: str, asked: Any) -> Any:
    """What ssh-keygen says of a signature at a time."""
    with tempfile.NamedTemporaryFile("w", suffix=".sig") as file:
        file.write(one["signature"])
        file.flush()
        moment = datetime.fromisoformat(at).astimezone(UTC).strftime("%Y%m%d%H%M%S")
        words = ["ssh-keygen", "-Y", "verify", "-f", asked.allowed_signers, "-s", file.name]
        words += [
            "-I",
            one["principal"],
            "-n",
            asked.namespace or signed["namespace"],
            "-O",
            f"verify-time={moment}",
        ]
        words += ["-r", asked.revoked] if asked.revoked else []
        zone = {**os.environ, "TZ": "UTC0", "LC_ALL": "C"}
        text, run = signed["text"], subprocess.run
        return run(words, input=text, env=zone, capture_output=True, text=True, check=False)


def verify(path: Path, asked: Any, problems: list[str]) -> list[str]:
    """What the evidence gives, and what was added to it; what is wrong is added to `problems`."""
    events = read_chain((path / "events.jsonl").read_bytes(), problems)
    if (first := {"format": 1, **events[0]["data"]})["format"] != 1:
        raise ValueError(f"it is of format {first['format']}, and this program knows 1")
    end = next((event["seq"] for event in events if event["event"] == "closed"), len(events))
    files = read_files(path, events, end, problems)
    opened = {"run_id": path.name, "environment": files["run.json"]["environment"], "format": 1}
    problems += [f"run.json: not of the run {path.name}"] * (first != opened)
    answered = [record["check_id"] for record in files.get("checks.jsonl", ())]
    declared = {check["id"] for check in files["plan.json"]["checks"]}
    told = {name for event in events for name in event["data"].get("ids", ())}
    if len(answered) > len(declared.intersection(answered)) or not told.issubset(answered):
        problems.append("checks.jsonl: not one answer to each question that was asked")
    verdict = derive(files, events[:end], whole=not problems)
    said = json.loads(raw := (path / "verdict.json").read_bytes())
    if raw != spelled(said, 2) + b"\n" or said.keys() - verdict != {"conditions", "would_change"}:
        problems.append("verdict.json: not as the project writes it")
    said["reasons"] = sorted({(one["severity"], one["subject"]) for one in said["reasons"]})
    wrong = [key for key in verdict if spelled(said.get(key)) != spelled(verdict[key])]
    problems += [f"verdict.json: {key} does not follow from the evidence" for key in wrong]
    heads = {event["hash"]: event["seq"] for event in events[end - 1 :]}
    verify_fleet(files, problems)
    if asked.allowed_signers:
        verify_approvals(files, asked, problems)
    head = asked.head
    if head not in (None, *heads):
        problems.append(f"the head is {events[-1]['hash']}: other evidence than was meant")
    last = heads.get(head, len(events))
    later = [(e["seq"] > last, e["data"].get("file"), e["hash"]) for e in events[end:]]
    lines = [f"{'unproven' if bad else 'later'}  {name}  {at}" for bad, name, at in later]
    return [f"{verdict['decision']}  {path.name}  {verdict['evidence_head']}", *lines]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Verify a directory of evidence.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--head", help="the hash of the run's last event, as it was printed")
    parser.add_argument("--allowed-signers", help="file of those who have to have approved it")
    parser.add_argument("--revoked", help="file of keys that do not count")
    parser.add_argument("--namespace", help="what they have signed for; else what is on record")
    parser.add_argument("--approvers", type=int, default=1, help="how many of them, or more")
    given, found = parser.parse_args(), list[str]()
    try:
        lines = verify(given.directory.resolve(), given, found)
    except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        found.append(f"no whole evidence: {type(error).__name__}: {error}")
    sys.stdout.writelines(repr(text)[1:-1] + "\n" for text in found or lines)
    sys.exit(1 if found else 0)
