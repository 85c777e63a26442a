-- The sequencer signs in by itself, so that nobody who gets hold of the application's connection can remove arrivals or change the tree.
-- The migrator sets the password.
alter role {service}_sequencer login;
revoke {service}_sequencer from {service}_app;
do $$ begin
    execute format('grant connect on database %I to {service}_sequencer', current_database());
end $$;
