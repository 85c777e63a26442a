-- How often searches of one shape were made, and how long they took. A shape is the fields that are compared and sorted by: no values.
create table data.search_usage (
    workspace_id uuid not null default platform.workspace_id(),
    environment_id uuid not null default platform.environment_id(),
    table_id uuid not null,
    shape text not null,
    searches bigint not null,
    milliseconds double precision not null,
    since timestamptz not null,
    last_at timestamptz not null,
    primary key (table_id, shape),
    foreign key (workspace_id, environment_id, table_id) references data.database_table (workspace_id, environment_id, id)
);

-- Indexes that such searches earned. The row comes before the index and goes after it, so that no index is without a row, whatever dies in
-- between. uses counts up to scans_seen of PostgreSQL's own count, which can begin anew.
create table data.earned_index (
    workspace_id uuid not null default platform.workspace_id(),
    environment_id uuid not null default platform.environment_id(),
    id uuid primary key,
    table_id uuid not null,
    name text not null,
    keys text[] not null,
    is_ready boolean not null default false,
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    uses bigint not null default 0,
    scans_seen bigint not null default 0,
    unique (table_id, keys),
    foreign key (workspace_id, environment_id, table_id) references data.database_table (workspace_id, environment_id, id)
);

do $$
declare
    name text;
begin
    foreach name in array array['search_usage', 'earned_index'] loop
        execute format('alter table data.%I enable row level security', name);
        execute format('alter table data.%I force row level security', name);
        execute format('create policy environment on data.%I to {service}_app
            using (workspace_id = platform.workspace_id() and environment_id = platform.environment_id())
            with check (workspace_id = platform.workspace_id() and environment_id = platform.environment_id())', name);
        execute format('create policy keeper_read on data.%I for select to {service}_keeper using (true)', name);
    end loop;
end $$;
create policy keeper_forget on data.search_usage for delete to {service}_keeper using (last_at < now() - interval '7 days');
grant usage on schema data to {service}_keeper;
grant select, insert, update, delete on data.search_usage, data.earned_index to {service}_app;
grant select on data.search_usage, data.earned_index to {service}_keeper;
grant delete on data.search_usage to {service}_keeper;

-- Held while an index of the table is built or dropped, which only schema changes must wait for: the build gives way to them.
create function data.index_lock(table_id uuid) returns bigint immutable parallel safe language sql
    return hashtextextended('data.index:' || table_id::text, 0);

-- A schema change has the table for itself: no record is written until it ends. It waits for the index first, and no writer waits for it meanwhile.
create or replace function data.begin_schema_change(table_id uuid) returns void language plpgsql as $$
begin
    perform set_config('lock_timeout', '2s', true), pg_advisory_xact_lock_shared(data.index_lock(begin_schema_change.table_id));
    perform pg_advisory_xact_lock(data.table_lock(begin_schema_change.table_id));
end $$;
