import { defineControl } from '../../kernel/control.ts'
import { claims } from './claims.ts'
import { probes } from './probes.ts'

export const rateLimits = defineControl({
  name: 'rate-limits',
  claims,
  probes,
  sabotages: [
    {
      title: 'The limiter is left out',
      turnsRed: ['rate-limits/bursts-are-refused'],
      weakness: 'rate-limits/off',
    },
    {
      title: 'X-Forwarded-For is believed, whoever sends it',
      turnsRed: ['rate-limits/bursts-are-refused'],
      weakness: 'rate-limits/trusts-forwarded-for',
    },
    {
      title: 'All clients share one bucket, so that one can lock out the rest',
      turnsRed: ['rate-limits/bursts-are-refused'],
      weakness: 'rate-limits/one-bucket-for-all',
    },
    {
      title: 'Each process counts for itself',
      turnsRed: ['rate-limits/counted-across-processes'],
      weakness: 'rate-limits/each-process-for-itself',
    },
    {
      title: 'The counter is down, and the limiter lets everything through',
      turnsRed: ['rate-limits/fails-closed'],
      weakness: 'rate-limits/open-without-counter',
    },
  ],
})
