import { defineControl } from '../../kernel/control.ts'
import { weakenFunction } from '../../kernel/sabotage.ts'
import { claims } from './claims.ts'
import { probes } from './probes.ts'

export const twoFactor = defineControl({
  name: 'two-factor',
  claims,
  probes,
  sabotages: [
    {
      title: 'Entry does not ask what a session has shown: the second step is a page and nothing more',
      turnsRed: ['two-factor/password-alone-opens-nothing'],
      inDemo: true,
      ...weakenFunction('holdfast.enter(bytea, uuid, bigint)', 'and p.assurance >= p.wanted'),
    },
    {
      title: 'The doors before an organisation do not ask it either',
      turnsRed: ['two-factor/password-alone-opens-nothing'],
      ...weakenFunction('holdfast.bearer(bytea, boolean)', 'if p.assurance < p.wanted', 'if false'),
    },
    {
      title: 'A code that was taken is taken again',
      turnsRed: ['two-factor/code-works-once'],
      ...weakenFunction('holdfast.take_totp(bytea, bigint)', 'and t.last_step < step'),
    },
    {
      title: 'A recovery code that was used is taken again',
      turnsRed: ['two-factor/code-works-once'],
      ...weakenFunction('holdfast.take_recovery_code(bytea, bytea, text, text)', 'and c.used_at is null;', ';'),
    },
  ],
})
