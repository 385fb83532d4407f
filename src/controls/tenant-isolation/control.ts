import { defineControl } from '../../kernel/control.ts'
import { claims } from './claims.ts'
import { manifest } from './manifest.ts'
import { probesOf } from './probes.ts'
import { sabotages } from './sabotages.ts'

export const tenantIsolation = defineControl({
  name: 'tenant-isolation',
  claims,
  probes: probesOf(manifest),
  sabotages,
})
