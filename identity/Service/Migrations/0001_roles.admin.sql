-- Finds a personal token by its hash before anybody knows whose it is. Nothing else sees past a workspace.
do $$ begin
    if not exists (select from pg_roles where rolname = 'identity_resolver') then create role identity_resolver nologin noinherit; end if;
end $$;
grant identity_resolver to identity_app;
