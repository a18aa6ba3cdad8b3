-- Indexes for the queries people wait for, of 20251229010228_add_master_tables_final_v2.
--
-- On a database that is in use each of them would be created CONCURRENTLY, outside a
-- transaction; here the tables are new and empty.

-- "What waits for me": an approver's pending stages, newest first, one page.
CREATE INDEX idx_workflow_stages_pending_by_user
    ON public.workflow_stages (approver_user_id, created_at DESC)
    WHERE status = 'PENDING';

-- "What is late": open stages past their due time, oldest first. Most stages are decided, so
-- the index stays small.
CREATE INDEX idx_workflow_stages_overdue
    ON public.workflow_stages (sla_due_at)
    WHERE status IN ('PENDING', 'IN_REVIEW');

-- A workspace's workflows by state. Not the same as idx_wf_instances_status, which serves the
-- state over all workspaces.
CREATE INDEX idx_workflow_instances_status
    ON public.workflow_instances (workspace_id, status);

-- Which workflows were started under a version: asked before a version is retired.
CREATE INDEX idx_workflow_instances_workspace_config
    ON public.workflow_instances (workspace_id, config_version_id);
