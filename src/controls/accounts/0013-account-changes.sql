--! breaking
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

-- ── Passwords: which pepper, and how it is changed ───────────────────────────────────────────────────────────────────

-- A hash begins with the id of its pepper: 7f3a91c2$2b$12$…. One value, so that pepper and hash can never be of different times,
-- and whoever carries a hash from one table to another carries both. 00000000: from before peppers had ids; the next start
-- writes which it was.
alter table holdfast.account drop constraint account_password_is_hashed;
update holdfast.account set password_hash = '00000000' || password_hash;
alter table holdfast.account add constraint account_password_is_hashed
  check (password_hash ~ '^[0-9a-f]{8}\$2[aby]\$(1[2-9]|2[0-9]|3[01])\$[./A-Za-z0-9]{53}$');
-- Id and cost, so that a start can ask which there are without reading every account.
create index account_by_pepper on holdfast.account ((left(password_hash, 15) collate "C"));

/* Stores a hash of the same password under a newer pepper or at a higher cost: only where the old one is still there, so that a
   change that came in between stays. */
create function holdfast.renew_password_hash(person uuid, old_hash text, new_hash text) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  update holdfast.account a set password_hash = new_hash
   where a.person_id = renew_password_hash.person and a.password_hash = old_hash;
  return found;
end $$;
grant execute on function holdfast.renew_password_hash(uuid, text, text) to holdfast_identity;

/* At each start: writes `oldest` where no pepper is named yet, and says which peppers and costs there are. */
create function holdfast.settle_peppers(oldest text) returns table (pepper text, cost integer)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  head text;
begin
  if oldest !~ '^[0-9a-f]{8}$' then raise exception 'the id of a pepper is 8 hexadecimal digits'; end if;
  update holdfast.account a set password_hash = oldest || right(a.password_hash, 60)
   where left(a.password_hash, 15) collate "C" >= '00000000' and left(a.password_hash, 15) collate "C" < '00000001';
  -- From each to the next one in the index: as many steps as there are different ones.
  for head in
    with recursive step (head) as (
      select min(left(a.password_hash, 15) collate "C") from holdfast.account a
      union all
      select (select min(left(a.password_hash, 15) collate "C") from holdfast.account a where left(a.password_hash, 15) collate "C" > s.head)
        from step s where s.head is not null
    )
    select s.head from step s where s.head is not null
  loop
    if head !~ '^[0-9a-f]{8}\$2[aby]\$[0-9]{2}\$' then raise exception 'the password of an account is no hash'; end if;
    pepper := left(head, 8);
    cost := substr(head, 13, 2);
    return next;
  end loop;
end $$;
grant execute on function holdfast.settle_peppers(text) to holdfast_identity;

create or replace function holdfast.password_shapes() returns table (shape text, accounts bigint, salts bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select case when a.password_hash ~ '^[0-9a-f]{8}\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$'
              then 'bcrypt, cost ' || substr(a.password_hash, 13, 2) else 'something else' end,
         count(*), count(distinct substr(a.password_hash, 16, 22))
    from holdfast.account a group by 1 order by 1;
end;

/* How many passwords are under which pepper, at which cost: a pepper that nobody has any more may go. Numbers, and never a row. */
create function holdfast.password_peppers() returns table (pepper text, cost text, accounts bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  -- Of what is no hash nothing is shown: it may be a password.
  select case when a.password_hash ~ '^[0-9a-f]{8}\$2' then left(a.password_hash, 8) else '' end,
         case when a.password_hash ~ '^[0-9a-f]{8}\$2[aby]\$[0-9]{2}\$' then substr(a.password_hash, 13, 2) else '' end, count(*)
    from holdfast.account a group by 1, 2 order by 1, 2;
end;
grant execute on function holdfast.password_peppers() to holdfast_auditor;

