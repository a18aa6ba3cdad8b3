"""The waves of a rollout: as Ansible makes them, and what keeps the next one from beginning."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible import context
from ansible.executor.playbook_executor import PlaybookExecutor
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.template import Templar
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from gonogo.contract.errors import GonogoError, InputError
from gonogo.controller.ansible import shapes
from gonogo.controller.ansible import waves as at_work
from gonogo.controller.ansible.shapes import Measured, Shapes
from gonogo.controller.ansible.waves import AtWork
from gonogo.controller.invocation import project
from gonogo.controller.request import waves
from gonogo.controller.request.waves import Came, Limits, Waves
from tools import playbook

STRICT = Limits(("HOLD", "NO-GO"), 0)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (None, None),
        ([], None),
        ("", None),
        ([1, "10%", "100%"], Waves(sizes=("1", "10%", "100%"))),
        ("1,10%,100%", Waves(sizes=("1", "10%", "100%"))),
        (["canary", "west"], Waves(groups=("canary", "west"))),
        ("canary, west", Waves(groups=("canary", "west"))),
    ],
)
def test_what_is_said(said: object, found: Waves | None) -> None:
    assert waves.named(said) == found


@pytest.mark.parametrize(
    "said",
    [
        *([0], [-1], ["0%"], ["101%"], ["ten"] * 2, [1, "canary"], [True], [None], {"a": 1}, 3),
        *(["!canary"], ["canary:west"], ["db*"], [["canary"]], [1.5], [""] * 2),
    ],
)
def test_what_cannot_be_is_one_error(said: object) -> None:
    with pytest.raises(InputError) as caught:
        waves.named(said)
    assert "gonogo_waves" in caught.value.render()


def test_a_group_that_is_not_there() -> None:
    with pytest.raises(InputError, match="no such group"):
        waves.check({"gonogo_waves": ["canry"]}, {"canary": ["db1"]})
    waves.check({"gonogo_waves": ["canary"]}, {"canary": ["db1"]})


@pytest.mark.parametrize(
    "values",
    [
        *({"gonogo_waves_stop": ["GO"]}, {"gonogo_waves_stop": 3}),
        *({"gonogo_waves_max_fail": -1}, {"gonogo_waves_max_fail": "many"}),
        {"gonogo_waves_max_fail": True},
    ],
)
def test_limits_that_cannot_be(values: Mapping[str, object]) -> None:
    with pytest.raises(InputError):
        waves.limits(values)


def test_limits() -> None:
    assert waves.limits({}) == STRICT
    given = {"gonogo_waves_stop": "NO-GO", "gonogo_waves_max_fail": "2"}
    assert waves.limits(given) == Limits(("NO-GO",), 2)


@pytest.mark.parametrize(
    ("verdicts", "limits", "said"),
    [
        ("", STRICT, None),
        ("GO GO", STRICT, None),
        ("GO NO-GO", STRICT, "not begun: the wave before had NO-GO on db1"),
        ("HOLD GO", STRICT, "not begun: the wave before had HOLD on db0"),
        ("HOLD GO", Limits(("NO-GO",), 0), None),
        ("none", Limits((), 0), "not begun: the wave before had no verdict on db0"),
        ("NO-GO HOLD GO", Limits(("HOLD", "NO-GO"), 2), None),
        (
            "NO-GO HOLD none NO-GO",
            Limits(("HOLD", "NO-GO"), 2),
            "not begun: the wave before had NO-GO on db0, HOLD on db1, no verdict on db2, and "
            "1 more",
        ),
    ],
)
def test_what_stops(verdicts: str, limits: Limits, said: str | None) -> None:
    came = [Came(f"db{number}", one, limits) for number, one in enumerate(verdicts.split())]
    assert waves.stop(came) == said


def test_the_strictest_host_of_a_wave_counts() -> None:
    came = [Came("db0", "GO", STRICT), Came("db1", "HOLD", Limits(("HOLD",), 5))]
    assert waves.stop(came) is not None


# --- hosts that a play leaves out ---------------------------------------------------------------


def test_behind_a_wave_that_is_left_out_and_not_done_nothing_is_begun() -> None:
    waves.require([])
    waves.require([[Came("db1", "GO", STRICT)], [Came("db2", "UP-TO-DATE", STRICT)]])
    left_out = [
        [Came("db1", "GO", STRICT), Came("db2", "", STRICT)],
        [Came("db3", "NO-GO", STRICT)],
    ]
    with pytest.raises(GonogoError, match="hosts of an earlier wave are not done") as caught:
        waves.require(left_out)
    told = caught.value.render()
    assert "db2 (no verdict on these files), db3 (NO-GO)." in told
    assert "db1" not in told
    assert "-e gonogo_waves=100%" in told


def test_as_many_may_be_missing_as_may_fail() -> None:
    limits = Limits(("NO-GO",), 1)
    waves.require([[Came("db1", "", limits)], [Came("db2", "NO-GO", limits)]])
    waves.require([[Came("db1", "HOLD", limits), Came("db2", "HOLD", limits)]])
    with pytest.raises(GonogoError, match="earlier wave"):
        waves.require([[Came("db1", "", limits), Came("db2", "NO-GO", limits)]])


def test_of_many_some_are_named() -> None:
    with pytest.raises(GonogoError) as caught:
        waves.require([[Came(f"db{number}", "", STRICT) for number in range(100)]])
    assert "and 80 more." in str(caught.value.detail)


# --- as Ansible begins them -----------------------------------------------------------------------


def came_to(**verdicts: str) -> Callable[[str], Came]:
    return lambda host: Came(host, verdicts.get(host, "none"), STRICT)


SAID = Waves(sizes=("1",))


def refusal(known: AtWork, host: str, said: Waves | None = SAID) -> str | None:
    found = known.refusal(host, said)
    return found.primary if found else None


def test_a_wave_behind_one_that_failed_is_not_begun() -> None:
    known = AtWork(SAID)
    known.begin(["db1"], came_to())
    assert refusal(known, "db1") is None
    assert known.never_begun("db1") is None
    known.begin(["db2", "db3"], came_to(db1="NO-GO"))
    told = "not begun: the wave before had NO-GO on db1"
    assert [refusal(known, host) for host in ("db2", "db3")] == [told, told]
    assert known.never_begun("db4") == told
    # Whatever comes of those that were not begun, nothing begins again.
    known.begin(["db4"], came_to(db2="GO", db3="GO"))
    assert refusal(known, "db4") == told


def test_a_wave_behind_one_that_passed_is_begun() -> None:
    known = AtWork(SAID)
    known.begin(["db1"], came_to())
    known.begin(["db2"], came_to(db1="GO"))
    assert refusal(known, "db2") is None
    assert known.never_begun("db3") == "not begun: every host before it has failed"


def test_behind_a_wave_that_nobody_could_look_at_nothing_is_begun() -> None:
    """Ansible warns of a callback plugin that fails, and goes on."""

    def fails(host: str) -> Came:
        raise OSError(host)

    known = AtWork(SAID)
    known.begin(["db1"], came_to())
    with pytest.raises(OSError, match="db1"):
        known.begin(["db2"], fails)
    told = "not begun: nobody knows what the wave before has come to"
    assert refusal(known, "db2") == told
    # Another look may succeed, and the wave between was not begun.
    known.begin(["db3"], came_to(db1="GO", db2="GO"))
    assert refusal(known, "db3") == told
    assert known.never_begun("db4") == told


def test_a_dry_run_stops_nowhere() -> None:
    known = AtWork(SAID)
    for host in ("db1", "db2", "db3"):
        known.begin([host], None)
        assert refusal(known, host) is None


def test_a_host_whose_wave_nobody_has_noted_is_not_begun() -> None:
    """As where the callback plugin of this project is not there, or has failed."""
    known = AtWork(SAID)
    assert refusal(known, "db1") == "not begun: nobody has looked at the wave before"
    known.begin(["db1"], came_to())
    assert refusal(known, "db2") == "not begun: nobody has looked at the wave before"
    assert known.never_begun("db2") is not None


@pytest.mark.parametrize(("said", "played"), [(SAID, None), (None, SAID), (Waves(("2",)), SAID)])
def test_a_host_that_wants_other_waves_is_not_begun(
    said: Waves | None, played: Waves | None
) -> None:
    known = AtWork(played)
    known.begin(["db1"], came_to())
    assert refusal(known, "db1", said) == "gonogo_waves of this host is not that of the play"


def test_without_waves_nothing_is_asked() -> None:
    assert refusal(AtWork(), "db1", None) is None
    assert AtWork().never_begun("db1") is None


# --- the play -------------------------------------------------------------------------------------

NAMES = [f"db{number:02}" for number in range(1, 13)]


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The waves that Ansible makes of the play of playbooks/validate.yml."""
    if not AnsibleCollectionConfig.collection_finder:
        init_plugin_loader()
    monkeypatch.setattr(lookup_loader, "_extra_dirs", [])
    lookup_loader.add_directory(str(project.ROOT / "lookup_plugins"))
    monkeypatch.setattr(at_work, "AT_WORK", AtWork())
    monkeypatch.setattr(at_work, "SHAPES", Shapes())
    file = str(project.ROOT / "playbooks" / "validate.yml")
    plays = DataLoader().load_from_file(file, trusted_as_template=True)
    (judging,) = (one for one in plays if one["name"] == "Judge the migration")
    head = {key: value for key, value in judging.items() if key != "tasks"}

    def made(inventory: Mapping[str, Any], limit: str | None = None, **extra: Any) -> Any:
        folder = tmp_path / "inventory"
        (folder / "group_vars").mkdir(parents=True, exist_ok=True)
        said = dict(inventory)
        group = said.pop("group_vars", {})
        (folder / "group_vars" / "gonogo.yml").write_text(yaml.safe_dump(group))
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": said}}))
        loader = DataLoader()
        hosts = InventoryManager(loader=loader, sources=[str(folder)])
        hosts.subset(limit)
        manager = VariableManager(loader=loader, inventory=hosts)
        manager._extra_vars = extra
        # As a TaskQueueManager does.
        HostVars(inventory=hosts, variable_manager=manager, loader=loader)
        play = Play.load(head, variable_manager=manager, loader=loader)
        play.post_validate(Templar(loader=loader, variables=manager.get_vars(play=play)))
        executor = PlaybookExecutor.__new__(PlaybookExecutor)
        executor._inventory = hosts
        waves_made = executor._get_serialized_batches(play)
        return [[host.get_name() for host in wave] for wave in waves_made]

    yield made
    lookup_loader._clear_caches()


def gonogo(**variables: object) -> dict[str, Any]:
    return {"gonogo": {"hosts": dict.fromkeys(NAMES)}, "group_vars": variables}


def test_without_a_word_all_are_begun_at_once(batches: Any) -> None:
    assert batches(gonogo()) == [NAMES]


@pytest.mark.parametrize("said", [[1, "25%", "100%"], "1,25%,100%", "{{ ['1', 3, '100%'] }}"])
def test_sizes_of_the_inventory(batches: Any, said: object) -> None:
    assert batches(gonogo(gonogo_waves=said)) == [NAMES[:1], NAMES[1:4], NAMES[4:]]


def test_the_command_line_counts_before_the_inventory(batches: Any) -> None:
    found = batches(gonogo(gonogo_waves=[1]), gonogo_waves="4,100%")
    assert found == [NAMES[:4], NAMES[4:]]


@pytest.mark.parametrize(("step", "strategy"), [(True, "linear"), (False, "host_pinned")])
def test_step_by_step_goes_in_lockstep(
    monkeypatch: pytest.MonkeyPatch, *, step: bool, strategy: str
) -> None:
    monkeypatch.setattr(context, "CLIARGS", {"step": step})
    assert at_work.strategy() == f"ansible.builtin.{strategy}"


@pytest.mark.parametrize("name", ["hostvars", "groups", "ansible_play_hosts_all"])
@pytest.mark.parametrize("value", [{}, [], "", "gonogo", 7, None, {"gonogo": 7}, {"db01": "x"}])
def test_a_name_of_ansible_that_was_set_ends_no_start(name: str, value: object) -> None:
    """Each host refuses it by itself, with the words for it."""
    known = {
        "hostvars": {host: {"gonogo_waves": [1]} for host in NAMES},
        "groups": {"gonogo": NAMES},
        name: value,
    }
    assert at_work.of_play(known, lambda said: said)["hosts"] == "gonogo"
    assert at_work.of_shapes(known, lambda said: said) == "localhost:!localhost"


def test_groups_come_in_their_order_and_the_others_last(batches: Any) -> None:
    inventory = {
        **gonogo(gonogo_waves=["canary", "west"]),
        "west": {"hosts": dict.fromkeys(["db02", "db09", "db07"])},
        "canary": {"hosts": dict.fromkeys(["db09", "elsewhere"])},
    }
    rest = [host for host in NAMES if host not in ("db02", "db07", "db09")]
    assert batches(inventory) == [["db09"], ["db02", "db07"], rest]
    # Of those that a person has limited it to, the same.
    assert batches(inventory, limit="db01,db07,db12") == [["db07"], ["db01", "db12"]]


WAVES: dict[str, Any] = {"gonogo_waves": [1, "100%"], "deploy_enabled": True}


@pytest.mark.parametrize(
    ("said", "given", "planning"),
    [
        ({}, {}, True),
        ({"gonogo_protected": False, "deploy_approval_required": True}, {}, True),
        ({"gonogo_protected": False}, {}, False),
        ({"deploy_enabled": False}, {}, False),
        ({}, {"deploy_token": "0123456789"}, False),
        ({}, {"deploy_token": ""}, True),
        ({"deploy_approval_for": "wave"}, {}, False),
        ({}, {"deploy_approval_for": "host"}, False),
        # What cannot be rendered is that host's trouble, and says nothing of the others.
        ({"gonogo_environment": "{{ nosuch }}"}, {}, True),
        ({"gonogo_protected": "{{ nosuch }}"}, {}, True),
    ],
)
def test_a_start_that_shows_the_plan_of_all_has_no_waves(
    batches: Any, said: dict[str, Any], given: dict[str, Any], planning: bool
) -> None:
    waves_made = [NAMES] if planning else [NAMES[:1], NAMES[1:]]
    assert batches(gonogo(**{**WAVES, **said}), **given) == waves_made
    assert at_work.AT_WORK.planning is planning


def test_one_host_that_needs_an_approval_makes_all_show_their_plans(batches: Any) -> None:
    inventory = gonogo(**WAVES, gonogo_protected=False)
    inventory["gonogo"]["hosts"]["db07"] = {"deploy_approval_required": True}
    assert batches(inventory) == [NAMES]
    # One host alone is asked about by itself, within the limit of the command line, too.
    assert batches(inventory, limit="db07") == [["db07"]]
    assert at_work.AT_WORK.planning is False
    assert batches(inventory, limit="db01,db02") == [["db01"], ["db02"]]


@pytest.mark.parametrize(
    ("said", "limit", "made", "left_out"),
    [
        # The share is one of all hosts: whom a limit leaves out is missing in his wave.
        ([1, "25%", "100%"], "db05", [["db05"]], [["db01"], ["db02", "db03", "db04"]]),
        ([1, "25%", "100%"], "db01,db03,db12", [["db01"], ["db03"], ["db12"]], [["db02", "db04"]]),
        ([1, "25%", "100%"], "!db12", [NAMES[:1], NAMES[1:4], NAMES[4:11]], []),
        ([5], "db06,db12", [["db06"], ["db12"]], [NAMES[:5], NAMES[6:10]]),
        (
            ["west"],
            "!west",
            [[one for one in NAMES if one not in ("db02", "db07")]],
            [["db02", "db07"]],
        ),
        # The deliberate way: there is one wave.
        (["100%"], "db05", [["db05"]], []),
        (None, "db05", [["db05"]], []),
    ],
)
def test_a_limit_takes_hosts_out_of_waves_and_makes_none(
    batches: Any, said: object, limit: str, made: list[list[str]], left_out: list[list[str]]
) -> None:
    inventory = {
        **gonogo(**({"gonogo_waves": said} if said else {})),
        "west": {"hosts": dict.fromkeys(["db02", "db07"])},
    }
    assert batches(inventory, limit=limit) == made
    assert at_work.AT_WORK.left_out(made[-1][-1]) == left_out
    assert at_work.AT_WORK.left_out("elsewhere") == []


@pytest.mark.parametrize("said", [["canry"], [0], {"a": 1}])
def test_what_cannot_be_is_left_to_the_hosts_to_refuse(batches: Any, said: object) -> None:
    assert batches(gonogo(gonogo_waves=said)) == [NAMES]
    with pytest.raises(GonogoError):
        waves.check({"gonogo_waves": said}, {"gonogo": NAMES})


# --- who rehearses for whom ------------------------------------------------------------------------


def of(**shapes: tuple[str, int]) -> dict[str, Measured]:
    return {host: Measured(*one) for host, one in shapes.items()}


@pytest.mark.parametrize(
    ("waves_before", "measured", "waves_then", "by"),
    [
        ([["a", "b"]], of(), [["a", "b"]], {}),
        ([["a", "b"]], of(a=("x", 1), b=("y", 2)), [["a", "b"]], {}),
        ([["a", "b"]], of(a=("x", 1), b=("x", 2)), [["b"], ["a"]], {"a": "b"}),
        # Of two that are as large, by name.
        ([["b", "a"]], of(a=("x", 2), b=("x", 2)), [["a"], ["b"]], {"b": "a"}),
        # What was not measured waits for nobody.
        (
            [["a", "b", "c", "d"]],
            of(a=("x", 1), b=("x", 2), d=("y", 1)),
            [["b", "c", "d"], ["a"]],
            {"a": "b"},
        ),
        # The largest of the first wave that has one, whatever comes later.
        (
            [["a"], ["b", "c", "d"], ["e"]],
            of(a=("x", 1), b=("x", 9), c=("y", 1), d=("y", 2), e=("y", 9)),
            [["a"], ["b", "d"], ["c"], ["e"]],
            {"b": "a", "c": "d", "e": "d"},
        ),
    ],
)
def test_the_largest_of_each_shape_comes_first(
    waves_before: list[list[str]],
    measured: dict[str, Measured],
    waves_then: list[list[str]],
    by: dict[str, str],
) -> None:
    assert shapes.chosen(waves_before, measured) == (waves_then, by)


@pytest.mark.parametrize("number", range(1, 40))
@pytest.mark.parametrize("said", [["1", "25%", "100%"], ["3"], ["10%"], ["7", "50%"]])
def test_waves_are_as_large_as_ansible_makes_them(said: list[str], number: int) -> None:
    executor = PlaybookExecutor.__new__(PlaybookExecutor)
    hosts = [f"db{one}" for one in range(number)]
    executor._inventory = SimpleNamespace(get_hosts=lambda *_, **__: [*hosts])
    play = SimpleNamespace(hosts="all", order=None, serial=said)
    assert waves.Waves(tuple(said)).of(hosts, {}) == executor._get_serialized_batches(play)


def test_what_a_task_has_said_is_noted() -> None:
    known = Shapes()
    known.note("a", {"shape": "x", "size": 1})
    known.note("b", {"shape": None})
    known.note("c", {"msg": "it failed"})
    assert known.measured == of(a=("x", 1))
    assert known.rehearses_for("a") is None


def test_of_a_name_that_a_pattern_may_mean_otherwise_nothing_is_chosen() -> None:
    every: Sequence[tuple[str, dict[str, object]]] = (
        ("db[1:3]", {}),
        ("west", {"west": []}),
        ("!a", {}),
    )
    for host, groups in every:
        known = Shapes(of(a=("x", 2), **{host: ("x", 1)}))
        assert known.ordered([["a", host]], groups) is None
        assert known.rehearses_for(host) is None


def test_the_play_begins_them_so(batches: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Shapes({host: Measured("x", number) for number, host in enumerate(NAMES)})
    monkeypatch.setattr(at_work, "SHAPES", known)
    assert batches(gonogo()) == [NAMES[-1:], NAMES[:-1]]
    assert known.by == dict.fromkeys(NAMES[:-1], NAMES[-1])
    # The waves of the inventory stay what they are; within one, whoever rehearses is first.
    said = {"gonogo_waves": [3, "100%"]}
    assert batches(gonogo(**said)) == [[NAMES[2]], NAMES[:2], NAMES[3:]]
    few = [["db02"], ["db01"], ["db12"]]
    assert batches(gonogo(**said), limit="db01,db02,db12") == few
    inventory = {
        **gonogo(gonogo_waves=["canary"]),
        "canary": {"hosts": dict.fromkeys(["db04", "db03", "elsewhere"])},
    }
    rest = [host for host in NAMES if host not in ("db03", "db04")]
    assert batches(inventory) == [["db04"], ["db03"], rest]


@pytest.mark.parametrize(("said", "measured"), [({}, False), ({"rehearsal_per_shape": True}, True)])
def test_who_is_measured(said: dict[str, object], *, measured: bool) -> None:
    known = {"groups": {"gonogo": NAMES}, "hostvars": {NAMES[0]: said}}
    pattern = at_work.of_shapes(known, lambda value: value)
    assert pattern == ("gonogo" if measured else "localhost:!localhost")


def test_behind_those_that_rehearse_and_have_all_failed_nobody_is_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(at_work, "SHAPES", Shapes(by={"db1": "db2"}))
    known = AtWork()
    known.begin(["db2"], came_to())
    assert known.never_begun("db1") == "not begun: every host that rehearses for others has failed"


# --- the page -------------------------------------------------------------------------------------


def test_the_example_of_the_page(batches: Any) -> None:
    """docs/rollout.md: what it says of twelve hosts is so."""
    page = (project.ROOT / "docs" / "rollout.md").read_text(encoding="utf-8")
    said = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    assert [len(wave) for wave in batches(gonogo(**said))] == [1, 3, 8]
    assert "waves of 1, 3 and 8" in page
    waves.check(said, {"gonogo": NAMES})
    stopped = [Came("db03", "NO-GO", waves.limits(said))]
    assert str(waves.stop(stopped)) in page


@pytest.mark.parametrize("option", ["--list-hosts", "--list-tasks", "--syntax-check"])
def test_a_playbook_that_is_only_looked_at(option: str) -> None:
    """No host has variables then."""
    words = ("-i", "inventories/staging", option, "validate_staging.yml")
    done = subprocess.run(
        playbook.command(*words), cwd=project.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
