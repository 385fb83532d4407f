import { defineControl } from '../../kernel/control.ts'
import { weakenFunction } from '../../kernel/sabotage.ts'
import { claims } from './claims.ts'
import { probes } from './probes.ts'

const seatStays = weakenFunction(
  'holdfast.remove_seat(uuid, uuid)',
  'delete from holdfast.seat s where s.person_id = person and s.organisation_id = organisation;',
  'perform 1;',
)

export const organisations = defineControl({
  name: 'organisations',
  claims,
  probes,
  sabotages: [
    {
      title: 'Removing somebody takes them off the list and leaves them their seat',
      turnsRed: ['organisations/removal-acts-at-once'],
      inDemo: true,
      people: 'organisations',
      breakSql: seatStays.breakSql,
      // A seat without a member is one that was left behind.
      mendSql: `${seatStays.mendSql}; delete from holdfast.seat s
        where not exists (select from holdfast.member m where m.person_id = s.person_id and m.organisation_id = s.organisation_id)`,
    },
    {
      title: 'An invitation opens for whoever has the link',
      turnsRed: ['organisations/invitation-is-for-one-address'],
      ...weakenFunction('holdfast.accept(bytea, bytea)', 'and t.address_key = mine.address_key'),
    },
    {
      title: 'The demand for a second factor is a sentence on a page: entry ignores it',
      turnsRed: ['organisations/second-factor-at-entry'],
      people: 'organisations',
      ...weakenFunction('holdfast.enter(bytea, uuid, bigint)', 'and p.assurance >= s.min_assurance'),
    },
    {
      title: 'The demand is written down and never reaches the seats',
      turnsRed: ['organisations/second-factor-at-entry'],
      people: 'organisations',
      ...weakenFunction(
        'holdfast.demand_second_factor(bytea, boolean)',
        'perform holdfast.set_floor(here, 2::smallint);',
        'perform 1;',
      ),
    },
  ],
})
