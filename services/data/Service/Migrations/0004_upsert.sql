-- Upserts into a table exclude each other, and nobody else.
create function data.upsert_lock(table_id uuid) returns bigint immutable parallel safe language sql
    return hashtextextended('data.upsert:' || table_id::text, 0);
