import { defineControl } from '../../kernel/control.ts'
import { claims } from './claims.ts'
import { probes } from './probes.ts'

export const inputValidation = defineControl({
  name: 'input-validation',
  claims,
  probes,
  sabotages: [
    {
      title: 'Bodies are taken without looking at their schema',
      turnsRed: ['input-validation/every-input-has-a-schema'],
      weakness: 'input-validation/schema-ignored',
    },
    {
      title: 'Schemas let unknown fields pass',
      turnsRed: ['input-validation/every-input-has-a-schema'],
      weakness: 'input-validation/unknown-fields-pass',
    },
  ],
})
