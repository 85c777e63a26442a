create schema identity;
grant usage on schema identity to identity_app, identity_resolver;
grant usage on schema platform to identity_resolver;

-- Bearer secrets of members. Only the hash is here.
create table identity.personal_token (
    workspace_id uuid not null default platform.workspace_id(),
    id uuid not null,
    member_id uuid not null,
    name text not null check (char_length(name) between 1 and 100),
    hash bytea not null check (octet_length(hash) = 32),
    -- What a person recognises it by: its first and its last four characters.
    hint text not null,
    scopes text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz,
    revoked_by uuid,
    primary key (workspace_id, id),
    constraint personal_token_hash_key unique (hash)
);
create index personal_token_member on identity.personal_token (workspace_id, member_id, created_at);

alter table identity.personal_token enable row level security;
alter table identity.personal_token force row level security;
create policy personal_token_workspace on identity.personal_token to identity_app
    using (workspace_id = platform.workspace_id()) with check (workspace_id = platform.workspace_id());
create policy personal_token_resolve on identity.personal_token for select to identity_resolver using (true);
create policy personal_token_used on identity.personal_token for update to identity_resolver using (true) with check (true);
grant select, insert, update (revoked_at, revoked_by) on identity.personal_token to identity_app;
grant select, update (last_used_at) on identity.personal_token to identity_resolver;

-- What a workspace lets MCP do. A workspace without a row has the defaults.
create table identity.mcp_settings (
    workspace_id uuid not null default platform.workspace_id() primary key,
    enabled boolean not null default true,
    production_access boolean not null default false,
    write_access boolean not null default true,
    strict_audit boolean not null default false,
    changed_at timestamptz not null,
    changed_by uuid not null
);
alter table identity.mcp_settings enable row level security;
alter table identity.mcp_settings force row level security;
create policy mcp_settings_workspace on identity.mcp_settings to identity_app
    using (workspace_id = platform.workspace_id()) with check (workspace_id = platform.workspace_id());
create policy mcp_settings_resolve on identity.mcp_settings for select to identity_resolver using (true);
grant select, insert, update on identity.mcp_settings to identity_app;
grant select on identity.mcp_settings to identity_resolver;

-- Access tokens that are refused although their signature holds and their time has not come: of a session, or of a subject (and client)
-- and issued before. A row is needed for as long as such a token could live. Sessions belong to people, not to workspaces.
create table identity.revocation (
    id text not null primary key,
    session text,
    subject text,
    client_id text,
    issued_before timestamptz not null,
    expires_at timestamptz not null,
    check (num_nonnulls(session, subject) = 1)
);
create index revocation_session on identity.revocation (session) where session is not null;
create index revocation_subject on identity.revocation (subject) where subject is not null;
grant select, insert, delete on identity.revocation to identity_app;

-- Keys that sign caller assertions. The private half is sealed with the key ring of this service.
create table identity.assertion_key (
    id text not null primary key,
    private_key bytea not null,
    created_at timestamptz not null,
    -- Published before: whoever checks assertions has seen it by then.
    active_from timestamptz not null,
    -- Published until: the last assertion that it signed has died by then.
    published_until timestamptz
);
grant select, insert, update (published_until), delete on identity.assertion_key to identity_app;
