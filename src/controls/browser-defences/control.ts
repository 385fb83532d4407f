import { defineControl } from '../../kernel/control.ts'
import { claims } from './claims.ts'
import { probes } from './probes.ts'

export const browserDefences = defineControl({
  name: 'browser-defences',
  claims,
  probes,
  sabotages: [
    {
      title: 'The cross-site gate is left out',
      turnsRed: ['browser-defences/cross-site-changes-nothing'],
      weakness: 'browser-defences/gate-off',
    },
    {
      title: 'The gate lets same-site requests pass, as if a neighbouring subdomain were our own',
      turnsRed: ['browser-defences/cross-site-changes-nothing'],
      weakness: 'browser-defences/same-site-passes',
    },
    {
      title: 'One header is dropped',
      turnsRed: ['browser-defences/strict-headers'],
      weakness: 'browser-defences/header-dropped',
    },
    {
      title: "The policy of pages allows 'unsafe-inline'",
      turnsRed: ['browser-defences/strict-headers'],
      weakness: 'browser-defences/unsafe-inline',
    },
  ],
})
