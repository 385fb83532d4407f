import { defineControl } from '../../kernel/control.ts'
import { weakenFunction } from '../../kernel/sabotage.ts'
import { claims } from './claims.ts'
import { probes } from './probes.ts'

export const sessions = defineControl({
  name: 'sessions',
  claims,
  probes,
  sabotages: [
    {
      title: 'Entry forgets to ask whether a session has been ended',
      turnsRed: ['sessions/revoked-at-once'],
      inDemo: true,
      ...weakenFunction('holdfast.enter(bytea, uuid, bigint)', 'and p.revoked_at is null'),
    },
    {
      title: 'Signing out ends nothing',
      turnsRed: ['sessions/revoked-at-once'],
      ...weakenFunction('holdfast.end_session(bytea)', 'set revoked_at = clock_timestamp()', 'set revoked_at = null'),
    },
    {
      title: 'The signature of a token is not checked',
      turnsRed: ['sessions/cookie-is-signed-and-closed'],
      weakness: 'sessions/signature-unchecked',
    },
    {
      title: 'Scripts can read the cookie',
      turnsRed: ['sessions/cookie-is-signed-and-closed'],
      weakness: 'sessions/cookie-for-scripts',
    },
  ],
})
