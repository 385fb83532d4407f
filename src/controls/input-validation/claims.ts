import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'input-validation/every-input-has-a-schema': {
    sentence:
      'Every route checks all that it is sent against a schema of its own before anything else sees it, refuses fields it ' +
      'does not know, and answers hostile input with a refusal, never with an error of the server.',
    promises: ['V1'],
    ttlMinutes: 1440,
  },
} as const satisfies Claims
