import { createHash, randomBytes } from 'node:crypto'
import type { Site } from '../accounts/accounts.ts'

/** What a browser sends after `navigator.credentials.create`: base64url each. */
export interface NewPasskey {
  readonly id: string
  readonly clientDataJSON: string
  readonly attestationObject: string
  readonly transports: readonly string[]
}

/** What a browser sends after `navigator.credentials.get`. */
export interface ShownPasskey {
  readonly id: string
  readonly clientDataJSON: string
  readonly authenticatorData: string
  readonly signature: string
  readonly userHandle?: string | undefined
}

export interface KnownPasskey {
  readonly id: string
  readonly transports: readonly string[]
}

/** When it is first needed: a fifth of a second at start, and 27 MB in every process, for what many never use. */
const webAuthn = () => import('@simplewebauthn/server')

/** COSE: EdDSA, ES256 and RS256, which all browsers and keys between them have. */
const algorithms = [-8, -7, -257]
const timeoutMilliseconds = 5 * 60 * 1000

/** 256 random bits, as the browser gets them, and as the database keeps them. */
export function newChallenge(): { readonly challenge: Uint8Array<ArrayBuffer>; readonly hash: Uint8Array } {
  const challenge = new Uint8Array(randomBytes(32))
  return { challenge, hash: hashOf(challenge) }
}

/** The challenge that a browser's answer says it has signed; undefined for what is no answer, or comes from a frame. */
export function challengeIn(clientDataJSON: string): { readonly text: string; readonly hash: Uint8Array } | undefined {
  try {
    const said: unknown = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString('utf8'))
    const { challenge, crossOrigin } = said as { challenge?: unknown; crossOrigin?: unknown }
    if (typeof challenge !== 'string' || crossOrigin === true) return undefined
    return { text: challenge, hash: hashOf(Buffer.from(challenge, 'base64url')) }
  } catch {
    return undefined
  }
}

/** For `navigator.credentials.create`. The handle is the person's id, which says nothing to anybody else. */
export async function creationOptions(
  site: Site,
  person: { readonly id: string; readonly name: string; readonly address: string },
  challenge: Uint8Array<ArrayBuffer>,
  known: readonly KnownPasskey[],
) {
  const { generateRegistrationOptions } = await webAuthn()
  return generateRegistrationOptions({
    rpName: site.title,
    rpID: rpIdOf(site),
    userID: new Uint8Array(Buffer.from(person.id.replaceAll('-', ''), 'hex')),
    userName: person.address,
    userDisplayName: person.name,
    challenge,
    timeout: timeoutMilliseconds,
    attestationType: 'none',
    supportedAlgorithmIDs: algorithms,
    excludeCredentials: known.map(({ id, transports }) => ({ id, transports: [...transports] })),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
  })
}

/** For `navigator.credentials.get`. `known` empty: the authenticator offers what it has, and must verify its user. */
export async function requestOptions(site: Site, challenge: Uint8Array<ArrayBuffer>, known: readonly KnownPasskey[]) {
  const { generateAuthenticationOptions } = await webAuthn()
  return generateAuthenticationOptions({
    rpID: rpIdOf(site),
    challenge,
    timeout: timeoutMilliseconds,
    allowCredentials: known.map(({ id, transports }) => ({ id, transports: [...transports] })),
    userVerification: known.length === 0 ? 'required' : 'preferred',
  })
}

/** What to keep of a new passkey; undefined where it does not prove itself. `challenge`: one of ours that was just used up. */
export async function verifyCreation(site: Site, sent: NewPasskey, challenge: string) {
  const { verifyRegistrationResponse } = await webAuthn()
  const { id, clientDataJSON, attestationObject, transports } = sent
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON, attestationObject, transports: [...transports] },
      },
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: rpIdOf(site),
      requireUserVerification: false,
      supportedAlgorithmIDs: algorithms,
    })
    if (!verified) return undefined
    const { credential, credentialBackedUp } = registrationInfo
    return {
      id: Buffer.from(credential.id, 'base64url'),
      publicKey: Buffer.from(credential.publicKey),
      counter: credential.counter,
      backedUp: credentialBackedUp,
    }
  } catch (error) {
    return refused(error)
  }
}

/** The new counter; undefined where the signature, the origin, the counter or the user's verification is not as it must be. */
export async function verifyRequest(
  site: Site,
  sent: ShownPasskey,
  challenge: string,
  known: { readonly publicKey: Uint8Array; readonly counter: number },
  mustVerifyUser: boolean,
): Promise<{ readonly counter: number } | undefined> {
  const { verifyAuthenticationResponse } = await webAuthn()
  const { id, userHandle, clientDataJSON, authenticatorData, signature } = sent
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON, authenticatorData, signature, ...(userHandle === undefined ? {} : { userHandle }) },
      },
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: rpIdOf(site),
      credential: { id, publicKey: new Uint8Array(known.publicKey), counter: known.counter },
      requireUserVerification: mustVerifyUser,
    })
    return verified ? { counter: authenticationInfo.newCounter } : undefined
  } catch (error) {
    return refused(error)
  }
}

/** The library says by an Error, of any kind, what is wrong with what a stranger sent: all that it reads is from there. */
function refused(error: unknown): undefined {
  if (!(error instanceof Error)) throw error
}

function rpIdOf({ origin }: Site): string {
  return new URL(origin).hostname
}

function hashOf(challenge: Uint8Array): Uint8Array {
  return createHash('sha256').update('holdfast-challenge-1').update(challenge).digest()
}
