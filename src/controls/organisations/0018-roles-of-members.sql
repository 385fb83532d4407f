-- Members in roles that an organisation made for itself; roles that change hands; invitations that are sent again.

/* The role of whoever has entered, by its key; HF403 without `permission`. A route that forgets to ask changes nothing. Of a
   key's transaction: only what its scopes allow. */
create or replace function holdfast.demand(permission text) returns holdfast.role
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  here holdfast.seat;
  mine holdfast.role;
begin
  select s.* into here from holdfast.seat s where s.person_id = holdfast.person() and s.organisation_id = holdfast.organisation();
  if not found then raise exception 'permission missing' using errcode = 'HF403'; end if;
  mine := holdfast.role_of_seat(here);
  mine.permissions := mine.permissions & coalesce(holdfast.scopes(), mine.permissions);
  if not exists (select from holdfast.permission p where p.name = permission and (mine.permissions >> p.bit) & 1 = 1) then
    raise exception 'permission missing' using errcode = 'HF403';
  end if;
  return mine;
end $$;

/* The key of one's role in the organisation that was entered, and what one may do there. */
create function holdfast.standing() returns table (role text, permissions text[])
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  mine holdfast.role := holdfast.role_of_member(holdfast.organisation(), holdfast.person());
begin
  return query select mine.name, holdfast.permission_names(mine.permissions & coalesce(holdfast.scopes(), mine.permissions));
end $$;
grant execute on function holdfast.standing() to holdfast_app;

/* Whether the organisation would be left without an owner if this person were none: whose account is closed owns nothing. */
create function holdfast.owns_alone(organisation uuid, person uuid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
  select not exists (
    select from holdfast.seat s join holdfast.role r using (role_id) join holdfast.person p on p.id = s.person_id
     where s.organisation_id = owns_alone.organisation and s.person_id <> owns_alone.person and r.name = 'owner' and p.disabled_at is null);
end;

/* The organisations of whoever presents `secret`. `role`: its key; `role_name`: what it is called there. */
drop function holdfast.my_organisations(bytea);
create function holdfast.my_organisations(secret bytea) returns table (id uuid, name text, role text, role_name text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select o.id, o.name, s.role_name, coalesce(c.name, s.role_name)
    from holdfast.my_seats(secret) s
    join holdfast.organisation o on o.id = s.organisation_id
    left join holdfast.custom_role c on c.organisation_id = s.organisation_id and c.id::text = s.role_name
   order by o.name, o.id;
end;
grant execute on function holdfast.my_organisations(bytea) to holdfast_app;

-- Who gave it: accepted is only what they may still give.
alter table holdfast.invitation_token add invited_by uuid;
insert into holdfast.column_inventory (table_name, column_name, holds, category, retention)
  values ('holdfast.invitation_token', 'invited_by', 'personal', 'membership', 'invitation');

/* As in 0006, but that an owner is invited only by whoever has shown within a quarter of an hour who they are: `secret` is the
   session that entry took. A session that was left open for a day makes nobody an owner, who would stay when it ends. HF440. */
drop function holdfast.invite(text, text, text, bytea, text, text);
create function holdfast.invite(
  secret bytea, shown_address text, key text, role_name text, token_hash bytea, mail_subject text, mail_body text
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
  -- Whom a key invited would stay when it is withdrawn.
  if holdfast.scopes() is not null then raise exception 'no key invites' using errcode = 'HF403'; end if;
  theirs := holdfast.role_by_key(here, role_name);
  if not holdfast.may_give(mine, theirs) then raise exception 'that role may more than you' using errcode = 'HF403'; end if;
  if theirs.name = 'owner' then perform holdfast.demand_fresh(secret); end if;
  if exists (select from holdfast.account a join holdfast.seat s using (person_id) where a.address_key = key and s.organisation_id = here) then
    return null;
  end if;
  delete from holdfast.invitation i where i.organisation_id = here and (i.address_key = key or i.expires_at < clock_timestamp());
  if (select count(*) from holdfast.invitation i where i.organisation_id = here) >= 200 then
    raise exception 'too many open invitations' using errcode = 'HF429';
  end if;
  insert into holdfast.invitation (organisation_id, address, address_key, role, invited_by, expires_at)
    values (here, shown_address, key, theirs.name, holdfast.person(), until) returning id into made;
  insert into holdfast.invitation_token (hash, organisation_id, invitation_id, address_key, role, expires_at, invited_by)
    values (token_hash, here, made, key, theirs.name, until, holdfast.person());
  perform holdfast.queue_mail(shown_address, mail_subject, mail_body);
  return made;
end $$;
grant execute on function holdfast.invite(bytea, text, text, text, bytea, text, text) to holdfast_app;

/* Sends an open invitation again, in one's own name: a new link, for seven days anew; the old one is dead. Returns the address;
   null where there is no such invitation, or it has expired. HF403 for a role that may more than oneself. */
create function holdfast.resend_invitation(invitation uuid, token_hash bytea, mail_subject text, mail_body text) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  here uuid := holdfast.organisation();
  mine holdfast.role;
  again holdfast.invitation;
  until timestamptz := clock_timestamp() + interval '7 days';
begin
  perform from holdfast.organisation o where o.id = here for no key update;
  mine := holdfast.demand('members.invite');
  if holdfast.scopes() is not null then raise exception 'no key invites' using errcode = 'HF403'; end if;
  select i.* into again from holdfast.invitation i
   where i.organisation_id = here and i.id = resend_invitation.invitation and i.expires_at > clock_timestamp();
  if not found then return null; end if;
  if not holdfast.may_give(mine, holdfast.role_by_key(here, again.role)) then
    raise exception 'that role may more than you' using errcode = 'HF403';
  end if;
  delete from holdfast.invitation_token t where t.organisation_id = here and t.invitation_id = again.id;
  update holdfast.invitation i set expires_at = until, invited_by = holdfast.person() where i.organisation_id = here and i.id = again.id;
  insert into holdfast.invitation_token (hash, organisation_id, invitation_id, address_key, role, expires_at, invited_by)
    values (token_hash, here, again.id, again.address_key, again.role, until, holdfast.person());
  perform holdfast.queue_mail(again.address, mail_subject, mail_body);
  return again.address;
end $$;
grant execute on function holdfast.resend_invitation(uuid, bytea, text, text) to holdfast_app;

/* See 0006. What is accepted is only what whoever invited may still give: the role may have grown since, or their own shrunk. */
create or replace function holdfast.accept(secret bytea, token_hash bytea) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, true);
  mine holdfast.account;
  taken holdfast.invitation_token;
  inviting holdfast.seat;
begin
  select * into mine from holdfast.account a where a.person_id = who;
  -- The organisation's row first, as in every verb here; what is found before the lock is looked at again after it.
  perform from holdfast.organisation o
   where o.id = (select t.organisation_id from holdfast.invitation_token t where t.hash = token_hash) for no key update;
  delete from holdfast.invitation_token t
   where t.hash = token_hash and t.address_key = mine.address_key and t.expires_at > clock_timestamp()
  returning * into taken;
  if not found then return null; end if;
  select s.* into inviting from holdfast.seat s
   where s.organisation_id = taken.organisation_id and s.person_id = taken.invited_by;
  if not found or not holdfast.may_give(holdfast.role_of_seat(inviting), holdfast.role_by_key(taken.organisation_id, taken.role)) then
    return null;
  end if;
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

/* See 0013. The organisations that the account owns are locked first, as every verb here does: of two owners who go at once, by
   whatever way, the second finds that they are the last. */
create or replace function holdfast.close_account(secret bytea, link bytea, mail_subject text, mail_body text) returns uuid[]
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.fresh_bearer(secret, interval '15 minutes');
  locked uuid[];
  forlorn uuid[];
begin
  locked := holdfast.lock_organisations_of(who);
  perform from holdfast.account a where a.person_id = who for update;
  -- Once more, after the wait: what was done meanwhile may have ended this session, or made the person an owner elsewhere.
  perform holdfast.fresh_bearer(secret, interval '15 minutes');
  if exists (select from holdfast.seat s where s.person_id = who and s.organisation_id <> all (locked)) then
    raise exception 'a seat was given meanwhile: try again' using errcode = '40001';
  end if;
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

/* Locks the organisations of a person, in one order, and returns which. */
create function holdfast.lock_organisations_of(person uuid) returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform from holdfast.organisation o
   where o.id in (select s.organisation_id from holdfast.seat s where s.person_id = lock_organisations_of.person)
   order by o.id for no key update;
  return array(select s.organisation_id from holdfast.seat s where s.person_id = lock_organisations_of.person);
end $$;

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
  -- Leaving needs no permission, but for a key: what it may not do, it does not do to its maker either.
  if not leaves or holdfast.scopes() is not null then mine := holdfast.demand('members.remove'); end if;
  theirs := holdfast.role_of_member(here, remove_member.person);
  if not leaves and not holdfast.may_give(mine, theirs) then
    raise exception 'that member may more than you' using errcode = 'HF403';
  end if;
  if theirs.name = 'owner' and holdfast.owns_alone(here, remove_member.person) then return 'last-owner'; end if;
  delete from holdfast.member m where m.organisation_id = here and m.person_id = remove_member.person;
  perform holdfast.remove_seat(here, remove_member.person);
  return 'removed';
end $$;

/* See 0015: the role may now be one of the organisation's own. */
create or replace function holdfast.reset_factors(secret bytea, person uuid, mail_subject text, mail_body text) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  here uuid := holdfast.organisation();
  mine holdfast.role;
begin
  perform from holdfast.organisation o where o.id = here for no key update;
  mine := holdfast.demand('organisation.secure');
  perform holdfast.demand_fresh(secret);
  if reset_factors.person = holdfast.person() then return 'oneself'; end if;
  perform holdfast.lock_account(reset_factors.person);
  -- For update, which the foreign key of a new seat waits for: so they found and join no other organisation meanwhile.
  perform from holdfast.person p where p.id = reset_factors.person for update;
  if not holdfast.may_give(mine, holdfast.role_of_member(here, reset_factors.person)) then
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

drop function holdfast.members_without_factor();

/* How many members of the organisation that was entered have no second factor. HF403. */
create function holdfast.count_without_factor() returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform holdfast.demand('organisation.secure');
  -- In one go: asked of each of ten thousand, factor_count takes a tenth of a second.
  return (select count(*) from holdfast.seat s
    where s.organisation_id = holdfast.organisation()
      and not exists (select from holdfast.totp t where t.person_id = s.person_id)
      and not exists (select from holdfast.passkey k where k.person_id = s.person_id));
end $$;
grant execute on function holdfast.count_without_factor() to holdfast_app;

/* Those of `persons` who are members of the organisation that was entered and have a second factor. HF403. */
create function holdfast.members_with_factor(persons uuid[]) returns uuid[]
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform holdfast.demand('organisation.secure');
  return array(select s.person_id from holdfast.seat s
    where s.organisation_id = holdfast.organisation() and s.person_id = any (persons) and holdfast.factor_count(s.person_id) > 0);
end $$;
grant execute on function holdfast.members_with_factor(uuid[]) to holdfast_app;

/* For the verbs that take something from these members: the invitations that they gave and may no longer give go with it. Else
   whoever is about to lose a role would leave it at another address of theirs. */
create function holdfast.withdraw_excess(organisation uuid, persons uuid[]) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
  delete from holdfast.invitation i
   where i.organisation_id = withdraw_excess.organisation and i.invited_by = any (persons)
     and not holdfast.may_give(holdfast.role_of_member(i.organisation_id, i.invited_by), holdfast.role_by_key(i.organisation_id, i.role));
end;

/* For the verbs below: another role for a member, in the seat and in what members see. */
create function holdfast.put_into_role(organisation uuid, person uuid, role_key text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform holdfast.grant_seat(organisation, person, role_key);
  update holdfast.member m set role = role_key where m.organisation_id = put_into_role.organisation and m.person_id = put_into_role.person;
  perform holdfast.withdraw_excess(organisation, array[person]);
end $$;

/* Out of a role that demands two factors into one that does not: only by whoever has shown two. HF428. */
create function holdfast.demand_factor_to_lower(secret bytea, before holdfast.role, after holdfast.role) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
begin
  if after.min_assurance < before.min_assurance and (holdfast.live_pass(secret)).assurance < before.min_assurance then
    raise exception 'show a second factor to take its demand back' using errcode = 'HF428';
  end if;
end $$;

/* Gives a member another role, from the next transaction on: open tabs, keys and jobs included. One may not touch whoever may
   more than oneself, nor give more than one has, oneself included. 'changed', or 'last-owner' where nobody would be left to
   own the organisation. HF403, HF404 for nobody, HF422 for an unknown role, HF440. */
create function holdfast.change_role(secret bytea, person uuid, role_key text) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  here uuid := holdfast.organisation();
  mine holdfast.role;
  before holdfast.role;
  after holdfast.role;
begin
  perform from holdfast.organisation o where o.id = here for no key update;
  mine := holdfast.demand('roles.manage');
  perform holdfast.demand_fresh(secret);
  before := holdfast.role_of_member(here, change_role.person);
  after := holdfast.role_by_key(here, role_key);
  if not (holdfast.may_give(mine, before) and holdfast.may_give(mine, after)) then
    raise exception 'that role may more than you' using errcode = 'HF403';
  end if;
  perform holdfast.demand_factor_to_lower(secret, before, after);
  if before.name = 'owner' and after.name <> 'owner' and holdfast.owns_alone(here, change_role.person) then return 'last-owner'; end if;
  perform holdfast.put_into_role(here, change_role.person, after.name);
  return 'changed';
end $$;
grant execute on function holdfast.change_role(bytea, uuid, text) to holdfast_app;

/* Hands one's ownership over to another member, and keeps the role `my_next` oneself; both are told by mail. 'transferred', or
   'same-person'. HF403 for whoever is no owner, HF404 for nobody, and for whose account is closed, HF422, HF440. */
create function holdfast.transfer_ownership(
  secret bytea, person uuid, my_next text, subject_old text, body_old text, subject_new text, body_new text
) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  here uuid := holdfast.organisation();
  mine holdfast.role;
  after holdfast.role;
begin
  perform from holdfast.organisation o where o.id = here for no key update;
  mine := holdfast.demand('roles.manage');
  perform holdfast.demand_fresh(secret);
  if mine.name <> 'owner' then raise exception 'only an owner hands it over' using errcode = 'HF403'; end if;
  if transfer_ownership.person = holdfast.person() then return 'same-person'; end if;
  perform holdfast.role_of_member(here, transfer_ownership.person);
  after := holdfast.role_by_key(here, my_next);
  if after.name = 'owner' then raise exception 'no such role' using errcode = 'HF422'; end if;
  if not holdfast.may_give(mine, after) then raise exception 'that role may more than you' using errcode = 'HF403'; end if;
  perform holdfast.demand_factor_to_lower(secret, mine, after);
  -- Both, in one order, the account first: whose account is closed meanwhile owns nothing.
  perform holdfast.lock_account(least(transfer_ownership.person, holdfast.person()));
  perform holdfast.lock_account(greatest(transfer_ownership.person, holdfast.person()));
  if not exists (select from holdfast.person p where p.id = transfer_ownership.person and p.disabled_at is null) then
    raise exception 'no such member' using errcode = 'HF404';
  end if;
  perform holdfast.put_into_role(here, transfer_ownership.person, 'owner');
  perform holdfast.put_into_role(here, holdfast.person(), after.name);
  perform holdfast.notify_person(holdfast.person(), subject_old, body_old);
  perform holdfast.notify_person(transfer_ownership.person, subject_new, body_new);
  return 'transferred';
end $$;
grant execute on function holdfast.transfer_ownership(bytea, uuid, text, text, text, text, text) to holdfast_app;
