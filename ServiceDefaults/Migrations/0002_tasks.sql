-- What agents are about. Every service that keeps changes has a copy, so that none asks another whether a task is there.
create table platform.task (
    workspace_id uuid not null default platform.workspace_id(),
    environment_id uuid not null default platform.environment_id(),
    id uuid primary key,
    goal text not null,
    begun_by text not null,
    begun_at timestamptz not null
);

-- What calls have changed: a row per event, in order. undo holds what an inverse operation needs; without it there is none.
create table platform.change (
    workspace_id uuid not null default platform.workspace_id(),
    environment_id uuid default platform.environment_id(),
    id uuid primary key,
    position bigint generated always as identity,
    call_id text not null,
    task text,
    tool text not null,
    type text not null,
    action text not null,
    actor text not null,
    changed_at timestamptz not null,
    targets jsonb not null,
    undo jsonb,
    undone_by text
);
create index change_call on platform.change (workspace_id, call_id);
create index change_task on platform.change (workspace_id, task) where task is not null;

do $$
declare
    name text;
begin
    foreach name in array array['task', 'change'] loop
        execute format('alter table platform.%I enable row level security', name);
        execute format('alter table platform.%I force row level security', name);
        execute format('create policy environment on platform.%I to {service}_app, {service}_owner
            using (workspace_id = platform.workspace_id() and environment_id is not distinct from platform.environment_id())
            with check (workspace_id = platform.workspace_id() and environment_id is not distinct from platform.environment_id())', name);
    end loop;
end $$;
grant select, insert on platform.task to {service}_app;
grant select, insert, update (undone_by) on platform.change to {service}_app;

-- A change may say that it belongs to a task of its own member, in its own environment.
create function platform.require_task(task uuid, member text) returns void language plpgsql security definer set search_path = pg_catalog as $$
begin
    if not exists (select from platform.task t where t.id = require_task.task and t.begun_by = require_task.member) then
        raise exception 'the task is not there' using errcode = 'PT001', constraint = 'task_of_caller';
    end if;
end $$;
