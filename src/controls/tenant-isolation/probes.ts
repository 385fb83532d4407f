import type { Probe } from '../../kernel/probe.ts'
import type { claims } from './claims.ts'
import { compareGrants, type Grant, lookForUnclassified, readCatalogue, readServerPatch } from './probe-catalogue.ts'
import { lookForRemains } from './probe-pool.ts'
import { attackRows } from './probe-rows.ts'
import { forgeSessions, mintSessions } from './probe-session.ts'

const everywhere = ['live', 'restored-copy', 'ci'] as const

/** `manifest`: what each role may do, as it was written down; handed in, since a probe leans on no code of its control. */
export function probesOf(manifest: readonly Grant[]): Readonly<Record<keyof typeof claims, Probe>> {
  return {
    'tenant-isolation/rows-stay-home': { where: everywhere, limitSeconds: 60, run: attackRows },
    'tenant-isolation/catalogue-is-clean': { where: everywhere, limitSeconds: 30, run: readCatalogue },
    'tenant-isolation/grants-match-manifest': {
      where: everywhere,
      limitSeconds: 30,
      run: (bench) => compareGrants(bench, manifest),
    },
    'tenant-isolation/session-cannot-be-forged': { where: everywhere, limitSeconds: 60, run: forgeSessions },
    'tenant-isolation/pool-leaves-nothing-behind': { where: everywhere, limitSeconds: 60, run: lookForRemains },
    'tenant-isolation/nothing-unclassified': { where: everywhere, limitSeconds: 30, run: lookForUnclassified },
    'tenant-isolation/server-is-patched': { where: everywhere, limitSeconds: 30, run: readServerPatch },
    'tenant-isolation/app-process-cannot-mint': { where: everywhere, limitSeconds: 30, run: mintSessions },
  }
}
