create schema audit;
grant usage on schema audit to {service}_app, {service}_intake, {service}_sequencer, {service}_streamer;
grant usage on schema platform to {service}_intake, {service}_sequencer, {service}_streamer;

-- What arrived and has no sequence yet, in the exact bytes that will be hashed.
create table audit.arrival (
    position bigint generated always as identity primary key,
    workspace_id uuid not null,
    event_id uuid not null,
    environment_id uuid,
    occurred_at timestamptz not null,
    arrived_at timestamptz not null default now(),
    action text not null,
    outcome text not null,
    actor text not null,
    tool text,
    task text,
    call_id text,
    targets jsonb not null,
    body bytea not null,
    constraint arrival_event unique (workspace_id, event_id)
);
alter table audit.arrival enable row level security;
alter table audit.arrival force row level security;
create policy arrival_intake on audit.arrival for insert to {service}_intake with check (true);
create policy arrival_sequencer on audit.arrival to {service}_sequencer using (true);
grant insert on audit.arrival to {service}_intake;
grant select, delete on audit.arrival to {service}_sequencer;

-- The log. Nobody may update or delete: no grant says so, for any role the service can enter.
create table audit.event (
    workspace_id uuid not null,
    sequence bigint not null check (sequence > 0),
    event_id uuid not null,
    environment_id uuid,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    action text not null,
    outcome text not null,
    actor text not null,
    tool text,
    task text,
    call_id text,
    -- RFC 6962: sha256(0x00 || body).
    leaf bytea not null,
    body bytea not null,
    primary key (workspace_id, sequence),
    constraint event_id unique (workspace_id, event_id)
);
create index event_action on audit.event (workspace_id, action, sequence);
create index event_actor on audit.event (workspace_id, actor, sequence);
create index event_call on audit.event (workspace_id, call_id);
alter table audit.event enable row level security;
alter table audit.event force row level security;
create policy event_workspace on audit.event for select to {service}_app using (workspace_id = platform.workspace_id());
create policy event_intake on audit.event for select to {service}_intake using (true);
create policy event_sequencer_read on audit.event for select to {service}_sequencer using (true);
create policy event_sequencer_append on audit.event for insert to {service}_sequencer with check (true);
create policy event_streamer on audit.event for select to {service}_streamer using (true);
grant select on audit.event to {service}_app, {service}_streamer;
grant select (workspace_id, event_id) on audit.event to {service}_intake;
grant select, insert on audit.event to {service}_sequencer;

-- Which events happened to what.
create table audit.event_target (
    workspace_id uuid not null,
    sequence bigint not null,
    kind text not null,
    id text not null,
    primary key (workspace_id, sequence, kind, id),
    foreign key (workspace_id, sequence) references audit.event
);
create index event_target_id on audit.event_target (workspace_id, id, sequence);
alter table audit.event_target enable row level security;
alter table audit.event_target force row level security;
create policy event_target_workspace on audit.event_target for select to {service}_app using (workspace_id = platform.workspace_id());
create policy event_target_append on audit.event_target for insert to {service}_sequencer with check (true);
grant select on audit.event_target to {service}_app;
grant insert on audit.event_target to {service}_sequencer;

-- The right edge of each workspace's Merkle tree: roots of its perfect subtrees, largest first, 32 bytes each.
create table audit.tree (
    workspace_id uuid primary key,
    size bigint not null,
    frontier bytea not null,
    -- The size of the last checkpoint, and since when there is something that none covers.
    checkpointed bigint not null default 0,
    uncovered_since timestamptz
);
create index tree_uncovered on audit.tree (uncovered_since) where size > checkpointed;
alter table audit.tree enable row level security;
alter table audit.tree force row level security;
create policy tree_workspace on audit.tree for select to {service}_app using (workspace_id = platform.workspace_id());
create policy tree_sequencer on audit.tree to {service}_sequencer using (true) with check (true);
create policy tree_streamer on audit.tree for select to {service}_streamer using (true);
grant select on audit.tree to {service}_app, {service}_streamer;
grant select, insert, update on audit.tree to {service}_sequencer;

-- Inner nodes at levels 8, 16, 24, …, one for each 256 below: with the leaves of the log they make every proof cheap.
create table audit.tree_node (
    workspace_id uuid not null,
    level smallint not null,
    index bigint not null,
    hash bytea not null,
    primary key (workspace_id, level, index)
);
alter table audit.tree_node enable row level security;
alter table audit.tree_node force row level security;
create policy tree_node_workspace on audit.tree_node for select to {service}_app using (workspace_id = platform.workspace_id());
create policy tree_node_append on audit.tree_node for insert to {service}_sequencer with check (true);
grant select on audit.tree_node to {service}_app;
grant insert on audit.tree_node to {service}_sequencer;

-- Keys that sign checkpoints. The private part is sealed by Data Protection and readable for the sequencer alone.
create table audit.signing_key (
    id text primary key,
    key_type text not null check (key_type in ('ecdsa-p256-sha256')),
    public_key bytea not null,
    private_key bytea not null,
    created_at timestamptz not null
);
grant select (id, key_type, public_key, created_at) on audit.signing_key to {service}_app, {service}_streamer;
grant select, insert on audit.signing_key to {service}_sequencer;

create table audit.checkpoint (
    workspace_id uuid not null,
    size bigint not null,
    root bytea not null,
    made_at timestamptz not null,
    key_id text not null references audit.signing_key,
    -- The signed text, and its signature (DER).
    body text not null,
    signature bytea not null,
    primary key (workspace_id, size)
);
alter table audit.checkpoint enable row level security;
alter table audit.checkpoint force row level security;
create policy checkpoint_workspace on audit.checkpoint for select to {service}_app using (workspace_id = platform.workspace_id());
create policy checkpoint_append on audit.checkpoint for insert to {service}_sequencer with check (true);
create policy checkpoint_streamer on audit.checkpoint for select to {service}_streamer using (true);
grant select on audit.checkpoint to {service}_app, {service}_streamer;
grant insert on audit.checkpoint to {service}_sequencer;

-- Which numbers of an edge instance have arrived, and which missing ones were reported as gaps.
create table audit.call_numbers (
    workspace_id uuid not null,
    instance uuid not null,
    received int8multirange not null,
    reported int8multirange not null default '{}',
    changed_at timestamptz not null,
    primary key (workspace_id, instance)
);
create index call_numbers_missing on audit.call_numbers (changed_at)
    where received + reported <> int8multirange(int8range(1, upper(received)));
alter table audit.call_numbers enable row level security;
alter table audit.call_numbers force row level security;
create policy call_numbers_intake on audit.call_numbers to {service}_intake using (true) with check (true);
grant select, insert, update on audit.call_numbers to {service}_intake;
