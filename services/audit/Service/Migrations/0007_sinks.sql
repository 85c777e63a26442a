-- Which types of destinations there are, and which of them have a URL, is known to the sinks alone (services/audit/Service/Sinks).
alter table audit.stream
    drop constraint stream_type_check,
    drop constraint stream_destination,
    add constraint stream_destination check (num_nonnulls(site, url) = 1);
