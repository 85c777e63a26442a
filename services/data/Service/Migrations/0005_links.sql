-- Links. One side keeps them, as an array of record ids in its own column; the other side, the inverse, has no column and reads them from there.
alter table data.field
    add column link_table_id uuid,
    add column link_field_id uuid,
    add column link_is_inverse boolean not null default false,
    add column link_is_single boolean not null default false,
    add constraint field_link check ((type = 'link') = (link_table_id is not null and link_field_id is not null)),
    add foreign key (workspace_id, environment_id, link_table_id) references data.database_table (workspace_id, environment_id, id),
    -- The two sides name each other, so that one of them comes first.
    add foreign key (workspace_id, environment_id, link_field_id) references data.field (workspace_id, environment_id, id) deferrable initially deferred;
