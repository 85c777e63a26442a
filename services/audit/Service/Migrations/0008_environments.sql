-- An event is seen by those who may read the log where it happened. The functions are asked once for a query, not once for a row.
drop policy event_workspace on audit.event;
create policy event_workspace on audit.event for select to {service}_app using (
    workspace_id = platform.workspace_id()
    and case when environment_id is null then (select platform.is_of_workspace())
        else environment_id = any ((select platform.environments())::uuid[]) end
);

-- Whose events a stream carries. Null: those of every environment, also of later ones, as streams did before.
alter table audit.stream
    add column environments uuid[],
    add column workspace_events boolean not null default true,
    add constraint stream_carries check (environments is null and workspace_events or cardinality(environments) + workspace_events::int > 0);
