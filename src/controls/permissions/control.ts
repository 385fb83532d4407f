import { defineControl } from '../../kernel/control.ts'
import { weakenFunction } from '../../kernel/sabotage.ts'
import { claims } from './claims.ts'
import { probes } from './probes.ts'

export const permissions = defineControl({
  name: 'permissions',
  claims,
  probes,
  sabotages: [
    {
      title: 'Entry forgets to ask for the permission',
      turnsRed: ['permissions/role-decides-every-route'],
      ...weakenFunction('holdfast.enter(bytea, uuid, bigint)', 'and s.permissions & need = need'),
    },
  ],
})
