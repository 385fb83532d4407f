import type { accountRoutes } from '../src/controls/accounts/routes.ts'
import type { apiKeyRoutes } from '../src/controls/api-keys/routes.ts'
import type { organisationRoutes, personRoutes } from '../src/controls/organisations/routes.ts'
import type { permissionRoutes } from '../src/controls/permissions/routes.ts'
import type { sessionRoutes } from '../src/controls/sessions/routes.ts'
import type { signInRoutes } from '../src/controls/sign-in/routes.ts'
import type { recoveryRoutes } from '../src/controls/two-factor/recovery.ts'
import type { twoFactorRoutes } from '../src/controls/two-factor/routes.ts'
import { createClient } from './client.ts'

type Records = ReturnType<typeof accountRoutes> &
  ReturnType<typeof recoveryRoutes> &
  ReturnType<typeof sessionRoutes> &
  ReturnType<typeof signInRoutes> &
  ReturnType<typeof twoFactorRoutes> &
  ReturnType<typeof personRoutes> &
  ReturnType<typeof organisationRoutes> &
  ReturnType<typeof permissionRoutes> &
  ReturnType<typeof apiKeyRoutes>

/** Method and path of the foundation's own routes, as far as the console calls them. A test compares them with the records. */
export const foundationTable = {
  signUp: ['POST', '/api/sign-up'],
  verify: ['POST', '/api/verify'],
  verifyAgain: ['POST', '/api/verify/again'],
  askReset: ['POST', '/api/reset'],
  finishReset: ['POST', '/api/reset/finish'],
  account: ['GET', '/api/account'],
  rename: ['PUT', '/api/account/name'],
  changePassword: ['POST', '/api/account/password'],
  askAddressChange: ['POST', '/api/account/address'],
  dropAddressChange: ['DELETE', '/api/account/address'],
  confirmAddress: ['POST', '/api/address/confirm'],
  cancelAddress: ['POST', '/api/address/cancel'],
  closeAccount: ['POST', '/api/account/close'],
  keepAccount: ['POST', '/api/account/keep'],
  recovery: ['GET', '/api/recovery'],
  askRecovery: ['POST', '/api/recovery'],
  beginRecovery: ['POST', '/api/recovery/begin'],
  stopRecovery: ['POST', '/api/recovery/stop'],
  signIn: ['POST', '/api/sign-in'],
  signInPasskeyOptions: ['POST', '/api/sign-in/passkey/options'],
  signInByPasskey: ['POST', '/api/sign-in/passkey'],
  secondStep: ['GET', '/api/session/second-step'],
  showCode: ['POST', '/api/session/code'],
  showRecoveryCode: ['POST', '/api/session/recovery-code'],
  showPasskeyOptions: ['POST', '/api/session/passkey/options'],
  showPasskey: ['POST', '/api/session/passkey'],
  showPassword: ['POST', '/api/session/password'],
  factors: ['GET', '/api/account/factors'],
  beginTotp: ['POST', '/api/account/factors/totp'],
  confirmTotp: ['POST', '/api/account/factors/totp/confirm'],
  removeTotp: ['DELETE', '/api/account/factors/totp'],
  newPasskeyOptions: ['POST', '/api/account/factors/passkeys/options'],
  addPasskey: ['POST', '/api/account/factors/passkeys'],
  removePasskey: ['DELETE', '/api/account/factors/passkeys/:passkey'],
  renewRecoveryCodes: ['POST', '/api/account/recovery-codes'],
  signOut: ['POST', '/api/sign-out'],
  ownSessions: ['GET', '/api/sessions'],
  endOwnSession: ['DELETE', '/api/sessions/:session'],
  endOtherSessions: ['POST', '/api/sessions/end-others'],
  me: ['GET', '/api/me'],
  createOrganisation: ['POST', '/api/organisations'],
  acceptInvitation: ['POST', '/api/invitations/accept'],
  place: ['GET', '/api/organisations/:id'],
  members: ['GET', '/api/o/:organisation/members'],
  invite: ['POST', '/api/o/:organisation/invitations'],
  withdrawInvitation: ['DELETE', '/api/o/:organisation/invitations/:id'],
  resendInvitation: ['POST', '/api/o/:organisation/invitations/:id/resend'],
  giveRole: ['PUT', '/api/o/:organisation/members/:person/role'],
  handOwnershipOver: ['POST', '/api/o/:organisation/ownership'],
  removeMember: ['DELETE', '/api/o/:organisation/members/:person'],
  leave: ['POST', '/api/o/:organisation/leave'],
  secondFactors: ['GET', '/api/o/:organisation/second-factor'],
  demandSecondFactor: ['PUT', '/api/o/:organisation/second-factor'],
  resetFactors: ['POST', '/api/o/:organisation/members/:person/reset-factors'],
  roles: ['GET', '/api/o/:organisation/roles'],
  createRole: ['POST', '/api/o/:organisation/roles'],
  changeRole: ['PUT', '/api/o/:organisation/roles/:id'],
  deleteRole: ['DELETE', '/api/o/:organisation/roles/:id'],
  keys: ['GET', '/api/o/:organisation/keys'],
  makeKey: ['POST', '/api/o/:organisation/keys'],
  rotateKey: ['POST', '/api/o/:organisation/keys/:id/rotate'],
  withdrawKey: ['DELETE', '/api/o/:organisation/keys/:id'],
} as const satisfies { readonly [Name in keyof Records]?: readonly [method: string, path: string] }

/** The foundation's own routes, the same in every product. Those of organisations are missing where people are individuals. */
export const foundation = createClient<Pick<Records, keyof typeof foundationTable>>(foundationTable)

/** The person that the session belongs to, and where they are a member. */
export type Me = Awaited<ReturnType<typeof foundation.me>>
/** One of one's own live sessions. */
export type OwnSession = Awaited<ReturnType<typeof foundation.ownSessions>>['sessions'][number]
export type Membership = Me['organisations'][number]
/** One's own place in an organisation, and what one may do there. */
export type Place = Awaited<ReturnType<typeof foundation.place>>
export type Members = Awaited<ReturnType<typeof foundation.members>>
export type Member = Members['members'][number]
export type Invitation = Members['invitations'][number]
/** The roles of the product and of the organisation, with what each may do. */
export type Roles = Awaited<ReturnType<typeof foundation.roles>>
export type Role = Roles['roles'][number]
/** The API keys of the organisation, and what one may put into one's own. */
export type ApiKeys = Awaited<ReturnType<typeof foundation.keys>>
export type ApiKey = ApiKeys['keys'][number]
