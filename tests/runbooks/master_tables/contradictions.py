"""Rows that contradict each other: red from the manifest's rules, one of each kind a check."""

from __future__ import annotations

from tests.runbooks.master_tables.records import Green, Red, superuser
from tools.sabotage.contradicting import contradicting, kind_of
from tools.sabotage.shape import Shape

_SHAPE = Shape()


def _reds() -> list[Red]:
    seen: set[tuple[str, str]] = set()
    found = []
    for rule in _SHAPE.runbook.manifest.rules:
        kind = (rule.check, kind_of(rule))
        if kind in seen:
            continue
        seen.add(kind)
        how, command = next(contradicting(_SHAPE, rule))
        found.append(Red(rule.check, f"{rule.name} {how}", admin=command, words=rule.words))
    return found


REDS = _reds()

GREENS = [
    # A shared role belongs to no workspace, and so to no version of it.
    Green(
        "V3.5",
        "shared roles of another version, and ways that end early",
        admin=superuser("""
        UPDATE public.approval_role_master AS r SET workspace_id = NULL, config_version_id = (
            SELECT max(v.id) FROM public.config_versions AS v WHERE v.id <> r.config_version_id)
        WHERE role_code = 'BO';
        UPDATE public.workflow_stages SET policy_stage_id = NULL WHERE stage_number = 2;
        UPDATE public.workflow_instances SET vendor_id = NULL
        """),
    ),
    # The ids of a scope's version and of a policy's may differ: they come from other workbooks.
    Green(
        "V3.5",
        "a policy for the scope of another workbook",
        admin=superuser("""
        UPDATE public.atp_scope_master AS s SET config_version_id = (
            SELECT v.id FROM public.config_versions AS v
            WHERE v.workspace_id = s.workspace_id AND v.source_type = 'SCOPE_CONFIG'
              AND v.status = 'ACTIVE'), scope_code = s.scope_code || ' 2'
        WHERE s.config_version_id = (
            SELECT min(v.id) FROM public.config_versions AS v
            WHERE v.source_type = 'APPROVAL_MATRIX' AND v.status = 'ACTIVE')
        """),
    ),
    Green(
        "C3.7",
        "versions without dates, and one that was retired and replaced",
        """
        UPDATE public.config_versions SET activated_at = NULL, archived_at = NULL
        WHERE source_type = 'SCOPE_CONFIG';
        UPDATE public.config_versions SET status = 'ARCHIVED' WHERE status = 'SUPERSEDED';
        UPDATE public.vendor_master SET expiry_date = effective_date
        """,
    ),
    Green(
        "C6.10",
        "cancelled while stages wait, without stages, with a stage nobody needs",
        admin=superuser("""
        UPDATE public.workflow_instances SET status = 'CANCELLED' WHERE status = 'ON_HOLD';
        UPDATE public.workflow_instances SET total_stages = 0 WHERE status = 'IN_PROGRESS';
        DELETE FROM public.workflow_stages AS s WHERE workflow_instance_id = (
            SELECT min(w.id) FROM public.workflow_instances AS w WHERE w.status = 'REJECTED');
        UPDATE public.approval_policy_stages SET is_required = false WHERE stage_number = 3;
        UPDATE public.workflow_stages AS s SET status = 'PENDING', decided_by = NULL,
            decided_at = NULL
        WHERE stage_number = 3 AND EXISTS (
            SELECT FROM public.workflow_instances AS w
            WHERE w.id = s.workflow_instance_id AND w.status = 'COMPLETED')
        """),
    ),
    Green(
        "C6.10",
        "stages side by side in another order",
        admin=superuser("""
        UPDATE public.workflow_stages SET parallel_group = 'A', is_parallel = true;
        UPDATE public.workflow_instances SET current_stage_number = 1 WHERE status = 'IN_PROGRESS'
        """),
    ),
    Green(
        "C6.11",
        "everything at one moment, and times that nobody wrote down",
        """
        UPDATE public.workflow_stages SET decided_at = w.started_at, created_at = w.started_at
        FROM public.workflow_instances AS w
        WHERE w.id = workflow_instance_id AND decided_at IS NOT NULL;
        UPDATE public.workflow_instances SET completed_at = started_at
        WHERE status = 'COMPLETED' AND completed_at IS NOT NULL;
        UPDATE public.workflow_instances SET started_at = NULL WHERE status = 'IN_PROGRESS'
        """,
    ),
    Green(
        "I3.4",
        "an action that does not say who, and comments by others",
        """
        UPDATE public.workflow_stage_actions SET actor_user_id = NULL WHERE action_type = 'REJECT';
        INSERT INTO public.workflow_stage_actions (workflow_stage_id, action_type, actor_user_id)
        SELECT s.id, 'COMMENT', 'admin-001' FROM public.workflow_stages AS s
        """,
    ),
]
