import { defineControl } from '../../kernel/control.ts'
import { weakenFunction } from '../../kernel/sabotage.ts'
import { claims } from './claims.ts'
import { probes } from './probes.ts'

const entry = 'holdfast.enter_key(bytea, uuid, bigint)'
const keepsPasses = weakenFunction(
  'holdfast.end_passes_of_key()',
  'set revoked_at = clock_timestamp()',
  'set revoked_at = null',
)
const keepsSeat = weakenFunction(
  'holdfast.remove_seat(uuid, uuid)',
  'delete from holdfast.seat s where s.person_id = person and s.organisation_id = organisation;',
  'return true;',
)

export const apiKeys = defineControl({
  name: 'api-keys',
  claims,
  probes,
  sabotages: [
    {
      title: 'Entry ignores the scopes of a key',
      turnsRed: ['api-keys/opens-its-scopes-alone'],
      inDemo: true,
      people: 'organisations',
      ...weakenFunction(entry, 's.permissions & p.scopes & need = need', 's.permissions & need = need'),
    },
    {
      title: 'Entry ignores for which organisation a key was made',
      turnsRed: ['api-keys/opens-its-scopes-alone'],
      people: 'organisations',
      ...weakenFunction(entry, 'and p.organisation_id = enter_key.wanted'),
    },
    {
      title: 'A key acts also beside the cookie of a session',
      turnsRed: ['api-keys/opens-its-scopes-alone'],
      people: 'organisations',
      weakness: 'api-keys/beside-a-session',
    },
    {
      title: 'Withdrawing a key takes it off the list and leaves it working',
      turnsRed: ['api-keys/withdrawn-at-once'],
      people: 'organisations',
      ...keepsPasses,
    },
    {
      title: 'Entry forgets to ask whether a key has been withdrawn',
      turnsRed: ['api-keys/withdrawn-at-once'],
      people: 'organisations',
      ...weakenFunction(entry, 'and p.revoked_at is null'),
    },
    {
      title: 'What a key was before it was replaced goes on working',
      turnsRed: ['api-keys/withdrawn-at-once'],
      people: 'organisations',
      ...weakenFunction(entry, 'and (p.dead_at is null or p.dead_at > at)'),
    },
    {
      title: 'Entry asks a key for its scopes, and no longer for the role of its maker',
      turnsRed: ['api-keys/no-further-than-its-maker'],
      people: 'organisations',
      ...weakenFunction(entry, 's.permissions & p.scopes & need = need', 'p.scopes & need = need'),
    },
    {
      title: 'The keys of whoever is removed go on working',
      turnsRed: ['api-keys/no-further-than-its-maker'],
      people: 'organisations',
      breakSql: `${keepsPasses.breakSql}; ${keepsSeat.breakSql}`,
      // A seat without a member is one that was left behind.
      mendSql: `${keepsPasses.mendSql}; ${keepsSeat.mendSql}; delete from holdfast.seat s
        where not exists (select from holdfast.member m where m.person_id = s.person_id and m.organisation_id = s.organisation_id)`,
    },
  ],
})
