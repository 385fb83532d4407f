import { accounts } from './controls/accounts/control.ts'
import { apiKeys } from './controls/api-keys/control.ts'
import { auditLog } from './controls/audit-log/control.ts'
import { browserDefences } from './controls/browser-defences/control.ts'
import { inputValidation } from './controls/input-validation/control.ts'
import { organisations } from './controls/organisations/control.ts'
import { permissions } from './controls/permissions/control.ts'
import { rateLimits } from './controls/rate-limits/control.ts'
import { sessions } from './controls/sessions/control.ts'
import { signIn } from './controls/sign-in/control.ts'
import { tenantIsolation } from './controls/tenant-isolation/control.ts'
import { twoFactor } from './controls/two-factor/control.ts'
import type { Control } from './kernel/control.ts'

/** The controls, in the order in which they may lean on each other. The only plug-board: nothing registers itself. */
export const controls: readonly Control[] = [
  tenantIsolation,
  auditLog,
  rateLimits,
  browserDefences,
  inputValidation,
  sessions,
  accounts,
  twoFactor,
  organisations,
  permissions,
  signIn,
  apiKeys,
]
