-- What the database holds before the migration: workspaces, users, sites, tasks.
--
-- Transcribed from the application's older schema, mixed-case names included. Of the two
-- variants of workspaces this is the hand-made one, whose times have defaults; users and sites
-- have no default for updated_at, because the ORM supplies it.

CREATE TABLE public.workspaces (
    id                 uuid         NOT NULL DEFAULT gen_random_uuid(),
    code               varchar(80)  NOT NULL,
    name               varchar(150) NOT NULL,
    customer_group_id  varchar(255) NOT NULL,
    vendor_owner_id    varchar(255) NOT NULL,
    is_active          boolean               DEFAULT true,
    created_at         timestamp             DEFAULT CURRENT_TIMESTAMP,
    updated_at         timestamp             DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT workspaces_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX workspaces_code_key ON public.workspaces (code);
CREATE INDEX idx_workspaces_code ON public.workspaces (code);
CREATE INDEX idx_workspaces_is_active ON public.workspaces (is_active);

CREATE TYPE public."UserStatus" AS ENUM ('ACTIVE', 'INACTIVE', 'SUSPENDED', 'PENDING');
CREATE TYPE public."UserType" AS ENUM ('INTERNAL', 'CUSTOMER', 'VENDOR', 'TOWER_PROVIDER');

CREATE TABLE public.users (
    -- No default: ids come from several generations of the application and look accordingly.
    id                     text      NOT NULL,
    email                  text      NOT NULL,
    username               text,
    "loginId"              text,
    first_name             text,
    last_name              text,
    name                   text,
    -- Login role; has nothing to do with the approval roles.
    role                   text,
    -- Two notions of "active" side by side: status and "isActive".
    status                 public."UserStatus" DEFAULT 'ACTIVE',
    "isActive"             boolean   NOT NULL DEFAULT true,
    "userType"             public."UserType",
    password               text,
    password_hash          text,
    signature              text,
    designation            text,
    contact_number         text,
    last_login             timestamp,
    failed_login_attempts  integer            DEFAULT 0,
    "failedAttempts"       integer            DEFAULT 0,
    account_locked_until   timestamp,
    "lockedUntil"          timestamp,
    "userGroupId"          text,
    "createdBy"            text,
    "updatedBy"            text,
    created_at             timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at             timestamp NOT NULL,

    CONSTRAINT users_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX users_email_key ON public.users (email);
CREATE UNIQUE INDEX users_username_key ON public.users (username);
CREATE UNIQUE INDEX "users_loginId_key" ON public.users ("loginId");

CREATE TABLE public.sites (
    id              text         NOT NULL DEFAULT gen_random_uuid()::text,
    -- The customer's code, e.g. JAW-JI-SMP-4240. The 16 tables refer to a site by this.
    site_id         varchar(100) NOT NULL,
    site_name       varchar(255) NOT NULL,
    scope           varchar(50)           DEFAULT 'MW',
    region          varchar(100) NOT NULL,
    city            varchar(100) NOT NULL,
    ne_latitude     numeric(10, 8),
    ne_longitude    numeric(11, 8),
    fe_latitude     numeric(10, 8),
    fe_longitude    numeric(11, 8),
    status          varchar(50)           DEFAULT 'ACTIVE',
    atp_required    boolean               DEFAULT true,
    atp_type        varchar(20)           DEFAULT 'BOTH',
    workflow_stage  varchar(50)           DEFAULT 'REGISTERED',
    workspace_id    uuid,
    created_at      timestamp    NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at      timestamp    NOT NULL,

    CONSTRAINT sites_pkey PRIMARY KEY (id),
    CONSTRAINT sites_workspace_id_fkey FOREIGN KEY (workspace_id)
        REFERENCES public.workspaces (id) ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE UNIQUE INDEX sites_site_id_key ON public.sites (site_id);
CREATE INDEX idx_sites_workspace ON public.sites (workspace_id);

CREATE TABLE public.tasks (
    id            text        NOT NULL DEFAULT gen_random_uuid()::text,
    task_code     text        NOT NULL,
    assigned_to   text,
    assigned_by   text,
    site_id       text,
    workspace_id  uuid,
    status        varchar(20)          DEFAULT 'pending',
    created_at    timestamp   NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at    timestamp   NOT NULL,

    CONSTRAINT tasks_pkey PRIMARY KEY (id),
    CONSTRAINT tasks_assigned_to_fkey FOREIGN KEY (assigned_to)
        REFERENCES public.users (id) ON DELETE SET NULL ON UPDATE CASCADE,
    CONSTRAINT tasks_assigned_by_fkey FOREIGN KEY (assigned_by)
        REFERENCES public.users (id) ON DELETE SET NULL ON UPDATE CASCADE,
    CONSTRAINT tasks_site_id_fkey FOREIGN KEY (site_id)
        REFERENCES public.sites (id) ON DELETE SET NULL ON UPDATE CASCADE,
    CONSTRAINT tasks_workspace_id_fkey FOREIGN KEY (workspace_id)
        REFERENCES public.workspaces (id) ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE UNIQUE INDEX tasks_task_code_key ON public.tasks (task_code);
CREATE INDEX idx_tasks_workspace ON public.tasks (workspace_id);
