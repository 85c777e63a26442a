-- Finds people and their workspaces before anybody knows which workspace it is about. Roles belong to the cluster, so another database of it
-- may have made this one, even at this moment.
do $$ begin
    create role {service}_resolver nologin noinherit;
exception when duplicate_object or unique_violation then null;
end $$;
grant {service}_resolver to {service}_app;
