-- Rows as they were and as they became, for undo.
select platform.keep_rows_of('directory.member_invitation', 'id');
