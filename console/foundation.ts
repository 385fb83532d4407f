import { type Call, createCall } from './client.ts'

/** The person that the session belongs to, and where they are a member. */
export interface Me {
  readonly person: { readonly id: string; readonly name: string; readonly address: string; readonly verified: boolean }
  readonly organisations: readonly Membership[]
}

export interface Membership {
  readonly id: string
  readonly name: string
  readonly role: string
}

export interface Member {
  readonly person: string
  readonly name: string
  readonly address?: string
  readonly role: string
  readonly joinedAt: string
}

export interface Invitation {
  readonly id: string
  readonly address: string
  readonly role: string
  readonly invitedAt: string
  readonly expiresAt: string
}

export interface Members {
  readonly members: readonly Member[]
  readonly invitations: readonly Invitation[]
  readonly you: { readonly person: string; readonly role: string; readonly permissions: readonly string[] }
}

type Nothing = Record<never, never>
type In = { readonly organisation: string }

/** The foundation's own routes, the same in every product. */
export const foundation = {
  signUp: createCall('signUp', 'POST', '/api/sign-up') as Call<
    { readonly body: { readonly name: string; readonly address: string; readonly password: string } },
    Nothing
  >,
  verify: createCall('verify', 'POST', '/api/verify') as Call<{ readonly body: { readonly token: string } }, Nothing>,
  verifyAgain: createCall('verifyAgain', 'POST', '/api/verify/again') as Call<{ readonly body: Nothing }, Nothing>,
  signIn: createCall('signIn', 'POST', '/api/sign-in') as Call<
    { readonly body: { readonly address: string; readonly password: string } },
    { readonly verified: boolean }
  >,
  signOut: createCall('signOut', 'POST', '/api/sign-out') as Call<{ readonly body: Nothing }, undefined>,
  me: createCall('me', 'GET', '/api/me') as Call<Nothing, Me>,
  createOrganisation: createCall('createOrganisation', 'POST', '/api/organisations') as Call<
    { readonly body: { readonly name: string } },
    { readonly id: string }
  >,
  members: createCall('members', 'GET', '/api/o/:organisation/members') as Call<In, Members>,
  invite: createCall('invite', 'POST', '/api/o/:organisation/invitations') as Call<
    In & { readonly body: { readonly address: string; readonly role: string } },
    Nothing
  >,
  withdrawInvitation: createCall('withdrawInvitation', 'DELETE', '/api/o/:organisation/invitations/:id') as Call<
    In & { readonly params: { readonly id: string } },
    undefined
  >,
  removeMember: createCall('removeMember', 'DELETE', '/api/o/:organisation/members/:person') as Call<
    In & { readonly params: { readonly person: string } },
    undefined
  >,
  acceptInvitation: createCall('acceptInvitation', 'POST', '/api/invitations/accept') as Call<
    { readonly body: { readonly token: string } },
    { readonly organisation: string }
  >,
} as const
