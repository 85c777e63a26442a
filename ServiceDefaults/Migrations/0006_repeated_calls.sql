-- An answer that is given again names the call that it was given to first.
alter table platform.idempotency add column call_id text;
