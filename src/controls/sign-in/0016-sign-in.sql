/* The password to compare with, of whoever presents a live session and has no other factor: for showing again who one is. Whoever
   has a second factor shows that one (HF427): a password that was looked over somebody's shoulder must not be enough. HF401. */
create function holdfast.my_credential(secret bytea) returns table (person uuid, password_hash text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#print_strict_params off
declare
  who uuid := holdfast.bearer(secret, false);
begin
  if holdfast.factor_count(who) > 0 then raise exception 'the second factor was not shown' using errcode = 'HF427'; end if;
  return query select a.person_id, a.password_hash from holdfast.account a where a.person_id = who;
end $$;
grant execute on function holdfast.my_credential(bytea) to holdfast_identity;
