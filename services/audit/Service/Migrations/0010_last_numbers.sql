-- The highest number that an instance has given, told when the instance has ended: what is missing at the end of its numbers is a gap, too.
alter table audit.call_numbers add given bigint not null default 0;
drop index audit.call_numbers_missing;
create index call_numbers_missing on audit.call_numbers (changed_at)
    where received + reported <> int8multirange(int8range(1, greatest(upper(received), given + 1)));
