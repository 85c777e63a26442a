-- A prefix of actions is a range of them, by code point whatever the database's collation is: under row-level security starts_with
-- reaches no index, and an order does.
alter table audit.event alter column action type text collate "C";

-- What one looks for among millions of ordinary calls: one run of an agent, and what went wrong.
create index event_task on audit.event (workspace_id, task, sequence) where task is not null;
create index event_trouble on audit.event (workspace_id, outcome, sequence) where outcome in ('refused', 'failed');
