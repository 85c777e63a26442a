-- Written as one writes it who thinks of one database.
do $$ begin
    if not exists (select from pg_roles where rolname = '{service}_reader') then create role {service}_reader nologin noinherit; end if;
end $$;
grant {service}_reader to {service}_app;
