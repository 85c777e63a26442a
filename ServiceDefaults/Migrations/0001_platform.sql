-- What every service keeps beside its own tables. Owned by {service}_owner; the service itself connects as {service}_app.
create schema if not exists platform;
grant usage on schema platform to {service}_app, {service}_relay;

create function platform.workspace_id() returns uuid stable parallel safe language sql
    return nullif(current_setting('platform.workspace_id', true), '')::uuid;
create function platform.environment_id() returns uuid stable parallel safe language sql
    return nullif(current_setting('platform.environment_id', true), '')::uuid;

-- Events of committed changes. The relay sends what is unsent, in order of position; whole days leave by dropping their partition.
create table platform.outbox (
    day date not null default (now() at time zone 'utc')::date,
    position bigint generated always as identity,
    event_id uuid not null,
    workspace_id uuid not null,
    environment_id uuid,
    occurred_at timestamptz not null,
    envelope text not null,
    sent_at timestamptz,
    primary key (day, position)
) partition by range (day);
create table platform.outbox_default partition of platform.outbox default;
create index outbox_unsent on platform.outbox (position) where sent_at is null;

alter table platform.outbox enable row level security;
alter table platform.outbox force row level security;
create policy outbox_announce on platform.outbox for insert to {service}_app with check (workspace_id = platform.workspace_id());
create policy outbox_relay_read on platform.outbox for select to {service}_relay using (true);
create policy outbox_relay_mark on platform.outbox for update to {service}_relay using (true) with check (true);
grant insert on platform.outbox to {service}_app;
grant select, update (sent_at) on platform.outbox to {service}_relay;

-- Keeps partitions for today and tomorrow, and drops days older than a week in which everything was sent.
create function platform.maintain_outbox() returns void language plpgsql security definer set search_path = pg_catalog, platform as $$
declare
    wanted date;
    old record;
    unsent boolean;
begin
    foreach wanted in array array[(now() at time zone 'utc')::date + 1, (now() at time zone 'utc')::date + 2] loop
        if to_regclass(format('platform.outbox_%s', to_char(wanted, 'YYYYMMDD'))) is null then
            execute format('create table platform.outbox_%s partition of platform.outbox for values from (%L) to (%L)',
                to_char(wanted, 'YYYYMMDD'), wanted, wanted + 1);
        end if;
    end loop;
    for old in
        select c.oid::regclass as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'platform.outbox'::regclass and c.relname ~ '^outbox_[0-9]{8}$'
            and to_date(right(c.relname, 8), 'YYYYMMDD') < (now() at time zone 'utc')::date - 7
    loop
        execute format('select exists (select from %s where sent_at is null)', old.name) into unsent;
        if not unsent then
            execute format('drop table %s', old.name);
        end if;
    end loop;
    delete from platform.outbox_default where sent_at < now() - interval '7 days';
    delete from platform.idempotency where created_at < now() - interval '24 hours';
    delete from platform.used_confirmation where expires_at < now() - interval '1 hour';
    delete from platform.inbox where seen_at < now() - interval '30 days';
end $$;
revoke all on function platform.maintain_outbox() from public;
grant execute on function platform.maintain_outbox() to {service}_relay;
-- The owner is under forced row-level security as well; these let the maintenance above see all rows.
create policy outbox_owner on platform.outbox to {service}_owner using (true) with check (true);

create table platform.idempotency (
    workspace_id uuid not null,
    actor text not null,
    tool text not null,
    key text not null,
    digest bytea not null,
    answer bytea,
    created_at timestamptz not null default now(),
    primary key (workspace_id, actor, tool, key)
);
alter table platform.idempotency enable row level security;
alter table platform.idempotency force row level security;
create policy idempotency_workspace on platform.idempotency to {service}_app
    using (workspace_id = platform.workspace_id()) with check (workspace_id = platform.workspace_id());
create policy idempotency_owner on platform.idempotency to {service}_owner using (true) with check (true);
grant select, insert, update on platform.idempotency to {service}_app;

create table platform.used_confirmation (
    workspace_id uuid not null,
    id uuid not null primary key,
    expires_at timestamptz not null,
    used_at timestamptz not null default now()
);
alter table platform.used_confirmation enable row level security;
alter table platform.used_confirmation force row level security;
create policy used_confirmation_workspace on platform.used_confirmation to {service}_app
    using (workspace_id = platform.workspace_id()) with check (workspace_id = platform.workspace_id());
create policy used_confirmation_owner on platform.used_confirmation to {service}_owner using (true) with check (true);
grant select, insert on platform.used_confirmation to {service}_app;

-- Which events a consumer has seen. Written in the transaction of the effect.
create table platform.inbox (
    consumer text not null,
    event_id uuid not null,
    seen_at timestamptz not null default now(),
    primary key (consumer, event_id)
);
grant select, insert on platform.inbox to {service}_app;

create table platform.data_protection_key (
    name text primary key,
    xml text not null,
    created_at timestamptz not null default now()
);
grant select, insert on platform.data_protection_key to {service}_app;
