-- Databases, tables, fields, choices and views as they were and as they became, for undo.
select platform.keep_rows_of('data.database', 'id');
select platform.keep_rows_of('data.database_table', 'id');
select platform.keep_rows_of('data.field', 'id');
select platform.keep_rows_of('data.choice', 'id');
select platform.keep_rows_of('data.view', 'id');
