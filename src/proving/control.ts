import { defineControl } from '../kernel/control.ts'
import { claims } from './claims.ts'
import { probes } from './probes.ts'

/** The page's own claims. They stand here and not among the controls, because the page is drawn from all of those. */
export const proving = defineControl({
  name: 'proving',
  claims,
  probes,
  sabotages: [
    {
      title: 'The page hides that it is a draft',
      turnsRed: ['proving/page-says-how-old-its-words-are'],
      weakness: 'proving/draft-hidden',
    },
    {
      title: 'A sentence is edited after its review',
      turnsRed: ['proving/page-says-how-old-its-words-are'],
      weakness: 'proving/edited-after-review',
    },
  ],
})
