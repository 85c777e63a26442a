-- What belongs to the workspace as a whole is changed from whichever environment its caller stands in, and a task stands in one. Such a
-- change is kept where its task is, so that the task is summed up and undone in one place.
create policy task_of_workspace on platform.task for select to {service}_owner using (workspace_id = platform.workspace_id());

create function platform.enter_task(task uuid, member text) returns void language plpgsql security definer set search_path = pg_catalog as $$
declare
    place uuid := (select t.environment_id from platform.task t where t.id = enter_task.task and t.begun_by = enter_task.member);
begin
    if place is null then
        raise exception 'the task is not there' using errcode = 'PT001', constraint = 'task_of_caller';
    end if;
    perform set_config('platform.environment_id', place::text, true);
end $$;

-- A change in an environment belongs to a task in it. A task of the same member elsewhere is told apart: the call named the wrong place.
create or replace function platform.require_task(task uuid, member text) returns void language plpgsql security definer set search_path = pg_catalog as $$
declare
    place uuid := (select t.environment_id from platform.task t where t.id = require_task.task and t.begun_by = require_task.member);
begin
    if place is null then
        raise exception 'the task is not there' using errcode = 'PT001', constraint = 'task_of_caller';
    elsif place is distinct from platform.environment_id() then
        raise exception 'the task is elsewhere' using errcode = 'PT001', constraint = 'task_in_environment';
    end if;
end $$;
