import { defineControl } from '../../kernel/control.ts'
import { weakenFunction } from '../../kernel/sabotage.ts'
import { claims } from './claims.ts'
import { probes } from './probes.ts'

const check = "check (password_hash ~ '^[0-9a-f]{8}\\$2[aby]\\$(1[2-9]|2[0-9]|3[01])\\$[./A-Za-z0-9]{53}$')"
const nobody = "'00000000-0000-4000-8000-0000000000a1'"

/** Takes the CHECK away and writes a row that it would have refused. */
function badHash(hash: string): { breakSql: string; mendSql: string } {
  return {
    breakSql: `alter table holdfast.account drop constraint if exists account_password_is_hashed;
      insert into holdfast.person (id, canary) values (${nobody}, true);
      insert into holdfast.account (person_id, address, address_key, name, password_hash)
        values (${nobody}, 'sabotage@canary.invalid', 'sabotage@canary.invalid', 'Sabotage', '${hash}')`,
    mendSql: `delete from holdfast.person where id = ${nobody};
      alter table holdfast.account drop constraint if exists account_password_is_hashed;
      alter table holdfast.account add constraint account_password_is_hashed ${check}`,
  }
}

const forgetful = weakenFunction('holdfast.enter(bytea, uuid, bigint)', 'and p.verified and', 'and')
/** Seats that the unverified canary could never get: entry alone then stands between it and the rows. */
const seats = `insert into holdfast.seat (person_id, organisation_id, role_id)
  select u.id, s.organisation_id, s.role_id from holdfast.person u, holdfast.seat s join holdfast.person c on c.id = s.person_id
   where u.canary and u.verified_at is null and c.canary on conflict do nothing`
const noSeats =
  'delete from holdfast.seat s using holdfast.person p where p.id = s.person_id and p.canary and p.verified_at is null'

export const accounts = defineControl({
  name: 'accounts',
  claims,
  probes,
  sabotages: [
    {
      title: 'A password stands in the table as it was typed',
      turnsRed: ['accounts/passwords-are-hashed'],
      inDemo: true,
      ...badHash('correct horse battery staple'),
    },
    {
      title: 'A password is hashed at a low cost',
      turnsRed: ['accounts/passwords-are-hashed'],
      ...badHash('0123abcd$2b$04$abcdefghijklmnopqrstuuOFY6LXUzkm3nBYcLEpJ7XRqcKWXlMFa'),
    },
    {
      title: 'A hash names no pepper',
      turnsRed: ['accounts/passwords-are-hashed'],
      ...badHash('00000000$2b$12$abcdefghijklmnopqrstuuOFY6LXUzkm3nBYcLEpJ7XRqcKWXlMFa'),
    },
    {
      title: 'Only the CHECK is gone',
      turnsRed: ['accounts/passwords-are-hashed'],
      breakSql: 'alter table holdfast.account drop constraint if exists account_password_is_hashed',
      mendSql: `alter table holdfast.account drop constraint if exists account_password_is_hashed;
        alter table holdfast.account add constraint account_password_is_hashed ${check}`,
    },
    {
      title: 'Entry forgets to ask whether the address is verified',
      turnsRed: ['accounts/unverified-opens-nothing'],
      breakSql: `${forgetful.breakSql}; ${seats}`,
      mendSql: `${forgetful.mendSql}; ${noSeats}`,
    },
    {
      title: 'The doors before an organisation forget to ask it',
      turnsRed: ['accounts/unverified-opens-nothing'],
      ...withoutTraces(
        weakenFunction('holdfast.bearer(bytea, boolean)', 'if only_verified and not p.verified', 'if false'),
      ),
    },
    {
      title: 'Signing up makes the account at once',
      turnsRed: ['accounts/unverified-opens-nothing', 'accounts/links-work-once'],
      ...weakenFunction(
        `holdfast.ask_sign_up(${Array(4).fill('text').join(', ')}, bytea, bytea, ${Array(4).fill('text').join(', ')})`,
        "perform holdfast.request_mail('sign-up', shown_address, key, ask_sign_up.link, new_subject, new_body, known_subject, known_body);",
        'perform holdfast.queue_mail(shown_address, new_subject, new_body); perform holdfast.confirm_sign_up(ask_sign_up.link);',
      ),
    },
    {
      title: 'The link of a sign-up opens in any browser',
      turnsRed: ['accounts/unverified-opens-nothing'],
      ...weakenFunction(
        'holdfast.open_sign_up(bytea, bytea)',
        'p.browser is not null and p.browser = open_sign_up.browser',
        'true',
      ),
    },
    {
      title: 'A link that was used is kept',
      turnsRed: ['accounts/links-work-once'],
      breakSql: `create function holdfast.sabotage_keep() returns trigger language plpgsql as
          'begin insert into holdfast.address_token select old.*; return null; end';
        create trigger sabotage_keep after delete on holdfast.address_token for each row when (old.purpose = 'reset')
          execute function holdfast.sabotage_keep()`,
      mendSql: `drop trigger if exists sabotage_keep on holdfast.address_token;
        drop function if exists holdfast.sabotage_keep();
        delete from holdfast.address_token t using holdfast.person p where p.id = t.person_id and p.canary`,
    },
    {
      title: 'A reset leaves the sessions alone',
      turnsRed: ['accounts/links-work-once'],
      ...weakenFunction(
        'holdfast.finish_reset(bytea, text, text, text)',
        'perform holdfast.end_sessions_of(who, null);',
      ),
    },
    {
      title: 'Asking for a reset takes longer where there is an account',
      turnsRed: ['accounts/addresses-not-told'],
      ...slowReset('if holdfast.knows(key) then perform pg_sleep(0.05); end if;'),
    },
    {
      title: 'Asking for a reset without an account is refused',
      turnsRed: ['accounts/addresses-not-told'],
      ...slowReset(
        "if (holdfast.knows(key)) is not true then raise exception 'no such account' using errcode = 'HF404'; end if;",
      ),
    },
  ],
})

/** Puts something before what the verb does. `holdfast.knows` hides from the catalogue that the accounts are read. */
function slowReset(first: string): { breakSql: string; mendSql: string } {
  const weak = weakenFunction('holdfast.ask_reset(text, text, bytea, text, text)', 'begin', `begin ${first}`)
  const knows = `create or replace function holdfast.knows(key text) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as
    'select exists (select from holdfast.account a where a.address_key = key)';
    grant execute on function holdfast.knows(text) to holdfast_keeper`
  return {
    breakSql: `${knows}; ${weak.breakSql}`,
    mendSql: `${weak.mendSql}; drop function if exists holdfast.knows(text)`,
  }
}

/** What the probe gets through the open door goes with the mending. */
function withoutTraces({ breakSql, mendSql }: { breakSql: string; mendSql: string }) {
  const members =
    'delete from holdfast.member m using holdfast.person p where p.id = m.person_id and p.canary and p.verified_at is null'
  // As the superuser there is no organisation entered, and so nothing for the record of changes to stamp.
  return {
    breakSql,
    mendSql:
      `${mendSql}; alter table holdfast.member disable trigger user; ${members}; ` +
      `alter table holdfast.member enable trigger user; ${noSeats}`,
  }
}
