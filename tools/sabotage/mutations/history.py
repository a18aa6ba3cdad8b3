"""What the rows tell: chains of versions, frozen versions, the trail of decisions."""

from __future__ import annotations

from collections.abc import Iterator

from tools.sabotage.change import Mutation, past_triggers
from tools.sabotage.shape import Shape

__all__ = ["history"]

_VERSIONS = "public.config_versions"
_WORKFLOWS = "public.workflow_instances"
_STAGES = "public.workflow_stages"
_ACTIONS = "public.workflow_stage_actions"

# The first version that has been superseded, and the one that follows it.
_OLD = f"(SELECT min(id) FROM {_VERSIONS} WHERE status = 'SUPERSEDED')"
_NEW = f"(SELECT superseded_by_id FROM {_VERSIONS} WHERE id = {_OLD})"
_DRAFT = f"(SELECT min(id) FROM {_VERSIONS} WHERE status = 'DRAFT')"
_WORKFLOW = f"(SELECT min(id) FROM {_WORKFLOWS})"
_DECIDED = f"(SELECT min(id) FROM {_STAGES} WHERE status = 'APPROVED')"
_REJECTED = f"(SELECT min(id) FROM {_STAGES} WHERE status = 'REJECTED')"

# Words → SQL past triggers and keys, as a superuser.
_CHAINS = {
    "a superseded version names no successor": f"UPDATE {_VERSIONS} SET superseded_by_id = NULL"
    f" WHERE id = {_OLD}",
    "all superseded versions name no successor": f"UPDATE {_VERSIONS} SET superseded_by_id = NULL",
    "a version is its own successor": f"UPDATE {_VERSIONS} SET superseded_by_id = id"
    f" WHERE id = {_OLD}",
    "a version is its own predecessor": f"UPDATE {_VERSIONS} SET previous_version_id = id"
    f" WHERE id = {_DRAFT}",
    "two versions are each other's successor": f"UPDATE {_VERSIONS} SET superseded_by_id = {_OLD}"
    f" WHERE id = {_NEW}",
    "a successor knows no predecessor": f"UPDATE {_VERSIONS} SET previous_version_id = NULL"
    f" WHERE id = {_NEW}",
    "a successor has a lower number": f"UPDATE {_VERSIONS} SET version_number = 0"
    f" WHERE id = {_NEW}",
    "a successor has the same number": f"UPDATE {_VERSIONS} AS v SET version_number ="
    f" o.version_number FROM {_VERSIONS} AS o WHERE v.id = {_NEW} AND o.id = {_OLD}",
    "a successor is of another source type": f"UPDATE {_VERSIONS} AS v SET superseded_by_id = o.id"
    f" FROM {_VERSIONS} AS o WHERE v.id = {_OLD} AND o.workspace_id = v.workspace_id"
    " AND o.source_type <> v.source_type AND o.status = 'ACTIVE'",
    "a successor is of another workspace": f"UPDATE {_VERSIONS} AS v SET superseded_by_id = o.id"
    f" FROM {_VERSIONS} AS o WHERE v.id = {_OLD} AND o.workspace_id <> v.workspace_id"
    " AND o.source_type = v.source_type AND o.status = 'ACTIVE'",
    "a predecessor is of another workspace": f"UPDATE {_VERSIONS} AS v SET previous_version_id ="
    f" o.id FROM {_VERSIONS} AS o WHERE v.id = {_NEW} AND o.workspace_id <> v.workspace_id"
    " AND o.source_type = v.source_type AND o.status = 'SUPERSEDED'",
    "a successor is gone": f"DELETE FROM {_VERSIONS} WHERE id = {_NEW}",
    "a predecessor is gone": f"DELETE FROM {_VERSIONS} WHERE id = {_OLD}",
    "a version of another source type has slipped in": f"UPDATE {_VERSIONS} SET source_type ="
    " CASE source_type WHEN 'SCOPE_CONFIG' THEN 'CLUSTER_MAPPING' ELSE 'SCOPE_CONFIG' END"
    f" WHERE id = {_OLD}",
}

_OTHER_VERSION = (
    f"(SELECT v.id FROM {_VERSIONS} AS v WHERE v.workspace_id = w.workspace_id"
    " AND v.id <> w.config_version_id AND v.status IN ('ACTIVE', 'SUPERSEDED')"
    " ORDER BY v.id LIMIT 1)"
)

# Words → SQL and the checks that are about it.
_FREEZING: dict[str, tuple[str, tuple[str, ...]]] = {
    "a workflow has another version than its stages": (
        f"UPDATE {_WORKFLOWS} AS w SET config_version_id = {_OTHER_VERSION} WHERE id = {_WORKFLOW}",
        ("V3.4",),
    ),
    "all workflows have another version than their stages": (
        f"UPDATE {_WORKFLOWS} AS w SET config_version_id = {_OTHER_VERSION}",
        ("V3.4",),
    ),
    "one stage has another version than its workflow": (
        f"UPDATE {_STAGES} AS s SET config_version_id = (SELECT {_OTHER_VERSION}"
        f" FROM {_WORKFLOWS} AS w WHERE w.id = s.workflow_instance_id)"
        f" WHERE id = (SELECT min(id) FROM {_STAGES})",
        ("V3.4",),
    ),
    "a workflow and its stages have another version than the policy they follow": (
        f"UPDATE {_WORKFLOWS} AS w SET config_version_id = {_OTHER_VERSION} WHERE id = {_WORKFLOW};"
        f"UPDATE {_STAGES} AS s SET config_version_id = w.config_version_id"
        f" FROM {_WORKFLOWS} AS w WHERE w.id = s.workflow_instance_id AND w.id = {_WORKFLOW}",
        ("V3.4",),
    ),
    "the version a workflow was started from is a DRAFT": (
        f"UPDATE {_VERSIONS} SET status = 'DRAFT' WHERE id = (SELECT config_version_id"
        f" FROM {_WORKFLOWS} WHERE id = {_WORKFLOW})",
        ("C4.3",),
    ),
    "workflows stand on a version that never was ACTIVE": (
        f"UPDATE {_WORKFLOWS} AS w SET config_version_id = (SELECT v.id FROM {_VERSIONS} AS v"
        " WHERE v.workspace_id = w.workspace_id AND v.status = 'DRAFT' ORDER BY v.id LIMIT 1);"
        f"UPDATE {_STAGES} AS s SET config_version_id = w.config_version_id"
        f" FROM {_WORKFLOWS} AS w WHERE w.id = s.workflow_instance_id",
        ("C4.3", "V3.4"),
    ),
    "the id of a version has changed": (
        f"UPDATE {_VERSIONS} SET id = 'changed' WHERE id = {_OLD}",
        ("C1.6", "C3.6", "C4.3"),
    ),
    "a stage belongs to another workflow": (
        f"UPDATE {_STAGES} AS s SET workflow_instance_id = (SELECT o.id FROM {_WORKFLOWS} AS o"
        f" JOIN {_WORKFLOWS} AS w ON w.id = s.workflow_instance_id"
        " WHERE o.config_version_id <> w.config_version_id ORDER BY o.id LIMIT 1)"
        f" WHERE id = (SELECT min(id) FROM {_STAGES})",
        ("V3.4",),
    ),
}

_SECOND_ACTIVE = (
    "UPDATE pg_index SET indisready = {0}, indisvalid = {0} WHERE indexrelid ="
    " 'public.ux_config_versions_one_active_per_workspace'::regclass;\n"
)

_ACTIVE = {
    "a DRAFT is ACTIVE too": f"UPDATE {_VERSIONS} SET status = 'ACTIVE' WHERE id = {_DRAFT};",
    "a superseded version is ACTIVE again": f"UPDATE {_VERSIONS} SET status = 'ACTIVE'"
    f" WHERE id = {_OLD};",
    "all versions are ACTIVE": f"UPDATE {_VERSIONS} SET status = 'ACTIVE';",
}

_TRAIL: dict[str, tuple[str, tuple[str, ...]]] = {
    "a version names no existing importer": (
        f"UPDATE {_VERSIONS} SET imported_by = 'nobody' WHERE id = {_OLD}",
        ("I3.1", "C1.6"),
    ),
    "a version names an empty importer": (
        f"UPDATE {_VERSIONS} SET imported_by = '' WHERE id = {_OLD}",
        ("I3.1", "C1.6"),
    ),
    "an approval was not logged": (
        f"DELETE FROM {_ACTIONS} WHERE workflow_stage_id = {_DECIDED}",
        ("I3.2",),
    ),
    "a rejection was not logged": (
        f"DELETE FROM {_ACTIONS} WHERE workflow_stage_id = {_REJECTED}",
        ("I3.2",),
    ),
    "no decision was logged": (f"DELETE FROM {_ACTIONS}", ("I3.2",)),
    "an approval was logged as a rejection": (
        f"UPDATE {_ACTIONS} SET action_type = 'REJECT' WHERE workflow_stage_id = {_DECIDED}",
        ("I3.2",),
    ),
    "a rejection was logged as an approval": (
        f"UPDATE {_ACTIONS} SET action_type = 'APPROVE' WHERE workflow_stage_id = {_REJECTED}",
        ("I3.2",),
    ),
    "an approval was logged as a comment": (
        f"UPDATE {_ACTIONS} SET action_type = 'COMMENT' WHERE workflow_stage_id = {_DECIDED}",
        ("I3.2",),
    ),
    "a decision was logged for another stage": (
        f"UPDATE {_ACTIONS} SET workflow_stage_id = (SELECT min(id) FROM {_STAGES}"
        f" WHERE status = 'PENDING') WHERE workflow_stage_id = {_DECIDED}",
        ("I3.2",),
    ),
    "nobody decided": (
        f"UPDATE {_STAGES} SET decided_by = NULL WHERE id = {_DECIDED}",
        ("I3.3",),
    ),
    "nobody rejected": (
        f"UPDATE {_STAGES} SET decided_by = NULL WHERE id = {_REJECTED}",
        ("I3.3",),
    ),
    "it was decided at no time": (
        f"UPDATE {_STAGES} SET decided_at = NULL WHERE id = {_DECIDED}",
        ("I3.3",),
    ),
    "somebody decided who does not exist": (
        f"UPDATE {_STAGES} SET decided_by = 'nobody' WHERE id = {_DECIDED}",
        ("I3.3", "C1.6"),
    ),
    "a pending stage was approved without a word": (
        f"UPDATE {_STAGES} SET status = 'APPROVED' WHERE id = (SELECT min(id) FROM {_STAGES}"
        " WHERE status = 'PENDING')",
        ("I3.2", "I3.3"),
    ),
}

_PEOPLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "the workspace has another code": (
        "UPDATE public.workspaces SET code = 'OTHER' WHERE code = 'XLSMART-AVIAT'",
        ("0.3",),
    ),
    "the workspace's code has a blank at its end": (
        "UPDATE public.workspaces SET code = code || ' ' WHERE code = 'XLSMART-AVIAT'",
        ("0.3",),
    ),
    "the workspace's code is in small letters": (
        "UPDATE public.workspaces SET code = lower(code)",
        ("0.3",),
    ),
    "the workspace is gone": (
        "DELETE FROM public.workspaces WHERE code = 'XLSMART-AVIAT'",
        ("0.3",),
    ),
    "no user is left": ("DELETE FROM public.users", ("0.4",)),
    "all users are suspended": ("UPDATE public.users SET status = 'SUSPENDED'", ("0.4",)),
    "all users are switched off": ('UPDATE public.users SET "isActive" = false', ("0.4",)),
    "no user has a status": ("UPDATE public.users SET status = NULL", ("0.4",)),
}


def history(shape: Shape) -> Iterator[Mutation]:
    del shape  # These rows have a meaning that no manifest knows.
    for words, command in _CHAINS.items():
        yield Mutation(
            id=f"chain: {words}",
            words=words,
            admin=past_triggers(command),
            kind="chain of versions",
            # A version that is gone is missed by every reference to it.
            right=("C3.6",),
        )
    for words, (command, right) in _FREEZING.items():
        yield Mutation(
            id=f"frozen: {words}",
            words=words,
            admin=past_triggers(command),
            kind="frozen version",
            right=right,
        )
    for words, command in _ACTIVE.items():
        yield Mutation(
            id=f"two ACTIVE: {words}",
            words=f"{words}, and the index says that it is valid",
            admin=past_triggers(
                _SECOND_ACTIVE.format("false") + command + _SECOND_ACTIVE.format("true")
            ),
            kind="two ACTIVE",
            right=("V2.2",),
        )
    for words, (command, right) in _TRAIL.items():
        yield Mutation(
            id=f"trail: {words}",
            words=words,
            admin=past_triggers(command),
            kind="trail of decisions",
            right=right,
        )
    for words, (command, right) in _PEOPLE.items():
        yield Mutation(
            id=f"premise: {words}",
            words=words,
            admin=past_triggers(command),
            kind="premise",
            right=right,
            unknown=right,
        )
