-- For rows of several environments that a tool of the workspace reads at once. Without the settings, which the unit of work makes from the
-- caller's assertion, both answer that the caller sees nothing.
-- The environments in which the caller has the permission of the tool, and may go.
create function platform.environments() returns uuid[] stable parallel safe language sql
    return string_to_array(nullif(current_setting('platform.environments', true), ''), ',')::uuid[];
-- Whether the caller has it in every environment of the workspace, so that it holds for what belongs to none.
create function platform.is_of_workspace() returns boolean stable parallel safe language sql
    return coalesce(current_setting('platform.is_of_workspace', true), '') = 'true';
