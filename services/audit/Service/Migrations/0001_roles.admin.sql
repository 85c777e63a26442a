-- Roles for work without a workspace. The service enters one for a transaction (set local role) and inherits nothing from it:
--   intake    stores what arrives
--   sequencer moves arrivals into the log, keeps trees and checkpoints
--   streamer  reads the log for the streams and moves their cursors
-- Roles belong to the cluster, and several databases of it may be migrated at the same time.
do $$
declare
    name text;
begin
    foreach name in array array['{service}_intake', '{service}_sequencer', '{service}_streamer'] loop
        begin
            execute format('create role %I nologin noinherit', name);
        exception when duplicate_object or unique_violation then
            null;
        end;
        if not pg_has_role('{service}_app', name, 'member') then
            execute format('grant %I to {service}_app', name);
        end if;
    end loop;
end $$;
