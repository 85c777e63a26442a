-- Streams to any HTTPS endpoint beside Datadog; streams that can be changed and deleted.
alter table audit.stream drop constraint stream_type_check;
alter table audit.stream alter column site drop not null;
alter table audit.stream
    add column url text,
    -- Signs beside the current one until then, so that a receiver can change over in its own time.
    add column previous_secret bytea,
    add column previous_secret_until timestamptz,
    -- What the last request held that failed: the next one holds the same, under the same id, whatever has come since.
    add column attempted_through bigint,
    add column attempted_checkpoint bigint,
    -- Counts changes by people: what a worker decides about an older version does not hold.
    add column version bigint not null default 1,
    add constraint stream_type_check check (type in ('datadog', 'https')),
    add constraint stream_destination check ((type = 'datadog') = (site is not null) and (type = 'https') = (url is not null)),
    add constraint stream_previous check ((previous_secret is null) = (previous_secret_until is null));
grant update (name, actions, secret, secret_set_at, url, previous_secret, previous_secret_until, attempted_through, attempted_checkpoint,
    version) on audit.stream to {service}_app;
grant delete on audit.stream to {service}_app;
grant update (attempted_through, attempted_checkpoint) on audit.stream to {service}_streamer;
