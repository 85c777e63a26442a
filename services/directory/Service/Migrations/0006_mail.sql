-- The mail of an invitation, written with it and sent by a worker. It names an environment, yet belongs to the workspace: the worker asks
-- what is due before it knows where.
create table directory.mail (
    workspace_id uuid not null default platform.workspace_id() references directory.workspace,
    id uuid not null,
    environment_id uuid,
    state text not null default 'waiting' constraint mail_state check (state in ('waiting', 'sent', 'failed', 'dropped')),
    edition int not null default 1,
    asked_at timestamptz[] not null,
    attempts int not null default 0,
    due_at timestamptz not null,
    sent_at timestamptz,
    problem text,
    primary key (workspace_id, id),
    constraint mail_of_invitation foreign key (workspace_id, environment_id, id) references directory.invitation on delete cascade
);
create index mail_due on directory.mail (due_at) where state = 'waiting';

-- Links are made when a mail leaves; a mail that had to be sent twice has two. The token itself is nowhere but in the mail.
create table directory.invitation_token (
    token_hash bytea primary key,
    workspace_id uuid not null default platform.workspace_id(),
    environment_id uuid,
    invitation_id uuid not null,
    made_at timestamptz not null,
    foreign key (workspace_id, invitation_id) references directory.mail on delete cascade
);
create index invitation_token_by_invitation on directory.invitation_token (workspace_id, invitation_id, made_at);

-- Nobody ever learnt the tokens of these.
alter table directory.invitation drop column token_hash;

do $$
declare
    bound text;
begin
    foreach bound in array array['mail', 'invitation_token'] loop
        execute format('alter table directory.%I enable row level security', bound);
        execute format('alter table directory.%I force row level security', bound);
        execute format('create policy %I on directory.%I to {service}_app using (workspace_id = platform.workspace_id())
            with check (workspace_id = platform.workspace_id())', bound || '_workspace', bound);
    end loop;
end $$;
create policy mail_claim on directory.mail to {service}_mailer using (true) with check (true);
create policy invitation_token_resolve on directory.invitation_token for select to {service}_resolver using (true);

grant usage on schema directory to {service}_mailer;
grant select, update (due_at, attempts) on directory.mail to {service}_mailer;
grant select on directory.invitation_token to {service}_resolver;
grant select, insert, update (state, edition, asked_at, attempts, due_at, sent_at, problem) on directory.mail to {service}_app;
grant select, insert, delete on directory.invitation_token to {service}_app;
grant update (accepted_at) on directory.invitation to {service}_app;
