-- Second factors: authenticator apps (TOTP), passkeys, recovery codes. Nothing here is granted to anybody: the identity role
-- has the verbs below, each for whoever presents a live session. The application computes and compares codes; that one is
-- taken only once, and by one of several at the same time, is decided here.

-- ── What a person has ────────────────────────────────────────────────────────────────────────────────────────────────

-- An authenticator app. `sealed`: the key that it shares with us, as seal.ts writes it; never the key itself.
create table holdfast.totp (
  person_id uuid primary key references holdfast.person on delete cascade,
  sealed text not null constraint totp_key_is_sealed
    check (sealed ~ '^hf1\.[A-Za-z0-9_-]{8}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{48}$'),
  -- The newest time step (RFC 6238: seconds since 1970, divided by 30) whose code was taken.
  last_step bigint not null check (last_step > 0),
  enrolled_at timestamptz not null default clock_timestamp(),
  used_at timestamptz
);
select holdfast.classify('holdfast.totp', 'account', $$
  person_id    none
  sealed       secret    second-factor  account
  last_step    none
  enrolled_at  personal  second-factor  account
  used_at      personal  second-factor  account
$$);

-- One that has been shown as a QR code, and has yet to prove itself by a code.
create table holdfast.totp_enrolment (
  id uuid primary key default gen_random_uuid(),
  person_id uuid not null unique references holdfast.person on delete cascade,
  sealed text not null constraint totp_enrolment_key_is_sealed
    check (sealed ~ '^hf1\.[A-Za-z0-9_-]{8}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{48}$'),
  expires_at timestamptz not null
);
create index totp_enrolment_by_expiry on holdfast.totp_enrolment (expires_at);
select holdfast.classify('holdfast.totp_enrolment', 'account', $$
  id          none
  person_id   none
  sealed      secret  second-factor  one-day
  expires_at  none
$$);

create table holdfast.passkey (
  -- The credential's id, which its authenticator chose.
  id bytea primary key check (octet_length(id) between 16 and 1023),
  person_id uuid not null references holdfast.person on delete cascade,
  -- COSE. No secret: it only checks signatures.
  public_key bytea not null check (octet_length(public_key) between 32 and 4096),
  sign_count bigint not null check (sign_count >= 0),
  -- As the browser named them, joined by commas.
  transports text not null check (octet_length(transports) <= 100),
  backed_up boolean not null,
  name text not null check (char_length(name) between 1 and 60 and name !~ '[[:cntrl:]]'),
  enrolled_at timestamptz not null default clock_timestamp(),
  used_at timestamptz
);
create index passkey_by_person on holdfast.passkey (person_id);
select holdfast.classify('holdfast.passkey', 'account', $$
  id           personal  second-factor  account
  person_id    none
  public_key   none
  sign_count   none
  transports   none
  backed_up    none
  name         personal  second-factor  account
  enrolled_at  personal  second-factor  account
  used_at      personal  second-factor  account
$$);

-- What an authenticator is asked to sign, by its hash. Works once. No person: for signing in by a passkey alone.
create table holdfast.passkey_challenge (
  hash bytea primary key check (octet_length(hash) = 32),
  person_id uuid references holdfast.person on delete cascade,
  purpose text not null check (purpose in ('enrol', 'show', 'sign-in')),
  expires_at timestamptz not null,
  check ((purpose = 'sign-in') = (person_id is null))
);
create index passkey_challenge_by_person on holdfast.passkey_challenge (person_id);
create index passkey_challenge_by_expiry on holdfast.passkey_challenge (expires_at);
select holdfast.classify('holdfast.passkey_challenge', 'account', $$
  hash        secret  second-factor  one-day
  person_id   none
  purpose     none
  expires_at  none
$$);

-- By their hashes. One that was used stays until the next ten are made, so that the page can say how many are left.
create table holdfast.recovery_code (
  hash bytea primary key check (octet_length(hash) = 32),
  person_id uuid not null references holdfast.person on delete cascade,
  made_at timestamptz not null default clock_timestamp(),
  used_at timestamptz
);
create index recovery_code_by_person on holdfast.recovery_code (person_id);
select holdfast.classify('holdfast.recovery_code', 'account', $$
  hash       secret    second-factor  account
  person_id  none
  made_at    none
  used_at    personal  second-factor  account
$$);

-- ── For the keeper's own functions ───────────────────────────────────────────────────────────────────────────────────

/* Waits for whoever is just changing anything about this person. The account first, always, as the verbs of accounts do: two that
   lock both in two orders would wait for each other. */
create function holdfast.lock_account(person uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform from holdfast.account a where a.person_id = lock_account.person for no key update;
  perform holdfast.lock_person(person);
end $$;

/* Whoever may change their factors: a session that has shown all it has, within the last quarter of an hour. Changes of one
   person take turns. HF401, HF412, HF427, HF440. */
create function holdfast.factor_owner(secret bytea) returns uuid
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.fresh_bearer(secret, interval '15 minutes');
begin
  perform holdfast.lock_account(who);
  -- Once more, after the wait: what was done meanwhile may have ended this session.
  return holdfast.fresh_bearer(secret, interval '15 minutes');
end $$;

create function holdfast.factor_count(person uuid) returns integer
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
  select (select count(*) from holdfast.totp t where t.person_id = person)::integer
       + (select count(*) from holdfast.passkey k where k.person_id = person)::integer;
end;

/* After every change of a factor: what sessions must have shown follows what the person has, all other sessions end, and a mail
   says so. */
create function holdfast.factors_changed(secret bytea, person uuid, mail_subject text, mail_body text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  if holdfast.factor_count(person) > 0 then
    perform holdfast.want_assurance(person, 2::smallint);
  else
    delete from holdfast.recovery_code c where c.person_id = person;
    perform holdfast.want_assurance(person, 1::smallint);
  end if;
  perform holdfast.end_sessions_of(person, (holdfast.live_pass(secret)).family);
  perform holdfast.notify_person(person, mail_subject, mail_body);
end $$;

/* Takes all factors and codes of a person away and ends all their sessions. For verbs that have decided that this may be. */
create function holdfast.remove_factors(person uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform holdfast.lock_person(person);
  delete from holdfast.totp t where t.person_id = person;
  delete from holdfast.totp_enrolment t where t.person_id = person;
  delete from holdfast.passkey k where k.person_id = person;
  delete from holdfast.passkey_challenge c where c.person_id = person;
  delete from holdfast.recovery_code c where c.person_id = person;
  perform holdfast.clear_failures(person, a) from unnest('{totp,recovery-code}'::text[]) a;
  perform holdfast.want_assurance(person, 1::smallint);
  perform holdfast.end_sessions_of(person, null);
end $$;

/* Factors that a thief of the mailbox or of a session may have set up go when the owner gets the account back by mail: at a reset,
   those from the day after another reset of the last week, which the mailbox alone stood for; and when a change of address is
   undone, those of the last eight days: the link works for seven. With them go recovery codes of that time. */
create function holdfast.drop_thiefs_factors() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  undone constant boolean := new.void_at is not null and new.void_at is distinct from old.void_at;
  since constant timestamptz := case when undone then clock_timestamp() - interval '8 days' else old.reset_at end;
  till constant timestamptz := case when undone then 'infinity' else old.reset_at + interval '1 day' end;
  gone integer;
begin
  with apps as (delete from holdfast.totp t where t.person_id = new.person_id and t.enrolled_at between since and till returning 1),
       keys as (delete from holdfast.passkey k where k.person_id = new.person_id and k.enrolled_at between since and till returning 1)
  select (select count(*) from apps) + (select count(*) from keys) into gone;
  delete from holdfast.totp_enrolment t where t.person_id = new.person_id;
  delete from holdfast.recovery_code c where c.person_id = new.person_id and c.made_at between since and till;
  if gone > 0 and holdfast.factor_count(new.person_id) = 0 then perform holdfast.remove_factors(new.person_id); end if;
  return null;
end $$;
create trigger drop_thiefs_factors after update of reset_at on holdfast.account for each row
  when (new.void_at is not null and new.void_at is distinct from old.void_at or old.reset_at > new.reset_at - interval '7 days')
  execute function holdfast.drop_thiefs_factors();

-- ── What one has ─────────────────────────────────────────────────────────────────────────────────────────────────────

/* The kinds of factor that whoever presents `secret` has: also before the second one was shown, because that is what the
   second step of signing in asks for. */
create function holdfast.my_factors(secret bytea)
returns table (person uuid, totp boolean, passkeys integer, codes_left integer, demanded boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.half_bearer(secret);
begin
  return query select
    who,
    exists (select from holdfast.totp t where t.person_id = who),
    (select count(*) from holdfast.passkey k where k.person_id = who)::integer,
    (select count(*) from holdfast.recovery_code c where c.person_id = who and c.used_at is null)::integer,
    exists (select from holdfast.seat s where s.person_id = who and s.min_assurance > 1);
end $$;
grant execute on function holdfast.my_factors(bytea) to holdfast_identity;

/* The same in full, for the page of one's own security. */
create function holdfast.my_factor_list(secret bytea) returns table (kind text, id bytea, name text, enrolled_at timestamptz, used_at timestamptz, backed_up boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, false);
begin
  return query
    select 'totp', null::bytea, null::text, t.enrolled_at, t.used_at, null::boolean from holdfast.totp t where t.person_id = who
    union all
    (select 'passkey', k.id, k.name, k.enrolled_at, k.used_at, k.backed_up from holdfast.passkey k where k.person_id = who
      order by k.enrolled_at, k.id);
end $$;
grant execute on function holdfast.my_factor_list(bytea) to holdfast_identity;

-- ── Authenticator apps ───────────────────────────────────────────────────────────────────────────────────────────────

/* Who would enrol, for the name in the app and for sealing the key to that person. */
create function holdfast.factor_enroller(secret bytea) returns table (person uuid, address text, name text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.factor_owner(secret);
begin
  return query select a.person_id, a.address, a.name from holdfast.account a where a.person_id = who;
end $$;
grant execute on function holdfast.factor_enroller(bytea) to holdfast_identity;

/* Keeps a key that has been shown, for a quarter of an hour; the one before is forgotten. */
create function holdfast.begin_totp(secret bytea, sealed_key text) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.factor_owner(secret);
  made uuid;
begin
  delete from holdfast.totp_enrolment t where t.person_id = who;
  insert into holdfast.totp_enrolment (person_id, sealed, expires_at)
    values (who, sealed_key, clock_timestamp() + interval '15 minutes') returning id into made;
  return made;
end $$;
grant execute on function holdfast.begin_totp(bytea, text) to holdfast_identity;

create function holdfast.pending_totp(secret bytea, enrolment uuid) returns table (person uuid, sealed text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.factor_owner(secret);
begin
  return query select t.person_id, t.sealed from holdfast.totp_enrolment t
    where t.id = enrolment and t.person_id = who and t.expires_at > clock_timestamp();
end $$;
grant execute on function holdfast.pending_totp(bytea, uuid) to holdfast_identity;

/* A code of the pending key was right, for this time step: from now on the key is a factor, in place of an earlier one. Of
   several at once exactly one gets true. */
create function holdfast.confirm_totp(secret bytea, enrolment uuid, step bigint, mail_subject text, mail_body text) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.factor_owner(secret);
  it holdfast.totp_enrolment;
begin
  delete from holdfast.totp_enrolment t
   where t.id = enrolment and t.person_id = who and t.expires_at > clock_timestamp() returning * into it;
  if not found then return false; end if;
  perform holdfast.refuse_odd_step(step);
  delete from holdfast.totp t where t.person_id = who;
  insert into holdfast.totp (person_id, sealed, last_step) values (who, it.sealed, step);
  -- Bound anew: a hundred failures of the one before are not its own.
  perform holdfast.clear_failures(who, 'totp');
  perform holdfast.factors_changed(secret, who, mail_subject, mail_body);
  return true;
end $$;
grant execute on function holdfast.confirm_totp(bytea, uuid, bigint, text, text) to holdfast_identity;

/* A step far from this clock would, once kept, refuse every code until then. */
create function holdfast.refuse_odd_step(step bigint) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if abs(step - floor(extract(epoch from clock_timestamp()) / 30)) > 10 then
    raise exception 'this step is five minutes from now: look at the clocks' using errcode = 'HF422';
  end if;
end $$;

/* The sealed key of whoever presents `secret`, to compare a code with. No row: there is none. */
create function holdfast.my_totp(secret bytea) returns table (person uuid, sealed text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.half_bearer(secret);
begin
  return query select t.person_id, t.sealed from holdfast.totp t where t.person_id = who;
end $$;
grant execute on function holdfast.my_totp(bytea) to holdfast_identity;

/* RFC 6238, section 5.2: the code of this step is taken once. Of several at once exactly one gets true; so does none that comes
   later with this step's code, or an earlier one's. */
create function holdfast.take_totp(secret bytea, step bigint) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.half_bearer(secret);
begin
  perform holdfast.refuse_odd_step(step);
  update holdfast.totp t set last_step = step, used_at = clock_timestamp()
   where t.person_id = who and t.last_step < step;
  return found;
end $$;
grant execute on function holdfast.take_totp(bytea, bigint) to holdfast_identity;

-- ── Passkeys ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/* Keeps a challenge for five minutes, by its hash; at most twenty open ones of a person. `secret` null: for signing in. */
create function holdfast.keep_challenge(secret bytea, challenge_hash bytea, for_what text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid;
begin
  if for_what = 'enrol' then who := holdfast.factor_owner(secret);
  elsif for_what = 'show' then who := holdfast.half_bearer(secret);
  end if;
  delete from holdfast.passkey_challenge c where c.hash in (
    select hash from holdfast.passkey_challenge where person_id = who order by expires_at desc offset 19);
  insert into holdfast.passkey_challenge (hash, person_id, purpose, expires_at)
    values (challenge_hash, who, for_what, clock_timestamp() + interval '5 minutes');
end $$;
grant execute on function holdfast.keep_challenge(bytea, bytea, text) to holdfast_identity;

/* What the browser needs to find them. */
create function holdfast.my_passkeys(secret bytea) returns table (id bytea, transports text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.half_bearer(secret);
begin
  return query select k.id, k.transports from holdfast.passkey k where k.person_id = who order by k.enrolled_at, k.id;
end $$;
grant execute on function holdfast.my_passkeys(bytea) to holdfast_identity;

/* Uses a challenge up. Of several at once exactly one gets true. */
create function holdfast.take_challenge(secret bytea, challenge_hash bytea, for_what text) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid;
begin
  if for_what = 'enrol' then who := holdfast.factor_owner(secret);
  elsif for_what = 'show' then who := holdfast.half_bearer(secret);
  end if;
  delete from holdfast.passkey_challenge c
   where c.hash = challenge_hash and c.purpose = for_what and c.person_id is not distinct from who and c.expires_at > clock_timestamp();
  return found;
end $$;
grant execute on function holdfast.take_challenge(bytea, bytea, text) to holdfast_identity;

/* A passkey that has proven itself becomes a factor. False: somebody has one of this id already, or twenty are enough. */
create function holdfast.add_passkey(
  secret bytea, credential bytea, key bytea, signatures bigint, ways text, synced boolean, called text, mail_subject text, mail_body text
) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.factor_owner(secret);
begin
  if (select count(*) from holdfast.passkey k where k.person_id = who) >= 20 then return false; end if;
  insert into holdfast.passkey (id, person_id, public_key, sign_count, transports, backed_up, name)
    values (credential, who, key, signatures, ways, synced, called) on conflict (id) do nothing;
  if not found then return false; end if;
  perform holdfast.factors_changed(secret, who, mail_subject, mail_body);
  return true;
end $$;
grant execute on function holdfast.add_passkey(bytea, bytea, bytea, bigint, text, boolean, text, text, text) to holdfast_identity;

/* Whose passkey it is, and what its signatures are checked with. */
create function holdfast.passkey_key(credential bytea) returns table (person uuid, public_key bytea, sign_count bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select k.person_id, k.public_key, k.sign_count from holdfast.passkey k where k.id = credential;
end;
grant execute on function holdfast.passkey_key(bytea) to holdfast_identity;

/* A signature of this passkey was right. WebAuthn, section 6.1.1: a counter that does not grow is what a copy of the key would
   show, so nothing opens; 0 says that the authenticator does not count. `secret` null: for signing in. Returns the person. */
create function holdfast.take_passkey(secret bytea, credential bytea, signatures bigint) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := case when secret is not null then holdfast.half_bearer(secret) end;
  taken uuid;
begin
  update holdfast.passkey k set sign_count = signatures, used_at = clock_timestamp()
   where k.id = credential and (k.person_id = who or secret is null)
     and (k.sign_count < signatures or (k.sign_count = 0 and signatures = 0))
  returning k.person_id into taken;
  return taken;
end $$;
grant execute on function holdfast.take_passkey(bytea, bytea, bigint) to holdfast_identity;

create function holdfast.rename_passkey(secret bytea, credential bytea, called text) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, true);
begin
  update holdfast.passkey k set name = called where k.id = credential and k.person_id = who;
  return found;
end $$;
grant execute on function holdfast.rename_passkey(bytea, bytea, text) to holdfast_identity;

-- ── Removing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/* Takes one's authenticator app (`credential` null) or one passkey away. 'removed'; 'missing'; 'demanded' where it is the last
   one and an organisation or a role demands a second factor. */
create function holdfast.remove_factor(secret bytea, credential bytea, mail_subject text, mail_body text) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.factor_owner(secret);
begin
  if not exists (select from holdfast.totp t where credential is null and t.person_id = who)
     and not exists (select from holdfast.passkey k where k.person_id = who and k.id = credential) then
    return 'missing';
  end if;
  if holdfast.factor_count(who) = 1 and exists (select from holdfast.seat s where s.person_id = who and s.min_assurance > 1) then
    return 'demanded';
  end if;
  delete from holdfast.totp t where credential is null and t.person_id = who;
  delete from holdfast.passkey k where k.person_id = who and k.id = credential;
  perform holdfast.factors_changed(secret, who, mail_subject, mail_body);
  return 'removed';
end $$;
grant execute on function holdfast.remove_factor(bytea, bytea, text, text) to holdfast_identity;

-- ── Recovery codes ───────────────────────────────────────────────────────────────────────────────────────────────────

/* Ten new ones, by their hashes; the old ones are dead. False for whoever has no factor that they could stand in for. */
create function holdfast.keep_recovery_codes(secret bytea, hashes bytea[], mail_subject text, mail_body text) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.factor_owner(secret);
begin
  if holdfast.factor_count(who) = 0 or cardinality(hashes) <> 10 then return false; end if;
  delete from holdfast.recovery_code c where c.person_id = who;
  insert into holdfast.recovery_code (hash, person_id) select one, who from unnest(hashes) one;
  perform holdfast.clear_failures(who, 'recovery-code');
  perform holdfast.notify_person(who, mail_subject, mail_body);
  return true;
end $$;
grant execute on function holdfast.keep_recovery_codes(bytea, bytea[], text, text) to holdfast_identity;

/* Of several at once exactly one gets the number of codes that are left; null for a code that is used, old, or no code. */
create function holdfast.take_recovery_code(secret bytea, code_hash bytea, mail_subject text, mail_body text) returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.half_bearer(secret);
begin
  perform holdfast.lock_account(who);
  update holdfast.recovery_code c set used_at = clock_timestamp()
   where c.hash = code_hash and c.person_id = who and c.used_at is null;
  if not found then return null; end if;
  perform holdfast.notify_person(who, mail_subject, mail_body);
  return (select count(*) from holdfast.recovery_code c where c.person_id = who and c.used_at is null);
end $$;
grant execute on function holdfast.take_recovery_code(bytea, bytea, text, text) to holdfast_identity;

-- ── Sweeping, and what the prover may know ───────────────────────────────────────────────────────────────────────────

create function holdfast.sweep_factors() returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone integer;
  more integer;
begin
  delete from holdfast.passkey_challenge c where c.hash in (
    select hash from holdfast.passkey_challenge where expires_at < clock_timestamp() order by expires_at limit 5000);
  get diagnostics gone = row_count;
  delete from holdfast.totp_enrolment t where t.expires_at < clock_timestamp();
  get diagnostics more = row_count;
  return gone + more;
end $$;
grant execute on function holdfast.sweep_factors() to holdfast_worker;

-- ── Recovery: whoever has lost every factor and every code ───────────────────────────────────────────────────────────

-- The slow way, for those whom nobody else can help, such as a sole owner: asked for with the password, begun by a link in a mail, and
-- carried out seven days later unless somebody stops it or signs in with a factor. Kept as a record.
-- middle_, done_: the mails that go out halfway and at the end; stop: the hash of the link in each of them.
create table holdfast.factor_recovery (
  id uuid primary key default gen_random_uuid(),
  person_id uuid not null references holdfast.person on delete cascade,
  begun_at timestamptz not null default clock_timestamp(),
  due_at timestamptz not null default clock_timestamp() + interval '7 days',
  told_at timestamptz,
  ended_at timestamptz,
  outcome text check (outcome in ('done', 'stopped', 'signed-in')),
  stop bytea not null unique check (octet_length(stop) = 32),
  middle_subject text not null,
  middle_body text not null,
  done_subject text not null,
  done_body text not null,
  check ((ended_at is null) = (outcome is null))
);
create unique index factor_recovery_alive on holdfast.factor_recovery (person_id) where ended_at is null;
create index factor_recovery_by_due on holdfast.factor_recovery (begun_at) where ended_at is null;
select holdfast.classify('holdfast.factor_recovery', 'account', $$
  id              none
  person_id       personal  security      account
  begun_at        personal  security      account
  due_at          personal  security      account
  told_at         none
  ended_at        personal  security      account
  outcome         personal  security      account
  stop            secret    address-token account
  middle_subject  none
  middle_body     secret    mail          until-sent
  done_subject    none
  done_body       secret    mail          until-sent
$$);
alter table holdfast.address_token drop constraint address_token_purpose_check,
  add constraint address_token_purpose_check check (purpose in
    ('reset', 'new-address', 'old-address', 'stop-address', 'undo-address', 'keep-account', 'begin-recovery'));

/* A link by which the bearer of a session, also one that has shown the password alone, begins the recovery. False for whoever has no
   second factor. HF401. */
create function holdfast.ask_recovery(secret bytea, link bytea, mail_subject text, mail_body text) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.half_bearer(secret);
begin
  if holdfast.factor_count(who) = 0 then return false; end if;
  insert into holdfast.address_token (hash, person_id, purpose, expires_at)
    values (link, who, 'begin-recovery', clock_timestamp() + interval '30 minutes');
  perform holdfast.notify_person(who, mail_subject, mail_body);
  return true;
end $$;
grant execute on function holdfast.ask_recovery(bytea, bytea, text, text) to holdfast_identity;

/* Begins it, once for each link, and says when it is due; one that waits already is not begun anew. Null for a dead link. */
create function holdfast.begin_recovery(
  link bytea, stop bytea, begun_subject text, begun_body text,
  middle_subject text, middle_body text, done_subject text, done_body text
) returns timestamptz
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid;
  due timestamptz;
begin
  select t.person_id into who from holdfast.address_token t where t.hash = link and t.purpose = 'begin-recovery';
  if not found then return null; end if;
  perform holdfast.lock_account(who);
  delete from holdfast.address_token t where t.hash = link and t.expires_at > clock_timestamp();
  if not found or holdfast.factor_count(who) = 0 then return null; end if;
  select r.due_at into due from holdfast.factor_recovery r where r.person_id = who and r.ended_at is null;
  if found then return due; end if;
  insert into holdfast.factor_recovery (person_id, stop, middle_subject, middle_body, done_subject, done_body)
    values (who, begin_recovery.stop, begin_recovery.middle_subject, begin_recovery.middle_body, begin_recovery.done_subject, begin_recovery.done_body)
  returning due_at into due;
  perform holdfast.notify_person(who, begun_subject, begun_body);
  return due;
end $$;
grant execute on function holdfast.begin_recovery(bytea, bytea, text, text, text, text, text, text) to holdfast_identity;

/* For the verbs below. The texts hold a link: nothing of them stays. */
create function holdfast.end_recovery(person uuid, how text) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  update holdfast.factor_recovery r set ended_at = clock_timestamp(), outcome = how, middle_body = '', done_body = ''
   where r.person_id = end_recovery.person and r.ended_at is null;
  return found;
end $$;

/* Stops it by the link that stands in each of its mails. */
create function holdfast.stop_recovery(link bytea) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  return holdfast.end_recovery(r.person_id, 'stopped') from holdfast.factor_recovery r where r.stop = link and r.ended_at is null;
end $$;
grant execute on function holdfast.stop_recovery(bytea) to holdfast_identity;

/* When the bearer's recovery is due; null: none waits. For every session, so that each can show it. */
create function holdfast.my_recovery(secret bytea) returns timestamptz
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  return (select r.due_at from holdfast.factor_recovery r where r.person_id = holdfast.half_bearer(secret) and r.ended_at is null);
end $$;
grant execute on function holdfast.my_recovery(bytea) to holdfast_identity;

-- Whoever signs in with a factor has not lost it. The first session of a family only: one that goes on proves nothing new.
create function holdfast.factor_was_shown() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform holdfast.end_recovery(new.person_id, 'signed-in');
  return null;
end $$;
create trigger factor_was_shown after insert on holdfast.pass for each row
  when (new.kind = 's' and new.assurance > 1 and new.generation = 0) execute function holdfast.factor_was_shown();

/* Whether the next step of a recovery is due: the mail halfway, and then the end. */
create function holdfast.step_is_due(r holdfast.factor_recovery) returns boolean
language sql volatile set search_path = pg_catalog, pg_temp
return r.due_at <= clock_timestamp() or (r.told_at is null and r.begun_at < clock_timestamp() - interval '84 hours');

/* Halfway: one more mail. At the end: the factors go, and all sessions with them. Returns how many were carried out. */
create function holdfast.run_recoveries() returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  waiting record;
  it holdfast.factor_recovery;
  done integer := 0;
begin
  for waiting in
    select r.id, r.person_id from holdfast.factor_recovery r
     where r.ended_at is null and holdfast.step_is_due(r) order by r.begun_at limit 100
  loop
    -- Whoever signs in with a factor at this moment holds the person, and then ends what waits here: so this waits for them.
    perform holdfast.lock_account(waiting.person_id);
    select * into it from holdfast.factor_recovery r
     where r.id = waiting.id and r.ended_at is null and holdfast.step_is_due(r) for update;
    continue when not found;
    if it.told_at is null then
      perform holdfast.notify_person(it.person_id, it.middle_subject, it.middle_body);
      -- A server that stood still for days owes the owner the rest of the time after this mail.
      update holdfast.factor_recovery r set told_at = clock_timestamp(), middle_body = '',
          due_at = greatest(r.due_at, clock_timestamp() + interval '3 days') where r.id = it.id;
      continue;
    end if;
    perform holdfast.remove_factors(it.person_id);
    perform holdfast.end_recovery(it.person_id, 'done');
    perform holdfast.notify_person(it.person_id, it.done_subject, it.done_body);
    done := done + 1;
  end loop;
  return done;
end $$;
grant execute on function holdfast.run_recoveries() to holdfast_worker;
