create schema data;
grant usage on schema data to {service}_app, {service}_workspace;

create table data.database (
    workspace_id uuid not null,
    environment_id uuid not null,
    id uuid primary key,
    name text not null,
    description text not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    deleted_at timestamptz,
    unique (workspace_id, environment_id, id)
);
create unique index database_name on data.database (workspace_id, environment_id, lower(name)) where deleted_at is null;

-- schema_version grows with every change of fields and choices. What a process knows of a table is good for one version.
create table data.database_table (
    workspace_id uuid not null,
    environment_id uuid not null,
    id uuid primary key,
    database_id uuid not null,
    name text not null,
    description text not null,
    primary_field_id uuid not null,
    schema_version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    deleted_at timestamptz,
    unique (workspace_id, environment_id, id),
    foreign key (workspace_id, environment_id, database_id) references data.database (workspace_id, environment_id, id)
);
create unique index table_name on data.database_table (database_id, lower(name)) where deleted_at is null;

create table data.field (
    workspace_id uuid not null,
    environment_id uuid not null,
    id uuid primary key,
    table_id uuid not null,
    position int not null,
    name text not null,
    type text not null,
    description text not null,
    required boolean not null,
    is_unique boolean not null,
    allow_new_choices boolean not null,
    max_length int,
    precision int,
    created_at timestamptz not null,
    created_by text not null,
    deleted_at timestamptz,
    unique (workspace_id, environment_id, id),
    foreign key (workspace_id, environment_id, table_id) references data.database_table (workspace_id, environment_id, id)
);
create unique index field_name on data.field (table_id, lower(name)) where deleted_at is null;
create index field_position on data.field (table_id, position);

create table data.choice (
    workspace_id uuid not null,
    environment_id uuid not null,
    id uuid primary key,
    field_id uuid not null,
    position int not null,
    label text not null,
    color text not null,
    foreign key (workspace_id, environment_id, field_id) references data.field (workspace_id, environment_id, id)
);
create unique index choice_label on data.choice (field_id, label);

-- History. A change is what one call did to records of one table; the records of an update or deletion leave their before-image.
-- No foreign keys here: every writer of a table would lock the same row of database_table.
create table data.record_change (
    workspace_id uuid not null,
    environment_id uuid not null,
    id uuid primary key,
    table_id uuid not null,
    kind text not null check (kind in ('created', 'updated', 'deleted')),
    record_ids uuid[] not null,
    changed_at timestamptz not null,
    changed_by text not null,
    call_id text not null,
    tool text not null,
    task text
);
create index record_change_task on data.record_change (workspace_id, task) where task is not null;

-- before: the values that the change replaced, by column, with version, updated_at and updated_by.
create table data.record_before (
    workspace_id uuid not null,
    environment_id uuid not null,
    record_id uuid not null,
    version bigint not null,
    change_id uuid not null,
    before jsonb not null,
    primary key (record_id, version)
);
create index record_before_change on data.record_before (change_id);

do $$
declare
    name text;
begin
    foreach name in array array['database', 'database_table', 'field', 'choice', 'record_change', 'record_before'] loop
        execute format('alter table data.%I enable row level security', name);
        execute format('alter table data.%I force row level security', name);
        execute format('create policy environment on data.%I to {service}_app
            using (workspace_id = platform.workspace_id() and environment_id = platform.environment_id())
            with check (workspace_id = platform.workspace_id() and environment_id = platform.environment_id())', name);
    end loop;
    foreach name in array array['record_change', 'record_before'] loop
        execute format('create policy history on data.%I for insert to {service}_workspace
            with check (workspace_id = platform.workspace_id() and environment_id = platform.environment_id())', name);
    end loop;
end $$;
grant select, insert, update on data.database, data.database_table, data.field, data.choice to {service}_app;
grant select, insert on data.record_change, data.record_before to {service}_app;
grant insert on data.record_change, data.record_before to {service}_workspace;

-- The schema and the role that hold the user tables of the current workspace. The application may enter the role, and inherits nothing.
create function data.ensure_workspace() returns void language plpgsql security definer set search_path = pg_catalog as $$
declare
    name text := 'ws_' || replace(platform.workspace_id()::text, '-', '');
begin
    if name is null then
        raise exception 'no workspace is set';
    end if;
    if to_regnamespace(name) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('data.workspace:' || name, 0));
    if not exists (select from pg_roles where rolname = name) then
        execute format('create role %I nologin inherit', name);
        execute format('grant %I to {service}_owner, {service}_app', name);
        execute format('grant {service}_workspace to %I', name);
    end if;
    if to_regnamespace(name) is null then
        execute format('create schema %I authorization %I', name, name);
    end if;
end $$;
revoke all on function data.ensure_workspace() from public;
grant execute on function data.ensure_workspace() to {service}_app;

create function data.table_lock(table_id uuid) returns bigint immutable parallel safe language sql
    return hashtextextended('data.table:' || table_id::text, 0);

-- Writers of records share the table's lock until they end, and go on only if what they know of the table is still so.
create function data.begin_write(table_id uuid, known_version bigint) returns void language plpgsql as $$
begin
    perform set_config('lock_timeout', '2s', true), pg_advisory_xact_lock_shared(data.table_lock(begin_write.table_id));
    -- A statement of its own: it sees what committed while the lock was waited for.
    if not exists (select from data.database_table t
            where t.id = begin_write.table_id and t.schema_version = begin_write.known_version and t.deleted_at is null) then
        raise exception 'the schema of the table has changed' using errcode = 'PD001';
    end if;
end $$;

-- A schema change has the table for itself: no record is written until it ends.
create function data.begin_schema_change(table_id uuid) returns void language plpgsql as $$
begin
    perform set_config('lock_timeout', '2s', true), pg_advisory_xact_lock(data.table_lock(begin_schema_change.table_id));
end $$;
