-- What foreign keys and CHECKs cannot say, of profile target: the 22nd CHECK, updated_at that is
-- always true, and two guards.

ALTER TABLE public.approval_policy_stages
    ADD CONSTRAINT ck_approval_policy_stages_stage_group
    CHECK (stage_group IN ('REVIEW', 'VALIDATION', 'SIGN', 'FINAL'));

-- updated_at -----------------------------------------------------------------------------------
-- On the 13 tables that have the column. On the other three (approver_overrides,
-- atp_submission_documents, workflow_stage_actions) every UPDATE would fail with
-- 'record "new" has no field "updated_at"'.

CREATE FUNCTION public.trg_touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE TRIGGER trg_config_versions_touch
    BEFORE UPDATE ON public.config_versions
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_atp_scope_master_touch
    BEFORE UPDATE ON public.atp_scope_master
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_vendor_master_touch
    BEFORE UPDATE ON public.vendor_master
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_approval_role_master_touch
    BEFORE UPDATE ON public.approval_role_master
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_approval_policy_master_touch
    BEFORE UPDATE ON public.approval_policy_master
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_approval_policy_stages_touch
    BEFORE UPDATE ON public.approval_policy_stages
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_cluster_master_touch
    BEFORE UPDATE ON public.cluster_master
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_cluster_approver_master_touch
    BEFORE UPDATE ON public.cluster_approver_master
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_workflow_instances_touch
    BEFORE UPDATE ON public.workflow_instances
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_workflow_stages_touch
    BEFORE UPDATE ON public.workflow_stages
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_atp_submissions_touch
    BEFORE UPDATE ON public.atp_submissions
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_punchlists_touch
    BEFORE UPDATE ON public.punchlists
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_punchlist_items_touch
    BEFORE UPDATE ON public.punchlist_items
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();

-- Guards ---------------------------------------------------------------------------------------
-- Both refuse with SQLSTATE 23001 (restrict_violation) and their own name as the constraint, so
-- that a caller can tell a guard from a foreign key (23503) and from any other error.

-- An ACTIVE version cannot be deleted, referenced or not: foreign keys only protect versions
-- that something names.
CREATE FUNCTION public.config_versions_active_guard() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'restrict_violation',
        MESSAGE = format('config version "%s" is ACTIVE and cannot be deleted', OLD.id),
        HINT = 'Activate another version first, or set this one to ARCHIVED.',
        SCHEMA = TG_TABLE_SCHEMA,
        TABLE = TG_TABLE_NAME,
        CONSTRAINT = TG_NAME;
END
$$;

CREATE TRIGGER config_versions_active_guard
    BEFORE DELETE ON public.config_versions
    FOR EACH ROW WHEN (OLD.status = 'ACTIVE')
    EXECUTE FUNCTION public.config_versions_active_guard();

-- A workflow and its stages keep the configuration they were started with: the answer to "why
-- this approver?" is in that version. Also stops an updated version id from cascading.
CREATE FUNCTION public.frozen_config_version_guard() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'restrict_violation',
        MESSAGE = format('config_version_id of %s "%s" is frozen and cannot be changed',
                         TG_TABLE_NAME, OLD.id),
        DETAIL = format('It is "%s"; the new value would be "%s".',
                        OLD.config_version_id, NEW.config_version_id),
        HINT = 'Start a new workflow to use another configuration.',
        SCHEMA = TG_TABLE_SCHEMA,
        TABLE = TG_TABLE_NAME,
        COLUMN = 'config_version_id',
        CONSTRAINT = TG_NAME;
END
$$;

CREATE TRIGGER workflow_instances_frozen_guard
    BEFORE UPDATE ON public.workflow_instances
    FOR EACH ROW WHEN (OLD.config_version_id IS DISTINCT FROM NEW.config_version_id)
    EXECUTE FUNCTION public.frozen_config_version_guard();

CREATE TRIGGER workflow_stages_frozen_guard
    BEFORE UPDATE ON public.workflow_stages
    FOR EACH ROW WHEN (OLD.config_version_id IS DISTINCT FROM NEW.config_version_id)
    EXECUTE FUNCTION public.frozen_config_version_guard();
