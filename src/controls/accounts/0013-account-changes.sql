-- What happens to an account after it was made: notices, sign-ups that wait apart, reset, changes, deletion. Each verb here
-- belongs to the keeper and is granted to the one role that needs it.

-- ── Notices ──────────────────────────────────────────────────────────────────────────────────────────────────────────

-- How many notices a person has had in the hour that began then: a bound of their own, so that no stranger's mail (sign-ups
-- and resets with their address) can use it up and so silence a warning.
alter table holdfast.account add column notices integer not null default 0 check (notices >= 0),
  add column notices_since timestamptz not null default '-infinity';
insert into holdfast.column_inventory values
  ('holdfast.account', 'notices', 'none', null, null), ('holdfast.account', 'notices_since', 'none', null, null);

/* A mail to the address on record of a person, which must be verified: nothing is sent to one that nobody has confirmed.
   At most thirty in an hour. Returns whether it was queued; never raises for a person who is not there, because what the
   notice is about has happened already. */
create function holdfast.notify_person(person uuid, subject text, body text) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  record_address text;
begin
  update holdfast.account a
     set notices = case when a.notices_since > clock_timestamp() - interval '1 hour' then a.notices + 1 else 1 end,
         notices_since = case when a.notices_since > clock_timestamp() - interval '1 hour' then a.notices_since else clock_timestamp() end
   where a.person_id = notify_person.person and a.verified_at is not null
     and (a.notices < 30 or a.notices_since <= clock_timestamp() - interval '1 hour')
  returning a.address into record_address;
  if not found then return false; end if;
  perform holdfast.queue_mail(record_address, subject, body);
  return true;
end $$;
grant execute on function holdfast.notify_person(uuid, text, text) to holdfast_identity;
