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
      title: 'A secret is never replaced',
      turnsRed: ['sessions/replaced-in-use'],
      ...weakenFunction(
        'holdfast.touch(bytea, bytea, text)',
        'it.issued_at + rotate_after >= clock_timestamp()',
        'true',
      ),
    },
    {
      title: 'A secret that was replaced opens as before',
      turnsRed: ['sessions/replaced-in-use'],
      ...weakenFunction(
        'holdfast.touch(bytea, bytea, text)',
        "set dead_at = clock_timestamp() + interval '30 seconds'",
        'set dead_at = null',
      ),
    },
    {
      title: 'A stolen secret that comes back ends nothing',
      turnsRed: ['sessions/theft-ends-the-session'],
      inDemo: true,
      ...weakenFunction(
        'holdfast.report_reuse(bytea)',
        'where p.family = it.family and p.revoked_at is null',
        'where p.family = it.family and false',
      ),
    },
    {
      title: 'Nobody is told of a stolen secret',
      turnsRed: ['sessions/theft-ends-the-session'],
      ...weakenFunction('holdfast.report_reuse(bytea)', 's.alerted_at is null', 'false'),
    },
    {
      title: 'The server does not look at what was refused',
      turnsRed: ['sessions/theft-ends-the-session'],
      weakness: 'sessions/refusals-unreported',
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
