import { defineControl } from '../../kernel/control.ts'
import { claims } from './claims.ts'
import { probes } from './probes.ts'

export const signIn = defineControl({
  name: 'sign-in',
  claims,
  probes,
  sabotages: [
    {
      title: 'Only the client address is counted, not the account',
      turnsRed: ['sign-in/guessing-is-slowed'],
      weakness: 'sign-in/account-uncounted',
    },
    {
      title: 'An address without an account is told apart',
      turnsRed: ['sign-in/guessing-is-slowed'],
      breakSql: `create or replace function holdfast.credential(key text) returns table (person uuid, password_hash text)
        language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
        begin
          return query select a.person_id, a.password_hash from holdfast.account a where a.address_key = key;
          if not found then raise exception 'no such account' using errcode = 'HF404'; end if;
        end $$`,
      mendSql: `create or replace function holdfast.credential(key text) returns table (person uuid, password_hash text)
        language sql stable security definer set search_path = pg_catalog, pg_temp
        begin atomic
          select a.person_id, a.password_hash from holdfast.account a where a.address_key = key;
        end`,
    },
  ],
})
