-- filter and sorting name fields and choices by id, so that both can be renamed.
create table data.view (
    workspace_id uuid not null,
    environment_id uuid not null,
    id uuid primary key,
    table_id uuid not null,
    name text not null,
    filter text,
    sorting text[] not null,
    fields text[] not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    deleted_at timestamptz,
    foreign key (workspace_id, environment_id, table_id) references data.database_table (workspace_id, environment_id, id)
);
create unique index view_name on data.view (table_id, lower(name)) where deleted_at is null;
alter table data.view enable row level security;
alter table data.view force row level security;
create policy environment on data.view to {service}_app
    using (workspace_id = platform.workspace_id() and environment_id = platform.environment_id())
    with check (workspace_id = platform.workspace_id() and environment_id = platform.environment_id());
grant select, insert, update on data.view to {service}_app;
