-- The names that smartsearch uses for the same things.

alter table runs rename column lease_until to lease_expires_at;
alter table jobs rename column not_before to next_attempt_at;
