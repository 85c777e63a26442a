-- What is known of a user, and the state of users and memberships.
alter table directory.directory_user
    add first_name text not null default '',
    add last_name text not null default '',
    add external_id text,
    add metadata jsonb not null default '{}',
    add state text not null default 'active' constraint directory_user_state check (state in ('active', 'deactivated')),
    add version bigint not null default 1,
    add updated_at timestamptz not null default now(),
    add constraint directory_user_external_id_key unique (workspace_id, environment_id, external_id);

alter table directory.membership
    add id uuid not null default gen_random_uuid(),
    add state text not null default 'active' constraint membership_state check (state in ('active', 'inactive')),
    add updated_at timestamptz not null default now(),
    add constraint membership_id_key unique (workspace_id, environment_id, id);

grant insert, delete, update (email, first_name, last_name, external_id, metadata, state, version, updated_at)
    on directory.directory_user to {service}_app;
grant insert, delete, update (role, state, updated_at) on directory.membership to {service}_app;
