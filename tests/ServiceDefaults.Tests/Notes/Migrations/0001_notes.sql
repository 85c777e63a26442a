create schema notes;
grant usage on schema notes to notes_app;
create table notes.note (
    workspace_id uuid not null default platform.workspace_id(),
    environment_id uuid not null default platform.environment_id(),
    id uuid not null,
    title text not null,
    primary key (workspace_id, id),
    constraint note_title_key unique (workspace_id, environment_id, title)
);
alter table notes.note enable row level security;
alter table notes.note force row level security;
create policy note_environment on notes.note to notes_app
    using (workspace_id = platform.workspace_id() and environment_id = platform.environment_id())
    with check (workspace_id = platform.workspace_id() and environment_id = platform.environment_id());
grant select, insert, delete on notes.note to notes_app;
