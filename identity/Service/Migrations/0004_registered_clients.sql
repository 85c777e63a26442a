-- OAuth clients that registered themselves. Their settings are in the realm; here is what decides when an unused one goes. They belong to
-- no workspace: a client is registered before anybody has signed in.
create table identity.registered_client (
    client_id text not null primary key,
    registered_at timestamptz not null,
    -- To the minute, by whoever signed in; null until somebody has.
    last_used_at timestamptz
);
create index registered_client_unused on identity.registered_client (registered_at) where last_used_at is null;
grant select, insert, delete on identity.registered_client to {service}_app;
grant select, update (last_used_at) on identity.registered_client to identity_resolver;
