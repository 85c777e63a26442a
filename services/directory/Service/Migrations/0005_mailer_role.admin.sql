-- Sends mails of all workspaces: it sees which are due, never to whom or about what.
do $$ begin
    create role {service}_mailer nologin noinherit;
exception when duplicate_object or unique_violation then null;
end $$;
grant {service}_mailer to {service}_app;
