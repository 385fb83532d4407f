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

/* As in 0004, and besides: a mail that is given up keeps no text either, for it may hold a link that still works. */
create or replace function holdfast.mail_failed(mail bigint, reason text) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
  update holdfast.outbox o set last_error = left(reason, 500), run_at = clock_timestamp() + make_interval(secs => least(3600, 5 * 2 ^ o.attempts)),
      failed_at = case when o.attempts >= 12 then clock_timestamp() end,
      body = case when o.attempts >= 12 then '' else o.body end
   where o.id = mail and o.sent_at is null;
end;

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

/* At each start: writes `oldest` where no pepper is named yet, in 20,000 accounts at a time, and says which peppers and costs there
   are then. Call it until it names no 00000000 any more. */
create function holdfast.settle_peppers(oldest text) returns table (pepper text, cost integer)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  head text;
begin
  if oldest !~ '^[0-9a-f]{8}$' then raise exception 'the id of a pepper is 8 hexadecimal digits'; end if;
  update holdfast.account a set password_hash = oldest || right(a.password_hash, 60)
   where a.person_id in (select b.person_id from holdfast.account b
                          where left(b.password_hash, 15) collate "C" >= '00000000' and left(b.password_hash, 15) collate "C" < '00000001'
                          limit 20000);
  update holdfast.pending_sign_up s set password_hash = oldest || right(s.password_hash, 60) where left(s.password_hash, 8) = '00000000';
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

-- ── A sign-up waits apart ────────────────────────────────────────────────────────────────────────────────────────────

-- A sign-up is no account: it has a password of its own and a link of its own, and becomes an account when that link is
-- opened. Many may wait for one address, an address that has an account among them: none blocks another, and none can be
-- told from the next. browser: what the browser that signed up holds in a cookie, by its hash.
create table holdfast.pending_sign_up (
  link bytea primary key check (octet_length(link) = 32),
  browser bytea check (octet_length(browser) = 32),
  address text not null check (octet_length(address) between 3 and 320 and address !~ '[[:space:][:cntrl:]]'),
  address_key text not null check (octet_length(address_key) between 3 and 400 and address_key !~ '[[:space:][:cntrl:]]'),
  name text not null check (char_length(name) between 1 and 200 and name !~ '[[:cntrl:]]'),
  password_hash text not null constraint pending_password_is_hashed
    check (password_hash ~ '^[0-9a-f]{8}\$2[aby]\$(1[2-9]|2[0-9]|3[01])\$[./A-Za-z0-9]{53}$'),
  tries smallint not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null default clock_timestamp() + interval '1 day'
);
create index pending_sign_up_by_key on holdfast.pending_sign_up (address_key, created_at);
create index pending_sign_up_by_browser on holdfast.pending_sign_up (browser);
create index pending_sign_up_by_expiry on holdfast.pending_sign_up (expires_at);
select holdfast.classify('holdfast.pending_sign_up', 'account', $$
  link           secret    address-token  one-day
  browser        secret    address-token  one-day
  address        personal  contact        one-day
  address_key    personal  contact        one-day
  name           personal  contact        one-day
  password_hash  secret    password       one-day
  tries          none
  created_at     none
  expires_at     none
$$);

-- A mail to an address that somebody typed. The verbs that take the request do not look whether the address has an account,
-- so that they cannot tell by their time; answer_mail_requests looks afterwards, in another transaction, by another role.
-- stranger: what goes to an address without an account; owner: what goes to the address on record of one. Null: nothing.
create table holdfast.mail_request (
  id bigint generated always as identity primary key,
  purpose text not null check (purpose in ('sign-up', 'reset', 'move')),
  address text not null check (octet_length(address) between 3 and 320 and address !~ '[[:space:][:cntrl:]]'),
  address_key text not null check (octet_length(address_key) between 3 and 400 and address_key !~ '[[:space:][:cntrl:]]'),
  link bytea check (octet_length(link) = 32),
  stranger_subject text check (stranger_subject !~ '[\r\n]'),
  stranger_body text,
  owner_subject text check (owner_subject !~ '[\r\n]'),
  owner_body text,
  created_at timestamptz not null default clock_timestamp(),
  done_at timestamptz
);
create index mail_request_waiting on holdfast.mail_request (id) where done_at is null;
create index mail_request_by_key on holdfast.mail_request (address_key, created_at);
select holdfast.classify('holdfast.mail_request', 'account', $$
  id                none
  purpose           none
  address           personal  contact        one-day
  address_key       personal  contact        one-day
  link              secret    address-token  one-day
  stranger_subject  none
  stranger_body     secret    mail           until-sent
  owner_subject     none
  owner_body        secret    mail           until-sent
  created_at        none
  done_at           none
$$);

-- A link in a mail may do more than it did. address, address_key: where an undone change leads back to.
alter table holdfast.address_token drop constraint address_token_purpose_check,
  add column address text, add column address_key text;
insert into holdfast.column_inventory values
  ('holdfast.address_token', 'address', 'personal', 'contact', 'one-week'),
  ('holdfast.address_token', 'address_key', 'personal', 'contact', 'one-week');

-- Accounts that nobody had confirmed are sign-ups from now on; their links go on working.
insert into holdfast.pending_sign_up (link, address, address_key, name, password_hash, expires_at)
  select t.hash, a.address, a.address_key, a.name, a.password_hash, t.expires_at
    from holdfast.account a join holdfast.address_token t using (person_id)
   where a.verified_at is null and t.expires_at > clock_timestamp();
delete from holdfast.person p using holdfast.account a where a.person_id = p.id and a.verified_at is null;
delete from holdfast.address_token;
alter table holdfast.address_token add constraint address_token_purpose_check
  check (purpose in ('reset', 'new-address', 'old-address', 'stop-address', 'undo-address', 'keep-account'));
drop function holdfast.sign_up(text, text, text, text, bytea, text, text, text, text);
drop function holdfast.verify_address(bytea);
drop function holdfast.verify_again(bytea, bytea, text, text);
drop function holdfast.sweep_address_tokens();

/* For the verbs below: asks for a mail to an address that was typed. Past twenty of its purpose in an hour for one address nothing
   is sent any more: each purpose has its own twenty, so that nobody can keep an owner from resetting by signing up with his
   address. It must not read the accounts: see the table. */
create function holdfast.request_mail(
  purpose text, address text, address_key text, link bytea,
  stranger_subject text, stranger_body text, owner_subject text, owner_body text
) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
  insert into holdfast.mail_request (purpose, address, address_key, link, stranger_subject, stranger_body, owner_subject, owner_body)
    select request_mail.purpose, request_mail.address, request_mail.address_key, request_mail.link,
           request_mail.stranger_subject, request_mail.stranger_body, request_mail.owner_subject, request_mail.owner_body
     where (select count(*) from holdfast.mail_request r
             where r.address_key = request_mail.address_key and r.purpose = request_mail.purpose and r.created_at > clock_timestamp() - interval '1 hour') < 20;
end;

/* A sign-up, with the mails for an address without an account and for one that has one. link, browser: SHA-256 of what the
   link and the cookie carry. Of the sign-ups that wait for one address the fifty newest stay. Does the same work for every address. */
create function holdfast.ask_sign_up(
  shown_address text, key text, shown_name text, hashed_password text, link bytea, browser bytea,
  new_subject text, new_body text, known_subject text, known_body text
) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  delete from holdfast.pending_sign_up p where p.link in (
    select o.link from holdfast.pending_sign_up o where o.address_key = key order by o.created_at desc offset 49);
  insert into holdfast.pending_sign_up (link, browser, address, address_key, name, password_hash)
    values (ask_sign_up.link, ask_sign_up.browser, shown_address, key, shown_name, hashed_password);
  perform holdfast.request_mail('sign-up', shown_address, key, ask_sign_up.link, new_subject, new_body, known_subject, known_body);
end $$;
grant execute on function holdfast.ask_sign_up(text, text, text, text, bytea, bytea, text, text, text, text) to holdfast_identity;

/* The address of the newest sign-up of that browser, by which its mails are counted. Null where none waits. */
create function holdfast.sign_up_key(browser bytea) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select p.address_key from holdfast.pending_sign_up p
   where p.browser = sign_up_key.browser and p.expires_at > clock_timestamp() order by p.created_at desc limit 1;
end;
grant execute on function holdfast.sign_up_key(bytea) to holdfast_identity;

/* The mail of the newest sign-up of that browser once more, with a new link; the older links go on working. False where
   none waits. */
create function holdfast.ask_sign_up_again(
  browser bytea, link bytea, new_subject text, new_body text, known_subject text, known_body text
) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  it holdfast.pending_sign_up;
begin
  select * into it from holdfast.pending_sign_up p
   where p.browser = ask_sign_up_again.browser and p.expires_at > clock_timestamp() order by p.created_at desc limit 1;
  if not found then return false; end if;
  delete from holdfast.pending_sign_up p where p.link in (
    select o.link from holdfast.pending_sign_up o where o.address_key = it.address_key order by o.created_at desc offset 49);
  insert into holdfast.pending_sign_up (link, browser, address, address_key, name, password_hash)
    values (ask_sign_up_again.link, it.browser, it.address, it.address_key, it.name, it.password_hash);
  perform holdfast.request_mail('sign-up', it.address, it.address_key, ask_sign_up_again.link, new_subject, new_body, known_subject, known_body);
  return true;
end $$;
grant execute on function holdfast.ask_sign_up_again(bytea, bytea, text, text, text, text) to holdfast_identity;

/* Opens the link of a sign-up: whether this is the browser that signed up, and the hash to compare with where it is not.
   No row for a link that is dead. Ten times at most, so that whoever holds a link cannot go on guessing. */
create function holdfast.open_sign_up(link bytea, browser bytea) returns table (same_browser boolean, password_hash text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  return query update holdfast.pending_sign_up p set tries = p.tries + 1
   where p.link = open_sign_up.link and p.expires_at > clock_timestamp() and p.tries < 10
     and not exists (select from holdfast.account a where a.address_key = p.address_key)
  returning p.browser is not null and p.browser = open_sign_up.browser, p.password_hash;
end $$;
grant execute on function holdfast.open_sign_up(bytea, bytea) to holdfast_identity;

/* Makes the account of a sign-up, verified. Of several at once, for one link or for one address, exactly one gets the
   person; the others null. */
create function holdfast.confirm_sign_up(link bytea) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  made uuid := gen_random_uuid();
  it holdfast.pending_sign_up;
begin
  delete from holdfast.pending_sign_up p where p.link = confirm_sign_up.link and p.expires_at > clock_timestamp() returning * into it;
  if not found then return null; end if;
  perform holdfast.add_person(made, it.address like '%@canary.invalid');
  -- Of two sign-ups for one address the second waits here, and then finds the first.
  insert into holdfast.account (person_id, address, address_key, name, password_hash, verified_at)
    values (made, it.address, it.address_key, it.name, it.password_hash, clock_timestamp())
    on conflict (address_key) do nothing;
  if not found then
    delete from holdfast.person p where p.id = made;
    return null;
  end if;
  perform holdfast.mark_verified(made);
  return made;
end $$;
grant execute on function holdfast.confirm_sign_up(bytea) to holdfast_identity;

/* Answers what request_mail has asked for: here, and here alone, it is looked up whether an address has an account. A
   closed account gets no reset. Returns how many were answered. */
create function holdfast.answer_mail_requests(most integer) returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  asked holdfast.mail_request;
  known holdfast.account;
  answered integer := 0;
begin
  for asked in
    select * from holdfast.mail_request r where r.done_at is null order by r.id for update skip locked limit most
  loop
    -- A change of password or address that is under way comes first: no link to reset outlives it.
    select a.* into known from holdfast.account a where a.address_key = asked.address_key for share;
    if not found then
      if asked.stranger_body is not null then
        perform holdfast.queue_mail(asked.address, asked.stranger_subject, asked.stranger_body);
      end if;
    elsif asked.purpose <> 'reset' then
      -- To the address that is on record, never to the one that was typed: they may differ where the key does not.
      perform holdfast.queue_mail(known.address, asked.owner_subject, asked.owner_body);
    elsif exists (select from holdfast.person p where p.id = known.person_id and p.disabled_at is null) then
      insert into holdfast.address_token (hash, person_id, purpose, expires_at)
        values (asked.link, known.person_id, 'reset', clock_timestamp() + interval '30 minutes');
      perform holdfast.queue_mail(known.address, asked.owner_subject, asked.owner_body);
    end if;
    update holdfast.mail_request r set done_at = clock_timestamp(), stranger_body = null, owner_body = null where r.id = asked.id;
    answered := answered + 1;
  end loop;
  return answered;
end $$;
grant execute on function holdfast.answer_mail_requests(integer) to holdfast_worker;

-- ── Signing in ───────────────────────────────────────────────────────────────────────────────────────────────────────

-- void_at: the password opens nothing until it is reset, because an address was taken back from whoever knew it.
-- reset_at: when it was last reset by mail. closes_at: when an account that was given up is deleted.
alter table holdfast.account add column void_at timestamptz, add column reset_at timestamptz, add column closes_at timestamptz;
insert into holdfast.column_inventory values
  ('holdfast.account', 'void_at', 'personal', 'account', 'account'),
  ('holdfast.account', 'reset_at', 'personal', 'account', 'account'),
  ('holdfast.account', 'closes_at', 'personal', 'account', 'account');

/* Who has this address, and the hash to compare with. No row: nobody, or a password that opens nothing any more. */
create or replace function holdfast.credential(key text) returns table (person uuid, password_hash text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select a.person_id, a.password_hash from holdfast.account a where a.address_key = key and a.void_at is null;
end;

/* What the bearer of a live session is told about himself, also before the second factor. */
create or replace function holdfast.my_account(secret bytea) returns table (person uuid, name text, address text, verified boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.half_bearer(secret);
begin
  return query select a.person_id, a.name, a.address, a.verified_at is not null from holdfast.account a where a.person_id = who;
end $$;

/* For the prover: takes the confirmation away from a canary again, so that it can be shown what an unverified session opens.
   Nobody else's: true only where something was taken. */
create function holdfast.withhold_verification(person uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  update holdfast.person p set verified_at = null where p.id = withhold_verification.person and p.canary;
  if not found then return false; end if;
  update holdfast.pass p set verified = false where p.person_id = withhold_verification.person;
  update holdfast.account a set verified_at = null where a.person_id = withhold_verification.person;
  return true;
end $$;
grant execute on function holdfast.withhold_verification(uuid) to holdfast_prover;

-- ── Reset and change of the password ─────────────────────────────────────────────────────────────────────────────────

/* A mail with a link that resets the password, where the address has an account. Does the same work for every address. */
create function holdfast.ask_reset(shown_address text, key text, link bytea, mail_subject text, mail_body text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  perform holdfast.request_mail('reset', shown_address, key, ask_reset.link, null, null, mail_subject, mail_body);
end $$;
grant execute on function holdfast.ask_reset(text, text, bytea, text, text) to holdfast_identity;

/* Whom a link resets: their own words, which make no good password, and whether they have a second factor. */
create function holdfast.reset_of(link bytea) returns table (person uuid, name text, address text, second_factor boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select a.person_id, a.name, a.address, p.wanted_assurance > 1
    from holdfast.address_token t join holdfast.account a using (person_id) join holdfast.person p on p.id = a.person_id
   where t.hash = link and t.purpose = 'reset' and t.expires_at > clock_timestamp() and p.disabled_at is null;
end;
grant execute on function holdfast.reset_of(bytea) to holdfast_identity;

/* Sets the password by the link of a mail: all sessions end, all other links to reset are dead, a change of address that
   waits is given up. The second factor stays demanded. Of several at once exactly one gets the person; the others null. */
create function holdfast.finish_reset(link bytea, new_hash text, mail_subject text, mail_body text) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid;
begin
  select t.person_id into who from holdfast.address_token t where t.hash = link and t.purpose = 'reset';
  if not found then return null; end if;
  -- The account first, always: two links of one person that arrive together take turns.
  perform from holdfast.account a where a.person_id = who for update;
  delete from holdfast.address_token t where t.hash = link and t.purpose = 'reset' and t.expires_at > clock_timestamp();
  if not found or exists (select from holdfast.person p where p.id = who and p.disabled_at is not null) then return null; end if;
  update holdfast.account a set password_hash = new_hash, void_at = null, reset_at = clock_timestamp() where a.person_id = who;
  -- Bound anew: what strangers did to the old password does not count against this one.
  perform holdfast.clear_failures(who, 'password');
  perform holdfast.forget_links(who);
  perform holdfast.end_sessions_of(who, null);
  perform holdfast.notify_person(who, mail_subject, mail_body);
  return who;
end $$;
grant execute on function holdfast.finish_reset(bytea, text, text, text) to holdfast_identity;

/* For a change of password: the bearer's own hash and words. Shown lately, or HF440. */
create function holdfast.own_credential(secret bytea)
returns table (person uuid, name text, address text, password_hash text, second_factor boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.fresh_bearer(secret, interval '15 minutes');
begin
  return query select a.person_id, a.name, a.address, a.password_hash, p.wanted_assurance > 1
    from holdfast.account a join holdfast.person p on p.id = a.person_id where a.person_id = who;
end $$;
grant execute on function holdfast.own_credential(bytea) to holdfast_identity;

/* Changes the password of the bearer from `old_hash`, which was compared: every other session ends, links to reset are dead.
   False where another change came first. HF440 as above. */
create function holdfast.change_password(secret bytea, old_hash text, new_hash text, mail_subject text, mail_body text) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.fresh_bearer(secret, interval '15 minutes');
begin
  update holdfast.account a set password_hash = new_hash where a.person_id = who and a.password_hash = old_hash;
  if not found then return false; end if;
  perform holdfast.clear_failures(who, 'password');
  perform holdfast.forget_links(who);
  perform holdfast.end_sessions_of(who, holdfast.family_of(secret));
  perform holdfast.notify_person(who, mail_subject, mail_body);
  return true;
end $$;
grant execute on function holdfast.change_password(bytea, text, text, text, text) to holdfast_identity;

/* For the keeper's verbs: the family of a session that was presented. */
create function holdfast.family_of(secret bytea) returns uuid
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
  select p.family from holdfast.pass p where p.hash = sha256(secret) and p.kind = 's';
end;

/* A new name, in the account and, by a trigger of theirs, in the organisations. */
create function holdfast.rename_me(secret bytea, new_name text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, true);
begin
  update holdfast.account a set name = new_name where a.person_id = who and a.name <> new_name;
end $$;
grant execute on function holdfast.rename_me(bytea, text) to holdfast_identity;

-- ── Change of the address ────────────────────────────────────────────────────────────────────────────────────────────

-- A change that waits for its confirmations: always that of the new address, and that of the old one too where no second
-- factor stands for it. One at a time; a new one takes the place of the old.
create table holdfast.address_change (
  person_id uuid primary key references holdfast.account on delete cascade,
  address text not null check (octet_length(address) between 3 and 320 and address !~ '[[:space:][:cntrl:]]'),
  address_key text not null check (octet_length(address_key) between 3 and 400 and address_key !~ '[[:space:][:cntrl:]]'),
  wants_old boolean not null,
  new_at timestamptz,
  old_at timestamptz,
  -- The session that asked: it alone survives the change.
  family uuid not null,
  expires_at timestamptz not null default clock_timestamp() + interval '1 day'
);
select holdfast.classify('holdfast.address_change', 'account', $$
  person_id    personal  account  one-day
  address      personal  contact  one-day
  address_key  personal  contact  one-day
  wants_old    none
  new_at       none
  old_at       none
  family       none
  expires_at   none
$$);

/* For the keeper's verbs, where password or address changed: links that were sent before open nothing any more. What takes
   back an earlier change of address, or a deletion, stays. */
create function holdfast.forget_links(person uuid) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
  delete from holdfast.address_token t where t.person_id = forget_links.person
     and t.purpose in ('reset', 'new-address', 'old-address', 'stop-address', 'begin-recovery');
  delete from holdfast.address_change c where c.person_id = forget_links.person;
end;

/* Asks for another address. 'both' or 'new': whose confirmation it waits for; 'same'; 'too-soon' within a day of a reset. The
   mails: to the new address, to the owner of an account that has it already, and to the old address for either case.
   A second factor stands for the old address after a week alone: one that a thief has just set up must not. Whether the new
   address has an account shows in no answer. HF440 as own_credential. */
create function holdfast.ask_address_change(
  secret bytea, shown_address text, key text, new_link bytea, old_link bytea, stop_link bytea,
  new_subject text, new_body text, taken_subject text, taken_body text, both_subject text, both_body text, told_subject text, told_body text
) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.fresh_bearer(secret, interval '15 minutes');
  mine holdfast.account;
  second_factor boolean;
  soon constant timestamptz := clock_timestamp() + interval '1 day';
begin
  select * into mine from holdfast.account a where a.person_id = who for update;
  -- Once more, after the wait: what was done meanwhile may have ended this session.
  perform holdfast.fresh_bearer(secret, interval '15 minutes');
  if mine.address = shown_address then return 'same'; end if;
  if mine.reset_at > clock_timestamp() - interval '1 day' then return 'too-soon'; end if;
  select p.wanted_assurance > 1 and p.wanted_since < clock_timestamp() - interval '7 days' into strict second_factor
    from holdfast.person p where p.id = who;
  delete from holdfast.address_token t where t.person_id = who and t.purpose in ('new-address', 'old-address', 'stop-address');
  insert into holdfast.address_change (person_id, address, address_key, wants_old, family)
    values (who, shown_address, key, not second_factor, holdfast.family_of(secret))
    on conflict (person_id) do update set address = excluded.address, address_key = excluded.address_key, wants_old = excluded.wants_old,
      family = excluded.family, expires_at = excluded.expires_at, new_at = null, old_at = null;
  insert into holdfast.address_token (hash, person_id, purpose, expires_at) values
    (new_link, who, 'new-address', soon), (stop_link, who, 'stop-address', soon);
  if key = mine.address_key then
    -- Another spelling of one's own: the mail goes there, as to any new one.
    perform holdfast.queue_mail(shown_address, new_subject, new_body);
  else
    perform holdfast.request_mail('move', shown_address, key, null, new_subject, new_body, taken_subject, taken_body);
  end if;
  if second_factor then
    perform holdfast.notify_person(who, told_subject, told_body);
    return 'new';
  end if;
  insert into holdfast.address_token (hash, person_id, purpose, expires_at) values (old_link, who, 'old-address', soon);
  perform holdfast.notify_person(who, both_subject, both_body);
  return 'both';
end $$;
grant execute on function holdfast.ask_address_change(bytea, text, text, bytea, bytea, bytea, text, text, text, text, text, text, text, text)
  to holdfast_identity;

/* What is under way for the bearer: a change of address. No row: nothing. */
create function holdfast.my_address_change(secret bytea) returns table (address text, waits_for text, expires_at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, true);
begin
  return query select c.address,
      case when c.new_at is null and c.wants_old and c.old_at is null then 'both' when c.new_at is null then 'new' else 'old' end, c.expires_at
    from holdfast.address_change c where c.person_id = who and c.expires_at > clock_timestamp();
end $$;
grant execute on function holdfast.my_address_change(bytea) to holdfast_identity;

/* Gives the bearer's own change up. */
create function holdfast.drop_address_change(secret bytea) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, true);
begin
  delete from holdfast.address_token t where t.person_id = who and t.purpose in ('new-address', 'old-address', 'stop-address');
  delete from holdfast.address_change c where c.person_id = who;
end $$;
grant execute on function holdfast.drop_address_change(bytea) to holdfast_identity;

/* For the keeper's verbs: whether a secret is that of a live, whole session of this person. Never raises. */
create function holdfast.is_bearer(secret bytea, person uuid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  return secret is not null and holdfast.bearer(secret, true) = person;
exception when sqlstate 'HF401' or sqlstate 'HF412' or sqlstate 'HF427' or sqlstate 'HF440' then
  return false;
end $$;

/* Confirms one end of a change: 'waiting' for the other end, 'changed', 'elsewhere', or null for a link that is dead, or an
   address that somebody else has taken meanwhile. `secret`: the session of the browser that opened the link, or null. The link to
   the new address opens in a session of that account alone ('elsewhere'): else whoever opens what a stranger has caused would
   have the stranger's account at their address. When it is done every session but the one that asked ends, links to reset are dead, and
   the old address is sent a link that undoes it for seven days (`undo_link`). */
create function holdfast.confirm_address(
  link bytea, secret bytea, undo_link bytea, old_subject text, old_body text, new_subject text, new_body text
) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  used holdfast.address_token;
  mine holdfast.account;
  change holdfast.address_change;
begin
  select * into used from holdfast.address_token t
   where t.hash = link and t.purpose in ('new-address', 'old-address') and t.expires_at > clock_timestamp();
  if not found then return null; end if;
  if used.purpose = 'new-address' and not holdfast.is_bearer(secret, used.person_id) then return 'elsewhere'; end if;
  select * into mine from holdfast.account a where a.person_id = used.person_id for update;
  delete from holdfast.address_token t where t.hash = link and t.expires_at > clock_timestamp();
  if not found then return null; end if;
  update holdfast.address_change c
     set new_at = case when used.purpose = 'new-address' then clock_timestamp() else c.new_at end,
         old_at = case when used.purpose = 'old-address' then clock_timestamp() else c.old_at end
   where c.person_id = used.person_id and c.expires_at > clock_timestamp() returning * into change;
  if not found or exists (select from holdfast.person p where p.id = used.person_id and p.disabled_at is not null) then return null; end if;
  if change.new_at is null or (change.wants_old and change.old_at is null) then return 'waiting'; end if;
  if exists (select from holdfast.account a where a.address_key = change.address_key and a.person_id <> mine.person_id) then
    perform holdfast.forget_links(mine.person_id);
    return null;
  end if;
  update holdfast.account a set address = change.address, address_key = change.address_key where a.person_id = mine.person_id;
  perform holdfast.forget_links(mine.person_id);
  perform holdfast.end_sessions_of(mine.person_id, change.family);
  insert into holdfast.address_token (hash, person_id, purpose, address, address_key, expires_at)
    values (undo_link, mine.person_id, 'undo-address', mine.address, mine.address_key, clock_timestamp() + interval '7 days');
  perform holdfast.queue_mail(mine.address, old_subject, old_body);
  perform holdfast.notify_person(mine.person_id, new_subject, new_body);
  return 'changed';
exception when unique_violation then
  -- Two people took the address in the same moment, and the other was first. Nothing of the above has happened.
  return null;
end $$;
grant execute on function holdfast.confirm_address(bytea, bytea, bytea, text, text, text, text) to holdfast_identity;

/* By the link that was sent to the old address: 'stopped' before the change was done, 'undone' after it, 'taken' where another
   account has the old address by now, null for a dead link. Undone, every session ends, the password opens nothing any more, and a
   link to reset it goes to the old address: whoever moved the account knew it. The address that loses it is told. */
create function holdfast.cancel_address(
  link bytea, reset_link bytea, mail_subject text, mail_body text, left_subject text, left_body text
) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  used holdfast.address_token;
begin
  select * into used from holdfast.address_token t where t.hash = link and t.purpose in ('stop-address', 'undo-address');
  if not found then return null; end if;
  perform from holdfast.account a where a.person_id = used.person_id for update;
  if used.purpose = 'undo-address'
     and exists (select from holdfast.account a where a.address_key = used.address_key and a.person_id <> used.person_id) then
    return 'taken';
  end if;
  delete from holdfast.address_token t where t.hash = link and t.expires_at > clock_timestamp();
  if not found then return null; end if;
  perform holdfast.forget_links(used.person_id);
  if used.purpose = 'stop-address' then return 'stopped'; end if;
  perform holdfast.notify_person(used.person_id, left_subject, left_body);
  -- What came after this change was made by the same hand: undoing it leads back behind all of it.
  delete from holdfast.address_token t where t.person_id = used.person_id
     and (t.purpose = 'keep-account' or t.purpose = 'undo-address' and t.created_at > used.created_at);
  -- Whoever moved it may have given it up as well.
  update holdfast.person p set disabled_at = null
   where p.id = used.person_id and exists (select from holdfast.account a where a.person_id = p.id and a.closes_at is not null);
  update holdfast.account a set address = used.address, address_key = used.address_key, void_at = clock_timestamp(),
      reset_at = clock_timestamp(), closes_at = null
   where a.person_id = used.person_id;
  perform holdfast.end_sessions_of(used.person_id, null);
  insert into holdfast.address_token (hash, person_id, purpose, expires_at)
    values (reset_link, used.person_id, 'reset', clock_timestamp() + interval '30 minutes');
  perform holdfast.queue_mail(used.address, mail_subject, mail_body);
  return 'undone';
end $$;
grant execute on function holdfast.cancel_address(bytea, bytea, text, text, text, text) to holdfast_identity;

-- ── Giving an account up ─────────────────────────────────────────────────────────────────────────────────────────────

/* Organisations that nobody else owns, though others are in them: they must not be left behind. */
create function holdfast.left_without_owner(person uuid) returns uuid[]
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(array_agg(s.organisation_id order by s.organisation_id), '{}')
    from holdfast.seat s join holdfast.role r using (role_id)
   where s.person_id = left_without_owner.person and r.name = 'owner'
     and exists (select from holdfast.seat o where o.organisation_id = s.organisation_id and o.person_id <> s.person_id)
     and not exists (select from holdfast.seat o join holdfast.role q using (role_id) join holdfast.person p on p.id = o.person_id
                      where o.organisation_id = s.organisation_id and o.person_id <> s.person_id and q.name = 'owner' and p.disabled_at is null);
end;

/* Closes the bearer's account at once: no session, no sign-in; it is deleted after fourteen days, until which the link in
   the mail opens it again. Returns the organisations that stand in the way: where there are any, nothing has happened. HF440. */
create function holdfast.close_account(secret bytea, link bytea, mail_subject text, mail_body text) returns uuid[]
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.fresh_bearer(secret, interval '15 minutes');
  forlorn uuid[];
begin
  perform from holdfast.account a where a.person_id = who for update;
  -- Once more, after the wait: what was done meanwhile may have ended this session.
  perform holdfast.fresh_bearer(secret, interval '15 minutes');
  forlorn := holdfast.left_without_owner(who);
  if cardinality(forlorn) > 0 then return forlorn; end if;
  perform holdfast.forget_links(who);
  delete from holdfast.address_token t where t.person_id = who and t.purpose = 'keep-account';
  insert into holdfast.address_token (hash, person_id, purpose, expires_at)
    values (link, who, 'keep-account', clock_timestamp() + interval '14 days');
  update holdfast.account a set closes_at = clock_timestamp() + interval '14 days' where a.person_id = who;
  -- Past the bound on notices: nothing else leads back, so no flood of them may drown it. One for each account that closes.
  perform holdfast.queue_mail(a.address, mail_subject, mail_body) from holdfast.account a where a.person_id = who;
  update holdfast.person p set disabled_at = clock_timestamp() where p.id = who;
  perform holdfast.end_sessions_of(who, null);
  return '{}';
end $$;
grant execute on function holdfast.close_account(bytea, bytea, text, text) to holdfast_identity;

/* Opens an account again that its owner had closed. True once; false for a dead link. Who was closed by somebody else stays so. */
create function holdfast.keep_account(link bytea, mail_subject text, mail_body text) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid;
begin
  select t.person_id into who from holdfast.address_token t where t.hash = link and t.purpose = 'keep-account';
  if not found then return false; end if;
  perform from holdfast.account a where a.person_id = who for update;
  delete from holdfast.address_token t where t.hash = link and t.expires_at > clock_timestamp();
  if not found then return false; end if;
  update holdfast.account a set closes_at = null where a.person_id = who and a.closes_at is not null;
  if not found then return false; end if;
  update holdfast.person p set disabled_at = null where p.id = who;
  perform holdfast.notify_person(who, mail_subject, mail_body);
  return true;
end $$;
grant execute on function holdfast.keep_account(bytea, text, text) to holdfast_identity;

/* What nobody used in time, and accounts whose fourteen days are over: the person goes, with sessions and seats; what they wrote
   stays with its organisation. Whoever has become the last owner meanwhile stays closed until that is settled. The visitors that
   probes bring go after a day. */
create function holdfast.sweep_accounts() returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  closed uuid;
  gone integer;
begin
  delete from holdfast.pending_sign_up p where p.expires_at < clock_timestamp() - interval '1 hour';
  get diagnostics gone = row_count;
  delete from holdfast.address_token t where t.expires_at < clock_timestamp() - interval '1 hour';
  delete from holdfast.address_change c where c.expires_at < clock_timestamp() - interval '1 hour';
  delete from holdfast.mail_request r where r.created_at < clock_timestamp() - interval '1 day';
  for closed in
    select a.person_id from holdfast.account a
     where a.closes_at < clock_timestamp()
        or a.address like 'visitor-%@canary.invalid' and a.verified_at < clock_timestamp() - interval '1 day'
     order by a.closes_at limit 100 for update
  loop
    continue when cardinality(holdfast.left_without_owner(closed)) > 0;
    -- Organisations first forget the member, by a trigger of theirs, as long as the seats are there.
    delete from holdfast.account a where a.person_id = closed;
    delete from holdfast.person p where p.id = closed;
    gone := gone + 1;
  end loop;
  return gone;
end $$;
grant execute on function holdfast.sweep_accounts() to holdfast_worker;
create index account_by_closing on holdfast.account (closes_at) where closes_at is not null;
create index account_of_visitor on holdfast.account (verified_at) where address like 'visitor-%@canary.invalid';
