import { randomBytes } from 'node:crypto'
import type { Mailbox } from '../platform/mail/mailbox.ts'

/** A person of the demo, as the landing page shows them. */
export interface DemoPerson {
  readonly who: string
  readonly name: string
  readonly address: string
  readonly password: string
}

export interface DemoState {
  readonly crm: readonly DemoPerson[]
  readonly study: readonly DemoPerson[]
  /** False until everybody has come in by the front door; a start that was cut short begins again with new addresses. */
  readonly complete: boolean
}

const people = {
  ada: { name: 'Ada Holm', who: 'Owner of Kelpworks' },
  ben: { name: 'Ben Okoro', who: 'Admin of Kelpworks' },
  cleo: { name: 'Cleo Marsh', who: 'Member of Kelpworks' },
  dora: { name: 'Dora Lind', who: 'Owner of Slate & Sand, member of Kelpworks' },
  eli: { name: 'Eli Voss', who: 'Learner' },
  fay: { name: 'Fay Renner', who: 'Another learner' },
}

/** New people, with passwords of this installation alone. */
export function newDemo(): DemoState {
  const round = randomBytes(2).toString('hex')
  const person = (key: keyof typeof people): DemoPerson => ({
    ...people[key],
    address: `${key}.${round}@demo.example`,
    password: `${key}-${randomBytes(9).toString('base64url')}-demo`,
  })
  return {
    crm: [person('ada'), person('ben'), person('cleo'), person('dora')],
    study: [person('eli'), person('fay')],
    complete: false,
  }
}

/** Lets the demo's people sign up, verify, found, invite and accept, over HTTP and with real mail, like anybody. */
export async function fillDemo(
  state: DemoState,
  origins: { crm: string; study: string },
  mailbox: Mailbox,
): Promise<void> {
  await Promise.all([
    fillCrm(state, new Front(origins.crm, mailbox)),
    fillStudy(state, new Front(origins.study, mailbox)),
  ])
}

async function fillCrm(state: DemoState, front: Front): Promise<void> {
  const [ada, ben, cleo, dora] = state.crm as [DemoPerson, DemoPerson, DemoPerson, DemoPerson]
  await Promise.all(state.crm.map((person) => front.join(person)))
  const owner = await front.signIn(ada)
  const kelpworks = (await front.post('/api/organisations', { name: 'Kelpworks' }, owner)).id as string
  for (const [person, role] of [
    [ben, 'admin'],
    [cleo, 'member'],
    [dora, 'member'],
  ] as const) {
    await front.post(`/api/o/${kelpworks}/invitations`, { address: person.address, role }, owner)
    const token = await front.token(person.address, /\/invitation#([\w-]+)/)
    await front.post('/api/invitations/accept', { token }, await front.signIn(person))
  }
  const other = await front.signIn(dora)
  const slate = (await front.post('/api/organisations', { name: 'Slate & Sand' }, other)).id as string
  await fillContacts(
    front,
    kelpworks,
    owner,
    ['Harbour Supply', 'Tidal Instruments'],
    ['Mara Quist', 'Jon Pell', 'Ines Abreu', 'Tove Lund', 'Rui Costa'],
  )
  await fillContacts(front, slate, other, ['Dune Roofing'], ['Piet Vos', 'Lena Sorel'])
}

async function fillContacts(
  front: Front,
  organisation: string,
  cookie: string,
  companies: string[],
  names: string[],
): Promise<void> {
  const ids: string[] = []
  for (const name of companies)
    ids.push(
      (await front.post(`/api/o/${organisation}/companies`, { name, website: '', note: '' }, cookie)).id as string,
    )
  for (const [index, name] of names.entries())
    await front.post(
      `/api/o/${organisation}/contacts`,
      {
        name,
        email: `${name.toLowerCase().replace(' ', '.')}@example.com`,
        companyId: ids[index % ids.length],
        phone: '',
        jobTitle: '',
        note: '',
      },
      cookie,
    )
}

async function fillStudy(state: DemoState, front: Front): Promise<void> {
  await Promise.all(state.study.map((person) => front.join(person)))
  const [eli] = state.study as [DemoPerson]
  const cookie = await front.signIn(eli)
  const me = (await front.get('/api/me', cookie)) as { organisations: { id: string }[] }
  const organisation = me.organisations[0]!.id
  const deck = (await front.post(`/api/o/${organisation}/decks`, { name: 'Seaweeds' }, cookie)).id as string
  for (const [face, back] of [
    ['What is a holdfast?', 'The root-like grip with which kelp holds to the rock.'],
    ['What does kelp have instead of leaves?', 'Blades.'],
    ['Which pigment makes kelp brown?', 'Fucoxanthin.'],
  ])
    await front.post(`/api/o/${organisation}/decks/${deck}/cards`, { front: face, back }, cookie)
}

/** The front door of one product, as a browser would use it. */
class Front {
  readonly #origin: string
  readonly #mailbox: Mailbox

  constructor(origin: string, mailbox: Mailbox) {
    this.#origin = origin
    this.#mailbox = mailbox
  }

  async join({ name, address, password }: DemoPerson): Promise<void> {
    await this.post('/api/sign-up', { name, address, password })
    await this.post('/api/verify', { token: await this.token(address, /\/verify#([\w-]+)/), password })
  }

  async signIn({ address, password }: DemoPerson): Promise<string> {
    const response = await this.#send('POST', '/api/sign-in', { address, password })
    return response.headers.getSetCookie()[0]!.split(';')[0]!
  }

  async post(path: string, body: unknown, cookie?: string): Promise<Record<string, unknown>> {
    const response = await this.#send('POST', path, body, cookie)
    return response.status === 204 ? {} : ((await response.json()) as Record<string, unknown>)
  }

  async get(path: string, cookie: string): Promise<unknown> {
    return (await this.#send('GET', path, undefined, cookie)).json()
  }

  /** Waits for the newest mail to `address` that holds such a link. */
  async token(address: string, link: RegExp): Promise<string> {
    for (let attempt = 0; attempt < 100; attempt++) {
      for (const { id, to } of this.#mailbox.list()) {
        if (!to.includes(address)) continue
        const found = link.exec(this.#mailbox.get(id)?.text ?? '')
        if (found) return found[1]!
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error(`no mail with a link came for ${address}`)
  }

  async #send(method: string, path: string, body?: unknown, cookie?: string): Promise<Response> {
    const response = await fetch(new URL(path, this.#origin), {
      method,
      headers: {
        origin: this.#origin,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(cookie === undefined ? {} : { cookie }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`)
    return response
  }
}
