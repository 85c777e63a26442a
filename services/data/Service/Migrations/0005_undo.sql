-- Undo. An undo is a change of its own kind; restores is the version whose state it brought back, 0 for "not there yet".
alter table data.record_before add column restores bigint;
alter table data.record_change drop constraint record_change_kind_check;
alter table data.record_change add constraint record_change_kind_check check (kind in ('created', 'updated', 'deleted', 'undone'));
create index record_change_call on data.record_change (workspace_id, call_id);
create index record_change_table on data.record_change (table_id, changed_at);

-- One statement reads history and writes the user table, so the workspace's own role reads history too: that of its own workspace, whatever
-- the settings say, and of the current environment.
create function data.own_workspace_id() returns uuid stable parallel safe language sql
    return case when current_user = 'ws_' || replace(platform.workspace_id()::text, '-', '') then platform.workspace_id() end;
create policy history_read on data.record_change for select to {service}_workspace
    using (workspace_id = (select data.own_workspace_id()) and environment_id = (select platform.environment_id()));
create policy history_read on data.record_before for select to {service}_workspace
    using (workspace_id = (select data.own_workspace_id()) and environment_id = (select platform.environment_id()));
grant select on data.record_change, data.record_before to {service}_workspace;
