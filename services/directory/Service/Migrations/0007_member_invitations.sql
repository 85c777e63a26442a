-- People asked to become members of the workspace, with a role for each environment they will see.
create table directory.member_invitation (
    workspace_id uuid not null default platform.workspace_id() references directory.workspace,
    id uuid not null,
    email text not null,
    environments uuid[] not null,
    roles text[] not null,
    is_open boolean not null default true,
    invited_by uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    revoked_at timestamptz,
    primary key (workspace_id, id),
    foreign key (workspace_id, invited_by) references directory.member,
    constraint member_invitation_roles check (cardinality(environments) between 1 and 50 and cardinality(environments) = cardinality(roles)),
    constraint member_invitation_closed check (not is_open or accepted_at is null and revoked_at is null)
);
create unique index member_invitation_open_key on directory.member_invitation (workspace_id, email) where is_open;
alter table directory.member_invitation enable row level security;
alter table directory.member_invitation force row level security;
create policy member_invitation_workspace on directory.member_invitation to {service}_app
    using (workspace_id = platform.workspace_id()) with check (workspace_id = platform.workspace_id());
grant select, insert, update (is_open, accepted_at, revoked_at) on directory.member_invitation to {service}_app;
