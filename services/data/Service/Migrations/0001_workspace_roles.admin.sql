-- The owner makes a role per workspace (see 0002). Roles belong to the cluster: another database of it may have made these already.
do $$ begin
    if not exists (select from pg_roles where rolname = '{service}_owner' and rolcreaterole) then
        alter role {service}_owner createrole;
    end if;
    -- What every workspace's own role may do in the fixed tables: write history, no more.
    if not exists (select from pg_roles where rolname = '{service}_workspace') then
        create role {service}_workspace nologin noinherit;
        grant {service}_workspace to {service}_owner with admin option;
    end if;
end $$;
