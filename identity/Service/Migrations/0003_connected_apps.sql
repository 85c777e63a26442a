-- When a member used an OAuth client in a workspace. What they agreed to is in the realm; this the realm does not know.
create table identity.connected_app (
    workspace_id uuid not null default platform.workspace_id(),
    member_id uuid not null,
    client_id text not null,
    first_used_at timestamptz not null,
    last_used_at timestamptz not null,
    primary key (workspace_id, member_id, client_id)
);
alter table identity.connected_app enable row level security;
alter table identity.connected_app force row level security;
create policy connected_app_workspace on identity.connected_app to {service}_app
    using (workspace_id = platform.workspace_id()) with check (workspace_id = platform.workspace_id());
-- Written for many workspaces at a time, when callers are resolved.
create policy connected_app_used on identity.connected_app to identity_resolver using (true) with check (true);
grant select, delete on identity.connected_app to {service}_app;
grant select, insert, update (last_used_at) on identity.connected_app to identity_resolver;
