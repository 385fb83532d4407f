-- Accounts: an address, a name, and a password that exists only as a hash. Nothing here is granted to anybody: the identity
-- role has the narrow verbs below, and none of them gives out more than one account at a time.

create table holdfast.account (
  person_id uuid primary key references holdfast.person on delete cascade,
  -- As it was typed: mail goes here. What it is compared by is the key: see addressKey in accounts.ts.
  address text not null check (octet_length(address) between 3 and 320 and address !~ '[[:space:][:cntrl:]]'),
  address_key text not null unique check (octet_length(address_key) between 3 and 400 and address_key !~ '[[:space:][:cntrl:]]'),
  name text not null check (char_length(name) between 1 and 200 and name !~ '[[:cntrl:]]'),
  -- bcrypt of cost 12 or more, and nothing else, whatever the application does.
  password_hash text not null constraint account_password_is_hashed
    check (password_hash ~ '^\$2[aby]\$(1[2-9]|2[0-9]|3[01])\$[./A-Za-z0-9]{53}$'),
  created_at timestamptz not null default clock_timestamp(),
  verified_at timestamptz
);
select holdfast.classify('holdfast.account', 'account', $$
  person_id      none
  address        personal  contact   account
  address_key    personal  contact   account
  name           personal  contact   account
  password_hash  secret    password  account
  created_at     personal  account   account
  verified_at    personal  account   account
$$);

-- What a link in a mail carries, by its hash. Works once, and for a day.
create table holdfast.address_token (
  hash bytea primary key check (octet_length(hash) = 32),
  person_id uuid not null references holdfast.account on delete cascade,
  purpose text not null check (purpose in ('verify')),
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null
);
create index address_token_by_person on holdfast.address_token (person_id, purpose, created_at);
create index address_token_by_expiry on holdfast.address_token (expires_at);
select holdfast.classify('holdfast.address_token', 'account', $$
  hash        secret  address-token  one-day
  person_id   none
  purpose     none
  created_at  none
  expires_at  none
$$);

/* A new account, not verified yet, and the mail that verifies it. Where the address has an account already nothing changes,
   and its owner is told; the caller cannot tell which of the two it was. An address that nobody has confirmed for a day is
   free again, so that nobody can hold another's address. `token_hash`: SHA-256 of what the link in the mail carries. */
create function holdfast.sign_up(
  shown_address text, key text, shown_name text, hashed_password text, token_hash bytea,
  new_subject text, new_body text, known_subject text, known_body text
) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  made uuid := gen_random_uuid();
  stale uuid;
begin
  select a.person_id into stale from holdfast.account a
   where a.address_key = key and a.verified_at is null and a.created_at < clock_timestamp() - interval '1 day'
     for update;
  if found then delete from holdfast.person p where p.id = stale; end if;

  perform holdfast.add_person(made, shown_address like '%@canary.invalid');
  -- Of two at once the second waits here, and then finds the first.
  insert into holdfast.account (person_id, address, address_key, name, password_hash)
    values (made, shown_address, key, shown_name, hashed_password)
    on conflict (address_key) do nothing;
  if found then
    insert into holdfast.address_token (hash, person_id, purpose, expires_at)
      values (token_hash, made, 'verify', clock_timestamp() + interval '1 day');
    perform holdfast.queue_mail(shown_address, new_subject, new_body);
  else
    delete from holdfast.person p where p.id = made;
    -- To the address that is on record, never to the one that was typed: they may differ where the key does not.
    perform holdfast.queue_mail(a.address, known_subject, known_body) from holdfast.account a where a.address_key = key;
  end if;
end $$;
grant execute on function holdfast.sign_up(text, text, text, text, bytea, text, text, text, text) to holdfast_identity;

/* Who has this address, and the hash to compare with. No row: nobody. */
create function holdfast.credential(key text) returns table (person uuid, password_hash text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select a.person_id, a.password_hash from holdfast.account a where a.address_key = key;
end;
grant execute on function holdfast.credential(text) to holdfast_identity;

/* Confirms the address that the token was sent to. Of several at once exactly one gets true; used, expired and unknown
   tokens get false alike. */
create function holdfast.verify_address(token_hash bytea) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid;
begin
  select t.person_id into who from holdfast.address_token t where t.hash = token_hash and t.purpose = 'verify';
  if not found then return false; end if;
  -- The account first, always: two links of one person that arrive together take turns.
  perform from holdfast.account a where a.person_id = who for update;
  delete from holdfast.address_token t where t.hash = token_hash and t.purpose = 'verify' and t.expires_at > clock_timestamp();
  if not found then return false; end if;
  delete from holdfast.address_token t where t.person_id = who and t.purpose = 'verify';
  update holdfast.account a set verified_at = clock_timestamp() where a.person_id = who and a.verified_at is null;
  perform holdfast.mark_verified(who);
  return true;
end $$;
grant execute on function holdfast.verify_address(bytea) to holdfast_identity;

/* Another mail for whoever presents a live session; nothing where the address is verified. HF429 past five in an hour. */
create function holdfast.verify_again(secret bytea, token_hash bytea, mail_subject text, mail_body text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, false);
  it holdfast.account;
begin
  select * into it from holdfast.account a where a.person_id = who for update;
  if it.verified_at is not null then return; end if;
  if (select count(*) from holdfast.address_token t
       where t.person_id = who and t.purpose = 'verify' and t.created_at > clock_timestamp() - interval '1 hour') >= 5 then
    raise exception 'too many mails in an hour' using errcode = 'HF429';
  end if;
  insert into holdfast.address_token (hash, person_id, purpose, expires_at)
    values (token_hash, who, 'verify', clock_timestamp() + interval '1 day');
  perform holdfast.queue_mail(it.address, mail_subject, mail_body);
end $$;
grant execute on function holdfast.verify_again(bytea, bytea, text, text) to holdfast_identity;

/* What the bearer of a live session is told about himself, verified or not. */
create function holdfast.my_account(secret bytea) returns table (person uuid, name text, address text, verified boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, false);
begin
  return query select a.person_id, a.name, a.address, a.verified_at is not null from holdfast.account a where a.person_id = who;
end $$;
grant execute on function holdfast.my_account(bytea) to holdfast_app, holdfast_identity;

/* Tokens that nobody used in time. */
create function holdfast.sweep_address_tokens() returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone integer;
begin
  delete from holdfast.address_token t where t.expires_at < clock_timestamp() - interval '1 hour';
  get diagnostics gone = row_count;
  return gone;
end $$;
grant execute on function holdfast.sweep_address_tokens() to holdfast_worker;

/* What stored passwords look like, over all accounts: numbers, and never a row. `salts` counts different ones. */
create function holdfast.password_shapes() returns table (shape text, accounts bigint, salts bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select case when a.password_hash ~ '^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$'
              then 'bcrypt, cost ' || substr(a.password_hash, 5, 2) else 'something else' end,
         count(*), count(distinct substr(a.password_hash, 8, 22))
    from holdfast.account a group by 1 order by 1;
end;
grant execute on function holdfast.password_shapes() to holdfast_auditor;
