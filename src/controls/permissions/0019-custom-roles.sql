-- Roles that an organisation makes for itself out of the product's permissions. What entry obeys are the seats
-- (tenant-isolation), which follow a role in the same transaction.

-- Every change is in the organisation's record, like those of its own tables.
select holdfast.audit_table('holdfast.custom_role');

/* Makes a role (`role` null) or changes one, by one rule: nobody puts into a role what they may not do themselves, nor changes
   one that may more than they do. To take a second factor's demand back, one has to have shown one. Returns its id. HF403, HF404,
   HF409 for a name that is taken, HF422 for no permission or an unknown one, HF428, HF429 past 200, HF440. */
create function holdfast.write_role(secret bytea, role uuid, role_name text, wanted text[], second_factor boolean) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  here uuid := holdfast.organisation();
  mine holdfast.role;
  mask bigint;
  before holdfast.custom_role;
  called constant text := normalize(btrim(role_name), nfc);
  -- Without what nobody sees, and with one blank where there are several.
  called_key constant text := lower(normalize(regexp_replace(regexp_replace(btrim(role_name),
    '[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]', '', 'g'), '\s+', ' ', 'g'), nfkc));
  assurance constant smallint := case when second_factor then 2 else 1 end;
begin
  perform from holdfast.organisation o where o.id = here for no key update;
  mine := holdfast.demand('roles.manage');
  perform holdfast.demand_fresh(secret);
  mask := holdfast.permission_mask(wanted);
  if mask = 0 then raise exception 'a role without permissions' using errcode = 'HF422'; end if;
  if mask & ~mine.permissions <> 0 then raise exception 'more than you may' using errcode = 'HF403'; end if;
  if write_role.role is not null then
    select c.* into before from holdfast.custom_role c where c.organisation_id = here and c.id = write_role.role;
    if not found then raise exception 'no such role' using errcode = 'HF404'; end if;
    if before.permissions & holdfast.known_permissions() & ~mine.permissions <> 0 then raise exception 'that role may more than you' using errcode = 'HF403'; end if;
    if assurance < before.min_assurance and (holdfast.live_pass(secret)).assurance < before.min_assurance then
      raise exception 'show a second factor to take its demand back' using errcode = 'HF428';
    end if;
  end if;
  -- The product's own names are taken too: two roles called "owner" would be one too many.
  if exists (select from holdfast.custom_role c where c.organisation_id = here and c.name_key = called_key and c.id is distinct from before.id)
     or exists (select from holdfast.role r where lower(r.name) = called_key) then
    raise exception 'that name is taken' using errcode = 'HF409';
  end if;
  if before.id is not null then
    update holdfast.custom_role c set name = called, name_key = called_key, permissions = mask, min_assurance = assurance
     where c.organisation_id = here and c.id = before.id;
    perform holdfast.withdraw_excess(here,
      array(select s.person_id from holdfast.seat s where s.organisation_id = here and s.custom_role = before.id));
    return before.id;
  end if;
  if (select count(*) from holdfast.custom_role c where c.organisation_id = here) >= 200 then
    raise exception 'too many roles' using errcode = 'HF429';
  end if;
  insert into holdfast.custom_role (organisation_id, name, name_key, permissions, min_assurance)
    values (here, called, called_key, mask, assurance) returning id into before.id;
  return before.id;
end $$;
grant execute on function holdfast.write_role(bytea, uuid, text, text[], boolean) to holdfast_app;

/* Deletes a role: 'dropped', or 'in-use' where somebody has it, or an open invitation offers it. HF403, HF404, HF440. */
create function holdfast.drop_role(secret bytea, role uuid) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  here uuid := holdfast.organisation();
  mine holdfast.role;
  gone holdfast.custom_role;
begin
  perform from holdfast.organisation o where o.id = here for no key update;
  mine := holdfast.demand('roles.manage');
  perform holdfast.demand_fresh(secret);
  select c.* into gone from holdfast.custom_role c where c.organisation_id = here and c.id = drop_role.role;
  if not found then raise exception 'no such role' using errcode = 'HF404'; end if;
  if gone.permissions & holdfast.known_permissions() & ~mine.permissions <> 0 then raise exception 'that role may more than you' using errcode = 'HF403'; end if;
  delete from holdfast.invitation i where i.organisation_id = here and i.expires_at < clock_timestamp();
  if exists (select from holdfast.seat s where s.organisation_id = here and s.custom_role = gone.id)
     or exists (select from holdfast.invitation i where i.organisation_id = here and i.role = gone.id::text) then
    return 'in-use';
  end if;
  delete from holdfast.custom_role c where c.organisation_id = here and c.id = gone.id;
  return 'dropped';
end $$;
grant execute on function holdfast.drop_role(bytea, uuid) to holdfast_app;

/* The roles of the organisation that was entered: the product's, then its own by name. `yours`: whether one may give it, and
   change who has it. HF403. */
create function holdfast.roles() returns table (
  key text, name text, custom boolean, permissions text[], second_factor boolean, members bigint, open bigint, yours boolean
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  here uuid := holdfast.organisation();
  mine holdfast.role := holdfast.demand('members.read');
begin
  return query
    with all_roles as (
      select r.name as key, r.name, false as custom, r.permissions as mask, r.min_assurance, r.role_id as number
        from holdfast.role r where r.role_id <> 'ff' and r.permissions <> 0
      union all
      select c.id::text, c.name, true, c.permissions & holdfast.known_permissions(), c.min_assurance, 'ff' from holdfast.custom_role c where c.organisation_id = here
    ), holders as (
      select coalesce(s.custom_role::text, r.name) as key, count(*) as many
        from holdfast.seat s join holdfast.role r using (role_id) where s.organisation_id = here group by 1
    ), offers as (
      select i.role as key, count(*) as many from holdfast.invitation i
       where i.organisation_id = here and i.expires_at > clock_timestamp() group by 1
    )
    select a.key, a.name, a.custom, holdfast.permission_names(a.mask), a.min_assurance > 1, coalesce(h.many, 0), coalesce(o.many, 0),
           a.mask & ~mine.permissions = 0 and (a.key <> 'owner' or mine.name = 'owner')
      from all_roles a left join holders h on h.key = a.key left join offers o on o.key = a.key
     order by a.custom, a.number, a.name, a.key;
end $$;
grant execute on function holdfast.roles() to holdfast_app;
