create table audit.stream (
    workspace_id uuid not null,
    id uuid not null,
    type text not null check (type in ('datadog')),
    name text not null,
    site text not null,
    tags text[] not null,
    -- Exact actions, and prefixes that end in a star. Empty: all.
    actions text[] not null,
    -- Sealed by Data Protection.
    secret bytea not null,
    secret_set_at timestamptz not null,
    state text not null default 'active' check (state in ('active', 'paused', 'error', 'invalid')),
    -- Everything up to here was accepted, filtered out, or skipped with a record of it.
    delivered_through bigint not null,
    checkpoint_through bigint not null,
    skipped bigint not null default 0,
    failures int not null default 0,
    retry_at timestamptz,
    last_error text,
    last_error_at timestamptz,
    last_delivered_at timestamptz,
    created_at timestamptz not null,
    created_by text not null,
    primary key (workspace_id, id),
    constraint stream_name unique (workspace_id, name)
);
alter table audit.stream enable row level security;
alter table audit.stream force row level security;
create policy stream_workspace on audit.stream to {service}_app
    using (workspace_id = platform.workspace_id()) with check (workspace_id = platform.workspace_id());
create policy stream_streamer_read on audit.stream for select to {service}_streamer using (true);
create policy stream_streamer_progress on audit.stream for update to {service}_streamer using (true) with check (true);
grant select, insert on audit.stream to {service}_app;
grant update (state, failures, retry_at) on audit.stream to {service}_app;
grant select on audit.stream to {service}_streamer;
grant update (state, delivered_through, checkpoint_through, skipped, failures, retry_at, last_error, last_error_at, last_delivered_at)
    on audit.stream to {service}_streamer;
