create schema directory;
grant usage on schema directory to {service}_app, {service}_resolver;

-- The workspace and the people in it. These rows belong to the workspace as a whole.

create table directory.workspace (
    workspace_id uuid primary key,
    name text not null,
    created_at timestamptz not null
);

-- Kinds never change and environments are not deleted: the application role has no grant for either.
create table directory.environment (
    workspace_id uuid not null default platform.workspace_id() references directory.workspace,
    id uuid not null,
    name text not null,
    kind text not null constraint environment_kind check (kind in ('sandbox', 'production')),
    is_default boolean not null default false,
    created_at timestamptz not null,
    primary key (workspace_id, id),
    constraint environment_default_is_sandbox check (not is_default or kind = 'sandbox')
);
create unique index environment_name_key on directory.environment (workspace_id, lower(name));
create unique index environment_default_key on directory.environment (workspace_id) where is_default;

create table directory.member (
    workspace_id uuid not null default platform.workspace_id() references directory.workspace,
    id uuid not null,
    email text not null,
    display_name text not null,
    subject text,
    created_at timestamptz not null,
    primary key (workspace_id, id),
    constraint member_id_key unique (id),
    constraint member_email_key unique (workspace_id, email),
    constraint member_subject_key unique (workspace_id, subject)
);
create index member_by_email on directory.member (email);
create index member_by_subject on directory.member (subject);

-- Names environments, yet belongs to the workspace: who may go where is asked before an environment is chosen.
create table directory.member_role (
    workspace_id uuid not null default platform.workspace_id(),
    member_id uuid not null,
    environment_id uuid not null,
    role text not null,
    primary key (workspace_id, member_id, environment_id),
    foreign key (workspace_id, member_id) references directory.member on delete cascade,
    foreign key (workspace_id, environment_id) references directory.environment
);

-- What an environment keeps.

create table directory.organization (
    workspace_id uuid not null default platform.workspace_id(),
    environment_id uuid not null default platform.environment_id(),
    id uuid not null,
    name text not null,
    external_id text,
    metadata jsonb not null,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (workspace_id, environment_id, id),
    foreign key (workspace_id, environment_id) references directory.environment,
    constraint organization_external_id_key unique (workspace_id, environment_id, external_id)
);

-- Anybody can say that a domain is theirs; only one organization can have proved it.
create table directory.organization_domain (
    workspace_id uuid not null default platform.workspace_id(),
    environment_id uuid not null default platform.environment_id(),
    organization_id uuid not null,
    domain text not null,
    state text not null default 'pending' constraint organization_domain_state check (state in ('pending', 'verified')),
    created_at timestamptz not null,
    primary key (workspace_id, environment_id, organization_id, domain),
    foreign key (workspace_id, environment_id, organization_id) references directory.organization on delete cascade
);
create index organization_domain_by_domain on directory.organization_domain (workspace_id, environment_id, domain);
create unique index organization_domain_verified_key on directory.organization_domain (workspace_id, environment_id, domain) where state = 'verified';

create table directory.directory_user (
    workspace_id uuid not null default platform.workspace_id(),
    environment_id uuid not null default platform.environment_id(),
    id uuid not null,
    email text not null,
    created_at timestamptz not null,
    primary key (workspace_id, environment_id, id),
    foreign key (workspace_id, environment_id) references directory.environment,
    constraint directory_user_email_key unique (workspace_id, environment_id, email)
);

create table directory.membership (
    workspace_id uuid not null default platform.workspace_id(),
    environment_id uuid not null default platform.environment_id(),
    organization_id uuid not null,
    user_id uuid not null,
    role text not null,
    created_at timestamptz not null,
    primary key (workspace_id, environment_id, organization_id, user_id),
    foreign key (workspace_id, environment_id, organization_id) references directory.organization on delete cascade,
    foreign key (workspace_id, environment_id, user_id) references directory.directory_user on delete cascade
);

-- Whether an invitation is pending, accepted, expired or revoked follows from its times. `is_open` says that it was not closed by anybody:
-- a new invitation of the same address closes one that has expired, so that one open invitation at most is there.
create table directory.invitation (
    workspace_id uuid not null default platform.workspace_id(),
    environment_id uuid not null default platform.environment_id(),
    id uuid not null,
    organization_id uuid not null,
    email text not null,
    role text not null,
    token_hash bytea not null,
    is_open boolean not null default true,
    invited_by uuid,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    revoked_at timestamptz,
    primary key (workspace_id, environment_id, id),
    foreign key (workspace_id, environment_id, organization_id) references directory.organization on delete cascade,
    constraint invitation_token_key unique (token_hash),
    constraint invitation_closed check (not is_open or accepted_at is null and revoked_at is null)
);
create unique index invitation_open_key on directory.invitation (workspace_id, environment_id, organization_id, email) where is_open;
create index invitation_by_organization on directory.invitation (workspace_id, environment_id, organization_id, id);
create index invitation_by_email on directory.invitation (workspace_id, environment_id, email, id);

-- A workspace begins with an environment of each kind, and calls that name none go to a sandbox.
create function directory.require_environments() returns trigger language plpgsql as $$
begin
    if not exists (select from directory.environment where workspace_id = new.workspace_id and is_default)
        or not exists (select from directory.environment where workspace_id = new.workspace_id and kind = 'production')
    then
        raise exception 'a workspace needs a default sandbox and a production environment'
            using errcode = 'check_violation', constraint = 'workspace_environments';
    end if;
    return null;
end $$;
create constraint trigger workspace_environments after insert on directory.workspace
    deferrable initially deferred for each row execute function directory.require_environments();

-- Isolation.
do $$
declare
    bound text;
begin
    foreach bound in array array['workspace', 'environment', 'member', 'member_role'] loop
        execute format('alter table directory.%I enable row level security', bound);
        execute format('alter table directory.%I force row level security', bound);
        execute format('create policy %I on directory.%I to {service}_app using (workspace_id = platform.workspace_id())
            with check (workspace_id = platform.workspace_id())', bound || '_workspace', bound);
        execute format('create policy %I on directory.%I for select to {service}_resolver using (true)', bound || '_resolve', bound);
        execute format('grant select on directory.%I to {service}_resolver', bound);
    end loop;
    foreach bound in array array['organization', 'organization_domain', 'directory_user', 'membership', 'invitation'] loop
        execute format('alter table directory.%I enable row level security', bound);
        execute format('alter table directory.%I force row level security', bound);
        execute format('create policy %I on directory.%I to {service}_app
            using (workspace_id = platform.workspace_id() and environment_id = platform.environment_id())
            with check (workspace_id = platform.workspace_id() and environment_id = platform.environment_id())', bound || '_environment', bound);
    end loop;
end $$;

grant select, insert on directory.workspace, directory.environment, directory.member_role to {service}_app;
grant select, insert, update (subject) on directory.member to {service}_app;
grant select, insert, delete, update (name, external_id, metadata, version, updated_at) on directory.organization to {service}_app;
grant select, insert, delete on directory.organization_domain to {service}_app;
grant select on directory.directory_user, directory.membership to {service}_app;
grant select, insert, update (is_open, revoked_at) on directory.invitation to {service}_app;
