-- The inverse of a change is kept row by row, not by the calls themselves.
alter table platform.change drop column undo, drop column undone_by;

-- What calls did to the rows of tables that have triggers of platform.keep_rows(): as they were and as they became.
create table platform.row_change (
    workspace_id uuid not null default platform.workspace_id(),
    environment_id uuid default platform.environment_id(),
    position bigint generated always as identity primary key,
    call_id text not null,
    actor text not null,
    changed_at timestamptz not null default now(),
    relation text not null,
    key text not null,
    before jsonb,
    after jsonb
);
create index row_change_call on platform.row_change (workspace_id, call_id);
create index row_change_key on platform.row_change (workspace_id, relation, key, position);
alter table platform.row_change enable row level security;
alter table platform.row_change force row level security;
-- The owner too: what goes with a deleted row goes in its name.
create policy environment on platform.row_change to {service}_app, {service}_owner
    using (workspace_id = platform.workspace_id() and environment_id is not distinct from platform.environment_id())
    with check (workspace_id = platform.workspace_id() and environment_id is not distinct from platform.environment_id());
grant select, insert on platform.row_change to {service}_app;

create function platform.row_key(image jsonb, columns text[]) returns text immutable language sql
    return (select string_agg(image ->> c.name, '/' order by c.n) from unnest(columns) with ordinality as c(name, n));

-- For each statement, so that a thousand rows cost one insert. Arguments: the columns of the key. What is no tool call leaves no trace.
create function platform.keep_rows() returns trigger language plpgsql as $$
declare
    of_call text := nullif(current_setting('platform.call_id', true), '');
    of_actor text := current_setting('platform.actor', true);
    key_columns text[] := tg_argv;
begin
    if of_call is null then
        return null;
    elsif tg_op = 'INSERT' then
        insert into platform.row_change (call_id, actor, relation, key, after)
        select of_call, of_actor, tg_table_name, platform.row_key(to_jsonb(n), key_columns), to_jsonb(n) from new_rows n;
    elsif tg_op = 'DELETE' then
        insert into platform.row_change (call_id, actor, relation, key, before)
        select of_call, of_actor, tg_table_name, platform.row_key(to_jsonb(o), key_columns), to_jsonb(o) from old_rows o;
    else
        insert into platform.row_change (call_id, actor, relation, key, before, after)
        select of_call, of_actor, tg_table_name, o.key, o.image, n.image
        from (select platform.row_key(to_jsonb(o), key_columns) as key, to_jsonb(o) as image from old_rows o) o
        join (select platform.row_key(to_jsonb(n), key_columns) as key, to_jsonb(n) as image from new_rows n) n on n.key = o.key
        where o.image is distinct from n.image;
    end if;
    return null;
end $$;

-- Attaches the triggers to a table.
create function platform.keep_rows_of(target regclass, variadic key text[]) returns void language plpgsql as $$
declare
    arguments text := (select string_agg(quote_literal(k), ', ') from unnest(key) as k);
begin
    execute format('create trigger keep_inserted after insert on %s referencing new table as new_rows
        for each statement execute function platform.keep_rows(%s)', target, arguments);
    execute format('create trigger keep_updated after update on %s referencing old table as old_rows new table as new_rows
        for each statement execute function platform.keep_rows(%s)', target, arguments);
    execute format('create trigger keep_deleted after delete on %s referencing old table as old_rows
        for each statement execute function platform.keep_rows(%s)', target, arguments);
end $$;
