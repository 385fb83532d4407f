-- What an organisation demands of its members, and who of them falls short of it.

-- A row says that everybody here needs a second factor. It is what members read and what the record of changes shows; what
-- entry obeys is the floor of the seats (tenant-isolation), which the verb below sets in the same transaction.
create table holdfast.mandate (
  organisation_id uuid not null references holdfast.organisation,
  demanded_by uuid not null,
  demanded_at timestamptz not null default clock_timestamp(),
  primary key (organisation_id)
);
select holdfast.protect('holdfast.mandate', $$
  demanded_by  personal  membership  membership
  demanded_at  none
$$);

-- Each reset by an administrator, for everybody here to see. The record of changes has it too, by this row.
create table holdfast.factor_reset (
  organisation_id uuid not null references holdfast.organisation,
  id uuid not null default gen_random_uuid(),
  person_id uuid not null,
  reset_by uuid not null,
  reset_at timestamptz not null default clock_timestamp(),
  primary key (organisation_id, id)
);
select holdfast.protect('holdfast.factor_reset', $$
  id         none
  person_id  personal  security  membership
  reset_by   personal  security  membership
  reset_at   none
$$);
-- Read by members, changed by the verbs alone.
revoke insert, update, delete on holdfast.mandate, holdfast.factor_reset from holdfast_app, holdfast_worker;

/* Whoever has entered, and has shown within a quarter of an hour who they are: `secret` is the session that entry took.
   HF401, HF427, HF440. */
create function holdfast.demand_fresh(secret bytea) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  if holdfast.fresh_bearer(secret, interval '15 minutes') is distinct from holdfast.person() then
    raise exception 'another session' using errcode = 'HF401';
  end if;
end $$;

/* Demands a second factor of everybody in the organisation that was entered, or no longer; from the next transaction on entry
   refuses whoever has shown one alone. 'done'; 'own-first' where the one who demands has none: he would be the first to be
   kept out. HF403, HF440. */
create function holdfast.demand_second_factor(secret bytea, demanded boolean) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  here uuid := holdfast.organisation();
begin
  perform from holdfast.organisation o where o.id = here for no key update;
  perform holdfast.demand('organisation.secure');
  perform holdfast.demand_fresh(secret);
  if not demanded then
    delete from holdfast.mandate m where m.organisation_id = here;
    perform holdfast.set_floor(here, 1::smallint);
    return 'done';
  end if;
  if holdfast.factor_count(holdfast.person()) = 0 then return 'own-first'; end if;
  insert into holdfast.mandate (organisation_id, demanded_by) values (here, holdfast.person()) on conflict (organisation_id) do nothing;
  perform holdfast.set_floor(here, 2::smallint);
  return 'done';
end $$;
grant execute on function holdfast.demand_second_factor(bytea, boolean) to holdfast_app;

/* The members of the organisation that was entered who have no second factor. HF403. */
create function holdfast.members_without_factor() returns table (person uuid)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform holdfast.demand('organisation.secure');
  return query select s.person_id from holdfast.seat s
    where s.organisation_id = holdfast.organisation() and holdfast.factor_count(s.person_id) = 0;
end $$;
grant execute on function holdfast.members_without_factor() to holdfast_app;

/* Takes all factors of a member away, ends all their sessions and tells them: for whoever has lost them. 'reset'; 'nothing' where
   there is none; 'oneself'; 'elsewhere' where the person belongs to another organisation too, whose doors are not ours to
   loosen. HF403 for whoever may more than oneself, HF404 for nobody, HF440. */
create function holdfast.reset_factors(secret bytea, person uuid, mail_subject text, mail_body text) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  here uuid := holdfast.organisation();
  mine holdfast.role;
  theirs holdfast.role;
begin
  perform from holdfast.organisation o where o.id = here for no key update;
  mine := holdfast.demand('organisation.secure');
  perform holdfast.demand_fresh(secret);
  if reset_factors.person = holdfast.person() then return 'oneself'; end if;
  perform holdfast.lock_account(reset_factors.person);
  -- For update, which the foreign key of a new seat waits for: so they found and join no other organisation meanwhile.
  perform from holdfast.person p where p.id = reset_factors.person for update;
  select r.* into theirs from holdfast.seat s join holdfast.role r using (role_id)
   where s.person_id = reset_factors.person and s.organisation_id = here;
  if not found then raise exception 'no such member' using errcode = 'HF404'; end if;
  if not holdfast.may_give(mine, theirs) then
    raise exception 'that member may more than you' using errcode = 'HF403';
  end if;
  if exists (select from holdfast.seat s where s.person_id = reset_factors.person and s.organisation_id <> here) then
    return 'elsewhere';
  end if;
  if holdfast.factor_count(reset_factors.person) = 0 then return 'nothing'; end if;
  insert into holdfast.factor_reset (organisation_id, person_id, reset_by) values (here, reset_factors.person, holdfast.person());
  perform holdfast.notify_person(reset_factors.person, mail_subject, mail_body);
  perform holdfast.remove_factors(reset_factors.person);
  return 'reset';
end $$;
grant execute on function holdfast.reset_factors(bytea, uuid, text, text) to holdfast_app;

/* Ends a membership, one's own or another's: from the next transaction on nothing opens. 'removed', or 'last-owner' where
   nobody would be left to own the organisation: whose account is closed owns nothing. HF403 for whoever may more than oneself, HF404 for nobody. */
create or replace function holdfast.remove_member(person uuid) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  here uuid := holdfast.organisation();
  leaves constant boolean := remove_member.person = holdfast.person();
  mine holdfast.role;
  theirs holdfast.role;
begin
  -- The row first: of two who remove each other the second finds that he is nobody here any more.
  perform from holdfast.organisation o where o.id = here for no key update;
  -- Leaving needs no permission.
  if not leaves then mine := holdfast.demand('members.remove'); end if;
  select r.* into theirs from holdfast.seat s join holdfast.role r using (role_id)
   where s.person_id = remove_member.person and s.organisation_id = here;
  if not found then raise exception 'no such member' using errcode = 'HF404'; end if;
  if not leaves and not holdfast.may_give(mine, theirs) then
    raise exception 'that member may more than you' using errcode = 'HF403';
  end if;
  if theirs.name = 'owner' and not exists (
    select from holdfast.seat s join holdfast.role r using (role_id) join holdfast.person p on p.id = s.person_id
     where s.organisation_id = here and s.person_id <> remove_member.person and r.name = 'owner' and p.disabled_at is null) then
    return 'last-owner';
  end if;
  delete from holdfast.member m where m.organisation_id = here and m.person_id = remove_member.person;
  perform holdfast.remove_seat(here, remove_member.person);
  return 'removed';
end $$;

-- ── What members know of each other follows the account ──────────────────────────────────────────────────────────────

/* Copies a new name or address into each organisation of the person, as that person: the record of changes says who it was. */
create function holdfast.copy_account_to_members() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  entered constant text := current_setting('backtrace_functions');
  here holdfast.seat;
begin
  for here in select * from holdfast.seat s where s.person_id = new.person_id order by s.organisation_id loop
    perform set_config('backtrace_functions', here.context, true);
    update holdfast.member m set name = new.name, address = new.address
     where m.organisation_id = here.organisation_id and m.person_id = new.person_id;
  end loop;
  perform set_config('backtrace_functions', entered, true);
  return null;
end $$;
create trigger copy_to_members after update of name, address on holdfast.account for each row
  when ((old.name, old.address) is distinct from (new.name, new.address)) execute function holdfast.copy_account_to_members();

/* An account that is deleted leaves its organisations: no name and no address of it stays there. */
create function holdfast.leave_organisations() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  entered constant text := current_setting('backtrace_functions');
  here holdfast.seat;
begin
  for here in select * from holdfast.seat s where s.person_id = old.person_id order by s.organisation_id loop
    perform set_config('backtrace_functions', here.context, true);
    delete from holdfast.member m where m.organisation_id = here.organisation_id and m.person_id = old.person_id;
    perform holdfast.remove_seat(here.organisation_id, old.person_id);
  end loop;
  perform set_config('backtrace_functions', entered, true);
  return old;
end $$;
create trigger leave_organisations before delete on holdfast.account for each row execute function holdfast.leave_organisations();

/* A recovery that was carried out stands in the record of each organisation, like a reset by an administrator: by the person. */
create function holdfast.record_recovery() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  entered constant text := current_setting('backtrace_functions');
  here holdfast.seat;
begin
  for here in select * from holdfast.seat s where s.person_id = new.person_id order by s.organisation_id loop
    perform set_config('backtrace_functions', here.context, true);
    insert into holdfast.factor_reset (organisation_id, person_id, reset_by) values (here.organisation_id, new.person_id, new.person_id);
  end loop;
  perform set_config('backtrace_functions', entered, true);
  return null;
end $$;
create trigger record_recovery after update on holdfast.factor_recovery for each row
  when (old.outcome is null and new.outcome = 'done') execute function holdfast.record_recovery();
