import { expect, it } from 'vitest'
import { accountRoutes } from '../src/controls/accounts/routes.ts'
import { apiKeyRoutes } from '../src/controls/api-keys/routes.ts'
import { organisationRoutes, personRoutes } from '../src/controls/organisations/routes.ts'
import { permissionRoutes } from '../src/controls/permissions/routes.ts'
import { sessionRoutes } from '../src/controls/sessions/routes.ts'
import { signInRoutes } from '../src/controls/sign-in/routes.ts'
import { recoveryRoutes } from '../src/controls/two-factor/recovery.ts'
import { twoFactorRoutes } from '../src/controls/two-factor/routes.ts'
import { foundationTable } from './foundation.ts'

it('calls the foundation where its records say', () => {
  // The records are read, not run: nothing of what they need is there.
  const nothing = {} as never
  const records = {
    ...accountRoutes({ ...(nothing as object), site: { title: '', origin: 'https://console.invalid' } } as never),
    ...recoveryRoutes(nothing),
    ...sessionRoutes(nothing),
    ...twoFactorRoutes(nothing),
    ...signInRoutes(nothing),
    ...personRoutes(nothing),
    ...organisationRoutes(nothing),
    ...permissionRoutes({ roles: {} }),
    ...apiKeyRoutes(nothing),
  }
  const told = Object.fromEntries(
    Object.entries(records)
      .filter(([name]) => name in foundationTable)
      .map(([name, { method, path }]) => [name, [method, path]]),
  )
  expect(foundationTable).toEqual(told)
})
