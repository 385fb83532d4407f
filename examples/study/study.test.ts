import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { startWorld, type World } from '../../test/world/world.ts'
import { study } from './study.ts'

type Learner = Awaited<ReturnType<World['joinWithOrganisation']>>
// biome-ignore lint/suspicious/noExplicitAny: what the tests read is what they check
type Body = any

let world: World
let lena: Learner
let otto: Learner

beforeAll(async () => {
  world = await startWorld({ product: study, superuser: inject('superuser') })
  lena = await world.joinWithOrganisation('Lena')
  otto = await world.joinWithOrganisation('Otto')
})
afterAll(() => world.stop())

interface Sent {
  readonly as?: Learner
  readonly body?: unknown
  readonly key?: string
}

/** Calls a route of the product in the learner's own organisation of one. */
async function call(method: string, path: string, { as = lena, body, key }: Sent = {}) {
  const response = await world.fetch(`/api/o/${as.organisation}${path}`, {
    method,
    body,
    cookie: as.cookie,
    ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
  })
  const text = await response.text()
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as Body }
}

const dayEnds = () => encodeURIComponent(new Date(Date.now() + 3_600_000).toISOString())
const due = async (as = lena, deck = '') =>
  (await call('GET', `/due?dayEnds=${dayEnds()}${deck && `&deck=${deck}`}`, { as })).body
const newDeck = async (name = 'Seaweeds', as = lena) => (await call('POST', '/decks', { as, body: { name } })).body
const newCard = async (deck: string, front = 'kelp', as = lena) =>
  (await call('POST', `/decks/${deck}/cards`, { as, body: { front, back: 'Laminariales' } })).body
const problem = (code: string) => expect.objectContaining({ code })

test('a card is made, answered, and comes back when the schedule says so', async () => {
  const deck = await newDeck()
  const card = await newCard(deck.id)
  expect(card).toEqual({
    id: expect.any(String),
    deckId: deck.id,
    front: 'kelp',
    back: 'Laminariales',
    dueAt: expect.stringMatching(/Z$/),
    version: 1,
  })
  const before = await due(lena, deck.id)
  expect(before).toMatchObject({
    due: 1,
    cards: [{ id: card.id, deckName: 'Seaweeds', days: { again: 0, hard: 1, good: 1, easy: 1 } }],
  })

  const answer = await call('POST', `/cards/${card.id}/reviews`, { body: { grade: 'good', version: 1 } })
  expect(answer).toMatchObject({ status: 201, body: { id: card.id, intervalDays: 1, version: 2 } })
  const inDays = (Date.parse(answer.body.dueAt) - Date.now()) / 86_400_000
  expect(inDays).toBeCloseTo(1, 2)
  const after = await due(lena, deck.id)
  expect(after).toEqual({ due: 0, done: before.done + 1, cards: [] })
})

test('a card that was forgotten is due again today, after the others', async () => {
  const deck = await newDeck()
  const forgotten = await newCard(deck.id, 'first')
  await newCard(deck.id, 'second')
  await call('POST', `/cards/${forgotten.id}/reviews`, { body: { grade: 'again', version: 1 } })
  const { cards } = await due(lena, deck.id)
  expect(cards.map((card: Body) => card.front)).toEqual(['second', 'first'])
})

test('an answer that is sent again with its key is answered again, and counted once', async () => {
  const card = await newCard((await newDeck()).id)
  const { done } = await due()
  const send = () =>
    call('POST', `/cards/${card.id}/reviews`, { body: { grade: 'easy', version: 1 }, key: `answer-${card.id}` })
  const [first, second] = [await send(), await send()]
  expect(first.status).toBe(201)
  expect(second).toEqual(first)
  expect((await due()).done).toBe(done + 1)
})

test('of answers to one version of a card that arrive together, exactly one counts', async () => {
  const card = await newCard((await newDeck()).id)
  const { done } = await due()
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => call('POST', `/cards/${card.id}/reviews`, { body: { grade: 'good', version: 1 } })),
  )
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  const refused = answers.filter(({ status }) => status === 409)
  expect(refused).toHaveLength(7)
  for (const { body } of refused)
    expect(body).toMatchObject({ code: 'study/changed-meanwhile', current: { id: card.id, version: 2 } })
  expect((await due()).done).toBe(done + 1)
})

test('an edit that comes too late is refused with the card as it now stands, and nothing is lost', async () => {
  const card = await newCard((await newDeck()).id)
  const edit = (front: string) =>
    call('PATCH', `/cards/${card.id}`, { body: { front, back: 'Laminariales', version: 1 } })
  const answers = await Promise.all([edit('mine'), edit('theirs')])
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
  const kept = answers.find(({ status }) => status === 200)!.body
  expect(answers.find(({ status }) => status === 409)!.body.current).toEqual(kept)
  expect(kept.version).toBe(2)
})

test('a deck is renamed once per version, and deleted with its cards and answers', async () => {
  const deck = await newDeck('Algae')
  const card = await newCard(deck.id)
  await call('POST', `/cards/${card.id}/reviews`, { body: { grade: 'good', version: 1 } })
  const renamed = await call('PATCH', `/decks/${deck.id}`, { body: { name: 'Brown algae', version: 1 } })
  expect(renamed).toEqual({ status: 200, body: { id: deck.id, name: 'Brown algae', version: 2 } })
  const late = await call('PATCH', `/decks/${deck.id}`, { body: { name: 'Green algae', version: 1 } })
  expect(late).toMatchObject({ status: 409, body: { current: { name: 'Brown algae', version: 2 } } })

  expect(await call('DELETE', `/decks/${deck.id}`)).toEqual({ status: 204, body: undefined })
  expect((await call('DELETE', `/decks/${deck.id}`)).status).toBe(404)
  expect((await call('GET', `/decks/${deck.id}/cards`)).status).toBe(404)
  const left = await world.superuser(
    'select (select count(*)::int from app.card where id = $1) as cards, (select count(*)::int from app.review where card_id = $1) as reviews',
    [card.id],
  )
  expect(left).toEqual([{ cards: 0, reviews: 0 }])
})

test('a deck that is made twice with one key is there once', async () => {
  const send = () => call('POST', '/decks', { body: { name: 'Once' }, key: 'deck-made-once' })
  const [first, second] = await Promise.all([send(), send()])
  expect(first).toEqual(second)
  const { decks } = (await call('GET', `/decks?dayEnds=${dayEnds()}`)).body
  expect(decks.filter((deck: Body) => deck.name === 'Once')).toHaveLength(1)
})

test('lists go on page by page, newest first, without a gap or a repeat', async () => {
  const deck = await newDeck('Long')
  const made: string[] = []
  for (let number = 0; number < 120; number++) made.push((await newCard(deck.id, `card ${number}`)).id)
  const seen: string[] = []
  for (let next: string | null = ''; next !== null; ) {
    const { body }: { body: Body } = await call('GET', `/decks/${deck.id}/cards${next && `?after=${next}`}`)
    seen.push(...body.cards.map((card: Body) => card.id))
    next = body.next
  }
  expect(seen).toEqual(made.toReversed())
  const listed = (await call('GET', `/decks?dayEnds=${dayEnds()}`)).body.decks
  expect(listed.find((one: Body) => one.id === deck.id)).toMatchObject({ cards: 120, due: 120 })
})

test('a place in another list is refused, and so is whatever is no place', async () => {
  const [one, other] = [await newDeck(), await newDeck()]
  const card = await newCard(one.id)
  for (const after of [
    `cards-${one.id}.${card.id}`,
    `decks.${one.id}`,
    card.id,
    'cards',
    '',
    '%00',
    `cards-${other.id}.x`,
  ]) {
    const answer = await call('GET', `/decks/${other.id}/cards?after=${after}`)
    expect(answer, after).toMatchObject({ status: 400 })
    expect(answer.body.fields?.[0]?.pointer, after).toBe('/query/after')
  }
})

test('nobody sees, changes, answers or refers to what another has', async () => {
  const deck = await newDeck('Private')
  const card = await newCard(deck.id)
  const attempts = [
    ['GET', `/decks/${deck.id}/cards`],
    ['PATCH', `/decks/${deck.id}`, { name: 'Taken', version: 1 }],
    ['DELETE', `/decks/${deck.id}`],
    ['POST', `/decks/${deck.id}/cards`, { front: 'a', back: 'b' }],
    ['PATCH', `/cards/${card.id}`, { front: 'a', back: 'b', version: 1 }],
    ['DELETE', `/cards/${card.id}`],
    ['POST', `/cards/${card.id}/reviews`, { grade: 'good', version: 1 }],
    ['GET', `/due?dayEnds=${dayEnds()}&deck=${deck.id}`],
  ] as const
  const nowhere = await call('GET', `/decks/${crypto.randomUUID()}/cards`, { as: otto })
  for (const [method, path, body] of attempts) {
    const answer = await call(method, path, { as: otto, body })
    expect(answer.status, `${method} ${path}`).toBe(404)
    expect({ ...answer.body, requestId: '' }, `${method} ${path}`).toEqual({ ...nowhere.body, requestId: '' })
  }
  const inside = await world.fetch(`/api/o/${lena.organisation}/decks/${deck.id}/cards`, { cookie: otto.cookie })
  expect(inside.status).toBe(404)
  expect((await call('GET', `/decks/${deck.id}/cards`)).body).toMatchObject({
    deck: { name: 'Private', version: 1 },
    cards: [{ id: card.id, version: 1 }],
  })
})

test('a card and its deck cannot lie with different people, even for the owner of the tables', async () => {
  const deck = await newDeck('Mine')
  await expect(
    world.superuser("insert into app.card (organisation_id, id, deck_id, front, back) values ($1, $2, $3, 'a', 'b')", [
      otto.organisation,
      crypto.randomUUID(),
      deck.id,
    ]),
  ).rejects.toThrow(/foreign key/)
})

test('what cannot be is refused by name, never with a 5xx, and never stored', async () => {
  const deck = await newDeck()
  const card = await newCard(deck.id)
  const sides = { front: 'a', back: 'b' }
  const refused: [string, string, unknown, string][] = [
    ...[0, 1, -1, true, null, [], {}, '', ' ', '\u0000', 'x'.repeat(121), '\ud800'].map(
      (name): [string, string, unknown, string] => ['POST', '/decks', { name }, '/body/name'],
    ),
    ['POST', '/decks', { name: 'a', color: 'red' }, '/body/color'],
    ['POST', `/decks/${deck.id}/cards`, { front: 'a' }, '/body/back'],
    ['POST', `/decks/${deck.id}/cards`, { ...sides, front: 'x'.repeat(2001) }, '/body/front'],
    ['POST', `/decks/${deck.id}/cards`, { ...sides, organisation_id: otto.organisation }, '/body/organisation_id'],
    ...[0, -1, 1.5, 2 ** 31, '1', null].map((version): [string, string, unknown, string] => [
      'PATCH',
      `/cards/${card.id}`,
      { ...sides, version },
      '/body/version',
    ]),
    ['POST', `/cards/${card.id}/reviews`, { grade: 'perfect', version: 1 }, '/body/grade'],
    ...['today', '2026-13-01T00:00:00Z', '2026-03-04', ''].map((dayEnds): [string, string, unknown, string] => [
      'GET',
      `/due?dayEnds=${dayEnds}`,
      undefined,
      '/query/dayEnds',
    ]),
    ['GET', `/due?dayEnds=${dayEnds()}&deck=1`, undefined, '/query/deck'],
  ]
  for (const [method, path, body, pointer] of refused) {
    const answer = await call(method, path, { body })
    const said = `${method} ${path} ${JSON.stringify(body)} → ${answer.status}`
    expect(answer.status, said).toBeGreaterThanOrEqual(400)
    expect(answer.status, said).toBeLessThan(500)
    expect(answer.body.fields?.map((field: Body) => field.pointer) ?? [], said).toContain(pointer)
  }
  for (const path of ['/decks/1/cards', "/decks/'/cards", '/decks/%00/cards'])
    expect((await call('GET', path)).body, path).toEqual(problem('http/not-found'))
  expect((await call('GET', `/decks/${deck.id}/cards`)).body.cards).toHaveLength(1)
})

test('a day that cannot be brings back no card too early', async () => {
  const deck = await newDeck()
  const card = await newCard(deck.id)
  await call('POST', `/cards/${card.id}/reviews`, { body: { grade: 'good', version: 1 } })
  expect((await call('GET', `/due?deck=${deck.id}`)).body).toMatchObject({ due: 0, cards: [] })
  for (const end of ['9999-12-31T23:59:59Z', '0001-01-01T00:00:00Z']) {
    const answer = await call('GET', `/due?dayEnds=${end}&deck=${deck.id}`)
    expect(answer, end).toMatchObject({ status: 200, body: { due: 0, cards: [] } })
  }
})

test('whoever learns alone meets no organisation but their own', async () => {
  const me = (await (await world.fetch('/api/me', { cookie: lena.cookie })).json()) as Body
  expect(me.organisations).toHaveLength(1)
  const founded = await world.fetch('/api/organisations', {
    method: 'POST',
    body: { name: 'Second' },
    cookie: lena.cookie,
  })
  expect(founded.status).toBe(404)
})
