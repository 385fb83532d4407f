import { type AnyRoute, createRootRoute, createRoute, createRouter, Outlet } from '@tanstack/react-router'
import type { ComponentType, ReactNode } from 'react'
import { AccountFrame, Home, LostFrame, OrganisationFrame, OrganisationHome } from './frames.tsx'
import { AccountPage } from './pages/accounts/account.tsx'
import { withAccountTabs } from './pages/accounts/account-tabs.tsx'
import { ConfirmAddressPage, KeepAccountPage, StopAddressPage } from './pages/accounts/address-links.tsx'
import { CheckMailPage } from './pages/accounts/check-mail.tsx'
import { ForgottenPage } from './pages/accounts/forgotten.tsx'
import { NewPasswordPage } from './pages/accounts/new-password.tsx'
import { SignUpPage } from './pages/accounts/sign-up.tsx'
import { VerifyPage } from './pages/accounts/verify.tsx'
import { KeysPage } from './pages/api-keys/keys-page.tsx'
import { InvitationPage } from './pages/organisations/invitation.tsx'
import { MembersPage } from './pages/organisations/members.tsx'
import { NewOrganisationPage } from './pages/organisations/new-organisation.tsx'
import { withOrganisationTabs } from './pages/organisations/organisation-tabs.tsx'
import { OrganisationsPage } from './pages/organisations/organisations.tsx'
import { permission } from './pages/organisations/roles.ts'
import { RolesPage } from './pages/permissions/roles-page.tsx'
import { SessionPage } from './pages/sessions/session.tsx'
import { SessionsPage } from './pages/sessions/sessions.tsx'
import { SignInPage } from './pages/sign-in/sign-in.tsx'
import { BeginRecoveryPage, StopRecoveryPage } from './pages/two-factor/recovery-links.tsx'
import { SecondStepPage } from './pages/two-factor/second-step.tsx'
import { SecurityPage } from './pages/two-factor/security.tsx'
import { type People, pagePattern, paths, reserved } from './paths.ts'
import { useMay } from './person.ts'
import { BrokenPage, NotFoundPage } from './problem-page.tsx'
import type { ConsoleOptions, Page } from './product.ts'
import { Entrance } from './shell/entrance.tsx'

/** All addresses of the console: the way in, the account, and the app's pages. Throws where an app takes one of ours. */
export function createConsoleRouter({ people, pages }: ConsoleOptions) {
  refuseReserved(people, pages)
  const root = createRootRoute({ component: Outlet, notFoundComponent: LostFrame })
  const routeTree = root.addChildren([
    frame(root, 'entrance', Entrance, (at) => [
      at(paths.signUp, SignUpPage),
      at(paths.signIn, SignInPage),
      at(paths.secondStep, SecondStepPage),
      at(paths.checkMail, CheckMailPage),
      at(paths.verify, VerifyPage),
      at(paths.forgotten, ForgottenPage),
      at(paths.newPassword, NewPasswordPage),
      at(paths.confirmAddress, ConfirmAddressPage),
      at(paths.stopAddress, StopAddressPage),
      at(paths.keepAccount, KeepAccountPage),
      at(paths.beginRecovery, BeginRecoveryPage),
      at(paths.stopRecovery, StopRecoveryPage),
      ...(people === 'organisations' ? [at(paths.invitation, InvitationPage)] : []),
    ]),
    frame(root, 'account', AccountFrame, (at) => [
      at(paths.home, Home),
      at(paths.session, SessionPage),
      at(paths.account, withAccountTabs(AccountPage)),
      at(paths.factors, withAccountTabs(SecurityPage)),
      at(paths.sessions, withAccountTabs(SessionsPage)),
      ...(people === 'organisations'
        ? [at(paths.organisations, OrganisationsPage), at(paths.newOrganisation, NewOrganisationPage)]
        : []),
    ]),
    frame(root, 'inside', people === 'organisations' ? OrganisationFrame : AccountFrame, (at) => [
      ...pages.map((page) => at(pagePattern(people, page.path), guarded(page))),
      ...(people === 'organisations' ? inOrganisation(at) : []),
    ]),
  ])
  return createRouter({
    routeTree,
    parseSearch: parsePlainSearch,
    stringifySearch: writePlainSearch,
    defaultNotFoundComponent: NotFoundPage,
    defaultErrorComponent: BrokenPage,
    defaultPreload: false,
    scrollRestoration: true,
    // Places are remembered under a random key of the visit: no address, and so no organisation, is stored.
    getScrollRestorationKey: ({ state }) => state.__TSR_key ?? 'first',
  })
}

/** Ours among the pages of an organisation. */
function inOrganisation(at: At): AnyRoute[] {
  return [
    at(pagePattern('organisations', ''), OrganisationHome),
    at(
      pagePattern('organisations', paths.members),
      guarded({ needs: permission.read, component: withOrganisationTabs(MembersPage) }),
    ),
    at(
      pagePattern('organisations', paths.roles),
      guarded({ needs: permission.roles, component: withOrganisationTabs(RolesPage) }),
    ),
    at(
      pagePattern('organisations', paths.keys),
      guarded({ needs: permission.keys, component: withOrganisationTabs(KeysPage) }),
    ),
  ]
}

type At = (path: string, component: ComponentType) => AnyRoute

function frame(root: AnyRoute, id: string, component: ComponentType, children: (at: At) => AnyRoute[]): AnyRoute {
  const parent = createRoute({ getParentRoute: () => root, id, component: component as () => ReactNode })
  return parent.addChildren(
    children((path, page) => createRoute({ getParentRoute: () => parent, path, component: page as () => ReactNode })),
  )
}

/** A page without the right to it looks like a page that does not exist. */
function guarded({ needs, component: Component }: Pick<Page, 'needs' | 'component'>): ComponentType {
  if (needs === undefined) return Component
  return function Guarded() {
    const { known, may } = useMay()
    if (!known) return null
    return may(needs) ? <Component /> : <NotFoundPage />
  }
}

const ours: readonly string[] = [paths.members, paths.roles, paths.keys]

/** Only individuals' pages stand beside ours; those of organisations lie below the organisation. */
function refuseReserved(people: People, pages: readonly Page[]): void {
  for (const { path } of pages) {
    const first = path.split('/')[1] ?? ''
    const taken = people === 'individuals' ? reserved.includes(first) : ours.includes(path)
    if (!/^\/[^/]/.test(path) || taken) throw new Error(`startConsole: a page cannot stand at ${path}`)
  }
}

/** Plain strings both ways; the router's own way reads `?search=12` as a number. */
function parsePlainSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search))
}

function writePlainSearch(search: Record<string, unknown>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(search)) if (value) query.set(name, String(value))
  return query.size > 0 ? `?${query}` : ''
}
