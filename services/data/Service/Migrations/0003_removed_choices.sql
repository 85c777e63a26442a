-- A choice that was removed keeps its row: values before the removal, in history and in deleted records, still have their label.
alter table data.choice add column removed_at timestamptz;
drop index data.choice_label;
create unique index choice_label on data.choice (field_id, label) where removed_at is null;
