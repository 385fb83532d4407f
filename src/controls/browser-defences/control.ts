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
      title: 'The gate reads no Fetch Metadata and goes by Origin and token alone',
      turnsRed: ['browser-defences/cross-site-changes-nothing'],
      weakness: 'browser-defences/metadata-ignored',
    },
    {
      title: 'A token counts for every session, not for its own alone',
      turnsRed: ['browser-defences/cross-site-changes-nothing'],
      weakness: 'browser-defences/token-of-anybody',
    },
    {
      title: 'One route goes past the gate and does not say so',
      turnsRed: ['browser-defences/cross-site-changes-nothing'],
      weakness: 'browser-defences/silent-opt-out',
    },
    {
      title: 'One header is dropped',
      turnsRed: ['browser-defences/strict-headers'],
      weakness: 'browser-defences/header-dropped',
    },
    {
      title: 'Pages let frames of other sites ask for passkeys',
      turnsRed: ['browser-defences/strict-headers'],
      weakness: 'browser-defences/passkeys-for-frames',
    },
    {
      title: "The policy of pages allows 'unsafe-inline'",
      turnsRed: ['browser-defences/strict-headers'],
      weakness: 'browser-defences/unsafe-inline',
    },
  ],
})
