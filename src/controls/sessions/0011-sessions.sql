-- Sessions that are replaced while they are used. A pass is one secret of a session; `family` is the session. Whoever changes
-- what passes a person has locks the person first, so that nothing made meanwhile slips through an ending.

-- ── What a person is shown about their sessions ──────────────────────────────────────────────────────────────────────

-- Kept longer than the session itself: a browser that was here in the last 90 days is no new one.
create table holdfast.session (
  family uuid primary key,
  person_id uuid not null references holdfast.person on delete cascade,
  -- Such as «Firefox on Windows»; empty where the browser did not say anything that is known.
  device text not null check (char_length(device) <= 60 and device !~ '[[:cntrl:]]'),
  -- The network address that it was last seen in use from.
  address text not null check (char_length(address) <= 45 and address !~ '[[:cntrl:]]'),
  started_at timestamptz not null default clock_timestamp(),
  used_at timestamptz not null default clock_timestamp(),
  -- When the person was told that one of its secrets was stolen.
  alerted_at timestamptz
);
create index session_by_person on holdfast.session (person_id, started_at);
create index session_by_use on holdfast.session (used_at);
select holdfast.classify('holdfast.session', 'account', $$
  family      none
  person_id   personal  session  90-days
  device      personal  session  90-days
  address     personal  session  90-days
  started_at  personal  session  90-days
  used_at     personal  session  90-days
  alerted_at  personal  session  90-days
$$);
insert into holdfast.session (family, person_id, device, address, started_at, used_at)
  select p.family, p.person_id, '', '', min(p.started_at), max(p.issued_at) from holdfast.pass p where p.kind = 's'
   group by p.family, p.person_id;

-- A session is one line of secrets, whoever computes them.
create unique index pass_by_generation on holdfast.pass (family, generation) where kind = 's';
create index pass_replaced on holdfast.pass (dead_at) where generation > 0 and dead_at is not null;

-- Who last ended all sessions of the person, and when. Whatever was read before that transaction could be seen, such as the hash
-- of a password that it replaced, opens no new session.
alter table holdfast.person add sessions_ended_by xid8, add sessions_ended_at timestamptz;
insert into holdfast.column_inventory (table_name, column_name, holds, category, retention) values
  ('holdfast.person', 'sessions_ended_by', 'none', null, null),
  ('holdfast.person', 'sessions_ended_at', 'personal', 'account', 'account');

-- ── Beginning and ending ─────────────────────────────────────────────────────────────────────────────────────────────

-- From now on a session begins here, and so has its row.
revoke execute on function holdfast.mint(bytea, uuid, smallint, text, interval, interval, uuid) from holdfast_identity;

/* What the statement that asks can see, for `as_of` below. Stable: it has the snapshot of that statement. */
create function holdfast.seen_now() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select pg_current_snapshot()::text;
end;
grant execute on function holdfast.seen_now() to holdfast_identity;

/* A new session: see mint, whose refusals it raises. `as_of`: what the reader of the evidence could see (null: not asked);
   HF401 where all sessions of the person were ended since. `new_device`: this person has been here, but not by such a device. */
create function holdfast.begin_session(
  pass_hash bytea, person uuid, level smallint, shown text, idle_time interval, life interval, of_family uuid,
  seen_device text, seen_address text, as_of pg_snapshot, out verified boolean, out new_device boolean
)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  verified := holdfast.mint(pass_hash, person, level, shown, idle_time, life, of_family);
  -- Mint has the person's row to itself. Numbers of transactions mean nothing after a restore: only the last minutes count.
  if exists (select from holdfast.person p where p.id = person and p.sessions_ended_at > clock_timestamp() - interval '10 minutes'
              and not pg_visible_in_snapshot(p.sessions_ended_by, as_of)) then
    raise exception 'what was shown has been replaced meanwhile' using errcode = 'HF401';
  end if;
  select coalesce(bool_and(s.device <> seen_device), false) into new_device from holdfast.session s where s.person_id = person;
  insert into holdfast.session (family, person_id, device, address) values (of_family, person, seen_device, seen_address);
end $$;
grant execute on function holdfast.begin_session(bytea, uuid, smallint, text, interval, interval, uuid, text, text, pg_snapshot) to holdfast_identity;

/* A new session for the person of a live one, which ends with it: after a second factor, or when somebody has shown anew who they
   are. HF401 where it is not alive. Returns whether the address is verified. */
create function holdfast.replace_session(
  secret bytea, pass_hash bytea, level smallint, shown text, idle_time interval, life interval, of_family uuid,
  seen_device text, seen_address text
) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.half_bearer(secret);
  answer boolean := (holdfast.begin_session(pass_hash, who, level, shown, idle_time, life, of_family, seen_device, seen_address, null)).verified;
begin
  -- The person is locked by now: once more, for it may have been ended meanwhile.
  perform holdfast.half_bearer(secret);
  perform holdfast.end_session(secret);
  return answer;
end $$;
grant execute on function holdfast.replace_session(bytea, bytea, smallint, text, interval, interval, uuid, text, text) to holdfast_identity;

/* Waits for whoever is just making or ending a session of this person. */
create function holdfast.lock_person(person uuid) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
  select 1 from holdfast.person p where p.id = person for no key update;
end;

/* Ends the session that is presented, with all its secrets, also one that is made at this moment. Returns whether it was alive. */
create or replace function holdfast.end_session(secret bytea) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  it holdfast.pass;
begin
  select * into it from holdfast.pass p where p.hash = sha256(secret) and p.kind = 's' and p.revoked_at is null;
  if not found then return false; end if;
  perform holdfast.lock_person(it.person_id);
  update holdfast.pass p set revoked_at = clock_timestamp() where p.family = it.family and p.kind = 's' and p.revoked_at is null;
  return found;
end $$;

/* Ends all sessions of a person, but for the family given (null: none is spared). Returns how many secrets ended. */
create or replace function holdfast.end_sessions_of(person uuid, spared uuid) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  ended integer;
begin
  -- This locks the person too.
  update holdfast.person p set sessions_ended_by = pg_current_xact_id(), sessions_ended_at = clock_timestamp() where p.id = person;
  update holdfast.pass p set revoked_at = clock_timestamp()
   where p.person_id = person and p.revoked_at is null and p.family is distinct from spared;
  get diagnostics ended = row_count;
  return ended;
end $$;

-- ── Rotation ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/* Called when entry says that something is due, in a transaction of its own. A secret that is seen in use for the first time is
   settled: the ones before it die half a minute later. A secret older than the shortest time that a seat of the person
   allows gets a successor, whose hash `successor` the caller has computed; anybody else computes the same one, so that of
   many at once one row comes of it. A row comes back only while that successor has not been seen in use: then the caller
   hands it out, again if need be, for an earlier answer may have been lost. Nothing: hand out nothing, take nothing away. */
create function holdfast.touch(secret bytea, successor bytea, seen_address text)
returns table (issued_at timestamptz, expires_at timestamptz)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
#variable_conflict use_column
declare
  it holdfast.pass;
  following holdfast.pass;
  rotate_after interval;
begin
  select * into it from holdfast.pass p where p.hash = sha256(secret) and p.kind = 's';
  if not found then return; end if;
  perform holdfast.lock_person(it.person_id);
  select * into it from holdfast.pass p
   where p.hash = it.hash and p.revoked_at is null and p.expires_at > clock_timestamp() and p.issued_at + p.idle > clock_timestamp()
     and p.dead_at is null;
  -- Ended; or its successor is in use already, and this one has half a minute left.
  if not found then return; end if;

  if it.settled_at is null then
    update holdfast.pass p set settled_at = clock_timestamp() where p.hash = it.hash;
    update holdfast.pass p set dead_at = clock_timestamp() + interval '30 seconds'
     where p.family = it.family and p.kind = 's' and p.generation < it.generation and p.dead_at is null;
  end if;
  update holdfast.session s set used_at = clock_timestamp(), address = seen_address where s.family = it.family;

  select coalesce(min(s.rotate_after), interval '10 minutes') into rotate_after from holdfast.seat s where s.person_id = it.person_id;
  if it.issued_at + rotate_after >= clock_timestamp() then return; end if;
  insert into holdfast.pass (hash, kind, person_id, family, generation, verified, assurance, wanted, evidence, idle, rested,
                             started_at, shown_at, settled_at, expires_at)
    values (successor, 's', it.person_id, it.family, it.generation + 1, it.verified, it.assurance, it.wanted, it.evidence, it.idle,
            greatest(it.rested, clock_timestamp() - it.issued_at), it.started_at, it.shown_at, null, it.expires_at)
    on conflict do nothing;
  select * into following from holdfast.pass p where p.family = it.family and p.kind = 's' and p.generation = it.generation + 1;
  if following.hash is distinct from successor or following.settled_at is not null then return; end if;
  -- It was lost, or forgotten, and is handed out late: only now does it begin to rest.
  if following.issued_at + rotate_after < clock_timestamp() then
    update holdfast.pass p set issued_at = clock_timestamp(), rested = greatest(p.rested, clock_timestamp() - it.issued_at)
     where p.hash = following.hash returning * into following;
  end if;
  return query select following.issued_at, following.expires_at;
end $$;
grant execute on function holdfast.touch(bytea, bytea, text) to holdfast_identity;

/* A secret was refused. If its successor is in use, two hold what was one person's: the whole session ends. A row comes back
   the first time, for the one mail about it. Nothing happens for any other secret, nor where the session is over anyway. */
create function holdfast.report_reuse(secret bytea)
returns table (person uuid, device text, started_at timestamptz)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
#variable_conflict use_column
declare
  it holdfast.pass;
begin
  select * into it from holdfast.pass p
   where p.hash = sha256(secret) and p.kind = 's' and p.revoked_at is null and p.dead_at <= clock_timestamp()
     and exists (select from holdfast.pass n where n.family = p.family and n.kind = 's' and n.generation > p.generation and n.revoked_at is null
                  and n.dead_at is null and n.expires_at > clock_timestamp() and n.issued_at + n.idle > clock_timestamp());
  if not found then return; end if;
  perform holdfast.lock_person(it.person_id);
  update holdfast.pass p set revoked_at = clock_timestamp() where p.family = it.family and p.revoked_at is null;
  return query
    update holdfast.session s set alerted_at = clock_timestamp() where s.family = it.family and s.alerted_at is null
    returning s.person_id, s.device, s.started_at;
end $$;
grant execute on function holdfast.report_reuse(bytea) to holdfast_identity;

-- ── One's own sessions ───────────────────────────────────────────────────────────────────────────────────────────────

/* The live sessions of whoever presents one, the last used first. Times of use are to ten minutes, as rotation sees them. */
create function holdfast.my_sessions(secret bytea)
returns table (session uuid, device text, address text, started_at timestamptz, used_at timestamptz, current boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
#variable_conflict use_column
declare
  who uuid := holdfast.bearer(secret, false);
  own uuid := (holdfast.live_pass(secret)).family;
begin
  return query
    select s.family, s.device, s.address, s.started_at, greatest(s.started_at, date_bin('10 minutes', s.used_at, 'epoch')), s.family = own
      from holdfast.session s
     where s.person_id = who
       and exists (select from holdfast.pass p where p.family = s.family and p.kind = 's' and p.revoked_at is null and p.dead_at is null
                    and p.expires_at > clock_timestamp() and p.issued_at + p.idle > clock_timestamp())
     order by s.family = own desc, s.used_at desc, s.family limit 200;
end $$;
grant execute on function holdfast.my_sessions(bytea) to holdfast_identity;

/* Ends one of one's own sessions. Returns whether it was alive: another's, or none at all, is not. */
create function holdfast.end_my_session(secret bytea, session uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, false);
begin
  perform holdfast.lock_person(who);
  perform holdfast.bearer(secret, false);
  update holdfast.pass p set revoked_at = clock_timestamp()
   where p.family = session and p.person_id = who and p.kind = 's' and p.revoked_at is null;
  return found;
end $$;
grant execute on function holdfast.end_my_session(bytea, uuid) to holdfast_identity;

/* Ends all of one's sessions but the one that is presented. Returns how many they were. Keys and running jobs go on. */
create function holdfast.end_my_other_sessions(secret bytea) returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, false);
  own uuid := (holdfast.live_pass(secret)).family;
  ended integer;
begin
  perform holdfast.lock_person(who);
  perform holdfast.bearer(secret, false);
  with gone as (
    update holdfast.pass p set revoked_at = clock_timestamp()
     where p.person_id = who and p.kind = 's' and p.revoked_at is null and p.family <> own
    returning p.family, p.dead_at is null and p.expires_at > clock_timestamp() and p.issued_at + p.idle > clock_timestamp() as alive)
  select count(distinct g.family) filter (where g.alive) into ended from gone g;
  return ended;
end $$;
grant execute on function holdfast.end_my_other_sessions(bytea) to holdfast_identity;

-- ── Keeping house, and proving ───────────────────────────────────────────────────────────────────────────────────────

/* Secrets that were replaced a week ago: until then the return of one ends the session. And what was known of sessions that
   nobody used for 90 days. */
create function holdfast.sweep_sessions() returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone integer;
begin
  delete from holdfast.pass p where p.hash in (
    select q.hash from holdfast.pass q where q.generation > 0 and q.dead_at < clock_timestamp() - interval '7 days' order by q.dead_at limit 20000);
  delete from holdfast.session s where s.family in (
    select o.family from holdfast.session o where o.used_at < clock_timestamp() - interval '90 days' order by o.used_at limit 5000);
  get diagnostics gone = row_count;
  return gone;
end $$;
grant execute on function holdfast.sweep_sessions() to holdfast_worker;

/* Makes a canary's session older, as if so much time had gone by. For the prover, which cannot wait. It can only shorten a
   life, and nobody's but a canary's. Returns how many secrets it aged. */
create function holdfast.age_canary_session(secret bytea, gone_by interval) returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  aged integer;
begin
  if gone_by < interval '0' then raise exception 'time goes by one way' using errcode = 'HF422'; end if;
  update holdfast.pass p
     set issued_at = p.issued_at - gone_by, settled_at = p.settled_at - gone_by, dead_at = p.dead_at - gone_by,
         started_at = p.started_at - gone_by, shown_at = p.shown_at - gone_by
   where p.family = (select q.family from holdfast.pass q where q.hash = sha256(secret) and q.kind = 's')
     and exists (select from holdfast.person w where w.id = p.person_id and w.canary);
  get diagnostics aged = row_count;
  return aged;
end $$;
grant execute on function holdfast.age_canary_session(bytea, interval) to holdfast_prover;
