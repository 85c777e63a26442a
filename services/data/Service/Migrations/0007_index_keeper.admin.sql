-- The role for work on indexes that searches earn, without a workspace: it sees which tables have such searches and such indexes, no record.
-- Roles belong to the cluster, and several databases of it may be migrated at the same time.
do $$ begin
    begin
        create role {service}_keeper nologin noinherit;
    exception when duplicate_object or unique_violation then
        null;
    end;
    if not pg_has_role('{service}_app', '{service}_keeper', 'member') then
        grant {service}_keeper to {service}_app;
    end if;
end $$;
