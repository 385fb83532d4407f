-- Organisations, their members and their invitations. A seat (tenant-isolation) is what opens an organisation; what lies
-- here is its name, and what members may know of each other. Every change of membership goes through a verb below, which
-- first locks the organisation's row: two at once take turns, so that "never the last owner" holds.

create table holdfast.organisation (
  id uuid primary key default gen_random_uuid(),
  name text not null check (char_length(name) between 1 and 200 and name !~ '[[:cntrl:]]'),
  created_at timestamptz not null default clock_timestamp()
);
select holdfast.classify('holdfast.organisation', 'account', $$
  id          none
  name        personal  organisation  organisation
  created_at  none
$$);

create table holdfast.member (
  organisation_id uuid not null references holdfast.organisation,
  person_id uuid not null references holdfast.person,
  name text not null,
  address text not null,
  role text not null,
  joined_at timestamptz not null default clock_timestamp(),
  primary key (organisation_id, person_id)
);
select holdfast.protect('holdfast.member', $$
  person_id  personal  membership  membership
  name       personal  contact     membership
  address    personal  contact     membership
  role       personal  membership  membership
  joined_at  personal  membership  membership
$$);

create table holdfast.invitation (
  organisation_id uuid not null references holdfast.organisation,
  id uuid not null default gen_random_uuid(),
  address text not null check (octet_length(address) between 3 and 320 and address !~ '[[:space:][:cntrl:]]'),
  address_key text not null check (octet_length(address_key) between 3 and 400 and address_key !~ '[[:space:][:cntrl:]]'),
  role text not null,
  invited_by uuid not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  primary key (organisation_id, id),
  -- A second invitation to the same address takes the place of the first.
  unique (organisation_id, address_key),
  -- Whoever is removed leaves no invitation behind by which to come back.
  foreign key (organisation_id, invited_by) references holdfast.member on delete cascade
);
select holdfast.protect('holdfast.invitation', $$
  id           none
  address      personal  contact     invitation
  address_key  personal  contact     invitation
  role         none
  invited_by   personal  membership  invitation
  created_at   none
  expires_at   none
$$);
-- Members read both; they change by the verbs alone.
revoke insert, update, delete on holdfast.member, holdfast.invitation from holdfast_app, holdfast_worker;

-- What the link in an invitation carries, by its hash: before anybody has entered, it names the organisation.
create table holdfast.invitation_token (
  hash bytea primary key check (octet_length(hash) = 32),
  organisation_id uuid not null,
  invitation_id uuid not null,
  address_key text not null,
  role text not null,
  expires_at timestamptz not null,
  foreign key (organisation_id, invitation_id) references holdfast.invitation on delete cascade
);
create index invitation_token_by_invitation on holdfast.invitation_token (organisation_id, invitation_id);
select holdfast.classify('holdfast.invitation_token', 'account', $$
  hash             secret    invitation-token  invitation
  organisation_id  none
  invitation_id    none
  address_key      personal  contact           invitation
  role             none
  expires_at       none
$$);

-- ── Before an organisation is entered: whoever presents a live session ───────────────────────────────────────────────

/* For the verbs below: makes the organisation, its first owner, and enters it. HF429 past a hundred seats. */
create function holdfast.found_for(who uuid, organisation_name text) returns uuid
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  made uuid;
begin
  if (select count(*) from holdfast.seat s where s.person_id = who) >= 100 then
    raise exception 'too many organisations' using errcode = 'HF429';
  end if;
  insert into holdfast.organisation (name) values (organisation_name) returning id into made;
  perform holdfast.grant_seat(made, who, 'owner');
  perform holdfast.assume(made, who);
  insert into holdfast.member (organisation_id, person_id, name, address, role)
    select made, a.person_id, a.name, a.address, 'owner' from holdfast.account a where a.person_id = who;
  return made;
end $$;

/* A new organisation, owned by whoever presents `secret`; its id is made here. HF401, HF412, HF429. */
create function holdfast.found_organisation(secret bytea, organisation_name text) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, true);
begin
  perform from holdfast.person p where p.id = who for update;
  return holdfast.found_for(who, organisation_name);
end $$;
grant execute on function holdfast.found_organisation(bytea, text) to holdfast_app;

/* The organisation of one, for products of individuals: named for the person, and made when it is first asked for. */
create function holdfast.own_organisation(secret bytea) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, true);
  known uuid;
begin
  -- Two tabs that look for the first time take turns: one founds, the other finds.
  perform from holdfast.person p where p.id = who for update;
  select s.organisation_id into known from holdfast.seat s where s.person_id = who order by s.organisation_id limit 1;
  if found then return known; end if;
  return holdfast.found_for(who, (select a.name from holdfast.account a where a.person_id = who));
end $$;
grant execute on function holdfast.own_organisation(bytea) to holdfast_app;

/* The organisations of whoever presents `secret`, with their names. */
create function holdfast.my_organisations(secret bytea) returns table (id uuid, name text, role text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select o.id, o.name, s.role_name from holdfast.my_seats(secret) s join holdfast.organisation o on o.id = s.organisation_id
   order by o.name, o.id;
end;
grant execute on function holdfast.my_organisations(bytea) to holdfast_app;

/* Accepts an invitation, which opens only for the verified address that it was sent to, and only once. Returns the
   organisation; null alike for tokens that are used, withdrawn, expired, unknown or somebody else's. HF401, HF412. */
create function holdfast.accept(secret bytea, token_hash bytea) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, true);
  mine holdfast.account;
  taken holdfast.invitation_token;
begin
  select * into mine from holdfast.account a where a.person_id = who;
  -- The organisation's row first, as in every verb here; what is found before the lock is looked at again after it.
  perform from holdfast.organisation o
   where o.id = (select t.organisation_id from holdfast.invitation_token t where t.hash = token_hash) for no key update;
  delete from holdfast.invitation_token t
   where t.hash = token_hash and t.address_key = mine.address_key and t.expires_at > clock_timestamp()
  returning * into taken;
  if not found then return null; end if;
  if exists (select from holdfast.seat s where s.person_id = who and s.organisation_id = taken.organisation_id) then
    -- A member already: the role stays as it is, lest an old invitation make an owner less.
    perform holdfast.assume(taken.organisation_id, who);
  else
    perform holdfast.grant_seat(taken.organisation_id, who, taken.role);
    perform holdfast.assume(taken.organisation_id, who);
    insert into holdfast.member (organisation_id, person_id, name, address, role)
      values (taken.organisation_id, who, mine.name, mine.address, taken.role);
  end if;
  delete from holdfast.invitation i where i.organisation_id = taken.organisation_id and i.id = taken.invitation_id;
  return taken.organisation_id;
end $$;
grant execute on function holdfast.accept(bytea, bytea) to holdfast_app;

-- ── Inside an organisation: the caller has entered, and the verb asks for the permission itself ──────────────────────

/* The role of whoever has entered; HF403 without `permission`. A route that forgets to ask changes nothing. */
create function holdfast.demand(permission text) returns holdfast.role
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  mine holdfast.role;
begin
  select r.* into mine from holdfast.seat s join holdfast.role r using (role_id)
   where s.person_id = holdfast.person() and s.organisation_id = holdfast.organisation()
     and exists (select from holdfast.permission p where p.name = permission and (r.permissions >> p.bit) & 1 = 1);
  if not found then raise exception 'permission missing' using errcode = 'HF403'; end if;
  return mine;
end $$;

/* Whether `mine` may give `theirs`, or take it away: nobody gives more than they have, and only owners make owners. */
create function holdfast.may_give(mine holdfast.role, theirs holdfast.role) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp
return theirs.permissions & ~mine.permissions = 0 and (theirs.name <> 'owner' or mine.name = 'owner');

/* The name of the organisation that was entered. */
create function holdfast.organisation_name() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select o.name from holdfast.organisation o where o.id = holdfast.organisation();
end;
grant execute on function holdfast.organisation_name() to holdfast_app, holdfast_worker;

/* Invites an address, for seven days, and queues the mail. Returns the invitation's id; null where the address is a
   member's already. HF403 for a role that may more than one may oneself, HF422 for an unknown one, HF429 past 200 open. */
create function holdfast.invite(
  shown_address text, key text, role_name text, token_hash bytea, mail_subject text, mail_body text
) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  here uuid := holdfast.organisation();
  mine holdfast.role;
  theirs holdfast.role;
  made uuid;
  until timestamptz := clock_timestamp() + interval '7 days';
begin
  perform from holdfast.organisation o where o.id = here for no key update;
  mine := holdfast.demand('members.invite');
  select * into theirs from holdfast.role r where r.name = role_name;
  if not found then raise exception 'no such role' using errcode = 'HF422'; end if;
  if not holdfast.may_give(mine, theirs) then raise exception 'that role may more than you' using errcode = 'HF403'; end if;
  if exists (select from holdfast.account a join holdfast.seat s using (person_id) where a.address_key = key and s.organisation_id = here) then
    return null;
  end if;
  delete from holdfast.invitation i where i.organisation_id = here and (i.address_key = key or i.expires_at < clock_timestamp());
  if (select count(*) from holdfast.invitation i where i.organisation_id = here) >= 200 then
    raise exception 'too many open invitations' using errcode = 'HF429';
  end if;
  insert into holdfast.invitation (organisation_id, address, address_key, role, invited_by, expires_at)
    values (here, shown_address, key, role_name, holdfast.person(), until) returning id into made;
  insert into holdfast.invitation_token (hash, organisation_id, invitation_id, address_key, role, expires_at)
    values (token_hash, here, made, key, role_name, until);
  perform holdfast.queue_mail(shown_address, mail_subject, mail_body);
  return made;
end $$;
grant execute on function holdfast.invite(text, text, text, bytea, text, text) to holdfast_app;

/* Withdraws an invitation: its link is dead. Returns whether there was one. */
create function holdfast.revoke_invitation(invitation uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform from holdfast.organisation o where o.id = holdfast.organisation() for no key update;
  perform holdfast.demand('members.invite');
  delete from holdfast.invitation i where i.organisation_id = holdfast.organisation() and i.id = invitation;
  return found;
end $$;
grant execute on function holdfast.revoke_invitation(uuid) to holdfast_app;

/* Ends a membership, one's own or another's: from the next transaction on nothing opens. 'removed', or 'last-owner' where
   nobody would be left to own the organisation. HF403 for whoever may more than oneself, HF404 for nobody. */
create function holdfast.remove_member(person uuid) returns text
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
    select from holdfast.seat s join holdfast.role r using (role_id)
     where s.organisation_id = here and s.person_id <> remove_member.person and r.name = 'owner') then
    return 'last-owner';
  end if;
  delete from holdfast.member m where m.organisation_id = here and m.person_id = remove_member.person;
  perform holdfast.remove_seat(here, remove_member.person);
  return 'removed';
end $$;
grant execute on function holdfast.remove_member(uuid) to holdfast_app;
