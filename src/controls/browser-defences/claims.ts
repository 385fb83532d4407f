import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'browser-defences/cross-site-changes-nothing': {
    sentence:
      'A request that another site makes a browser send changes nothing, on every route that can change something; a route ' +
      'that lets other sites call it is named with its reason.',
    promises: ['A4'],
    ttlMinutes: 60,
  },
  'browser-defences/strict-headers': {
    sentence:
      'Every answer carries the headers that keep a browser from framing it, sniffing it, running foreign script in it ' +
      'or sharing it with another site.',
    promises: ['V3'],
    ttlMinutes: 60,
  },
} as const satisfies Claims
