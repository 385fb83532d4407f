import type { LoginOptions } from '../../platform/database/login.ts'
import { type LoginRole, roleSettings } from './bootstrap.ts'

export { type Complaint, type Examined, examineDatabase } from './doctor.ts'

/** The login roles that have a pool. The migrator connects by itself, once, and may become who owns the tables. */
export type PooledRole = Exclude<LoginRole, 'migrator'>

/** How one role connects: with the settings that the bootstrap gave it, which the pool compares, and nothing else. */
export function loginOptions(
  role: PooledRole,
  place: { readonly host: string; readonly port: number; readonly database: string },
  more: Pick<LoginOptions, 'password' | 'most'> & Partial<LoginOptions>,
): LoginOptions {
  return {
    host: place.host,
    port: place.port,
    database: place.database,
    user: `holdfast_${role}`,
    roleSettings: roleSettings[role],
    longestSeconds: 30,
    ...more,
  }
}
