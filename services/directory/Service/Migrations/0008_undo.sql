-- Rows as they were and as they became, for undo.
select platform.keep_rows_of('directory.organization', 'id');
select platform.keep_rows_of('directory.organization_domain', 'organization_id', 'domain');
select platform.keep_rows_of('directory.directory_user', 'id');
select platform.keep_rows_of('directory.membership', 'id');
select platform.keep_rows_of('directory.invitation', 'id');
-- For rows that go back, and for locking them.
grant update (state) on directory.organization_domain to {service}_app;
