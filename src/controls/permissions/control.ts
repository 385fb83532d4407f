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
    {
      title: 'Whoever writes a role may put into it what they may not do themselves',
      turnsRed: ['permissions/custom-roles-stay-within'],
      ...weakenFunction(
        'holdfast.write_role(bytea, uuid, text, text[], boolean)',
        'if mask & ~mine.permissions <> 0 then',
        'if false then',
      ),
    },
    {
      title: 'Whoever may change roles may give any of them, also the owner’s',
      turnsRed: ['permissions/custom-roles-stay-within'],
      ...weakenFunction(
        'holdfast.change_role(bytea, uuid, text)',
        'if not (holdfast.may_give(mine, before) and holdfast.may_give(mine, after)) then',
        'if false then',
      ),
    },
    {
      title: 'A role changes, and the seats of those who have it do not follow',
      turnsRed: ['permissions/custom-roles-stay-within'],
      breakSql: 'alter table holdfast.custom_role disable trigger refill_seats',
      mendSql: 'alter table holdfast.custom_role enable trigger refill_seats',
    },
  ],
})
