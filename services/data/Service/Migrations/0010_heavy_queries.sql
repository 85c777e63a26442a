-- Queries that look through long texts take one of a few places of their workspace, until their transaction ends: over all processes, and
-- whatever becomes of the process. So no workspace can hold every core of the server, and others wait for nobody.
create function data.heavy_lock(workspace_id uuid, place int) returns bigint immutable parallel safe language sql
    return hashtextextended('data.heavy:' || workspace_id::text || ':' || place::text, 0);

create function data.begin_heavy_query(places int) returns void language plpgsql as $$
begin
    for place in 1..places loop
        if pg_try_advisory_xact_lock(data.heavy_lock(platform.workspace_id(), place)) then
            return;
        end if;
    end loop;
    raise exception 'as many heavy queries are running as may run' using errcode = 'PD002';
end $$;
