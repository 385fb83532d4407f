import type { Claims } from '../kernel/claim.ts'

export const claims = {
  'proving/page-says-how-old-its-words-are': {
    sentence:
      'The page shows the day on which its words were last changed, and who reviewed them; words that nobody reviewed, or that changed since, are shown as a draft.',
    promises: ['W1'],
    ttlMinutes: 60,
  },
} as const satisfies Claims
