import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { discardCluster } from '../../src/platform/database/cluster-place.ts'
import type { DemoPerson, DemoState } from '../../src/server/demo.ts'
import { type RunningHoldfast, startHoldfast, unpackKept } from '../../tools/keep-data-folder.ts'

const kept = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.tar.gz'))

it('a data folder of every released version is kept', () => {
  const changelog = readFileSync(path.join(import.meta.dirname, '../../CHANGELOG.md'), 'utf8')
  const released = [...changelog.matchAll(/^## \[(\d+\.\d+\.\d+)\] - \d{4}-/gm)].map((match) => `${match[1]}.tar.gz`)
  expect(kept).toEqual(expect.arrayContaining(released))
  expect(kept, 'run tools/keep-data-folder.ts').not.toEqual([])
})

// Its secrets protect nothing but itself: people of the demo, on no machine.
describe.each(kept)('this version starts on the data folder of %s', (archive) => {
  const workshop = mkdtempSync(path.join(tmpdir(), 'hf-kept-'))
  let folder: string
  let demo: DemoState
  let running: RunningHoldfast | undefined

  beforeAll(async () => {
    folder = unpackKept(path.join(import.meta.dirname, archive), workshop)
    demo = JSON.parse(readFileSync(path.join(folder, 'demo.json'), 'utf8'))
    running = await startHoldfast(folder)
  }, 180_000)

  afterAll(async () => {
    try {
      await running?.stop()
    } finally {
      if (existsSync(path.join(workshop, 'data'))) await discardCluster(path.join(workshop, 'data'), () => {})
      rmSync(workshop, { recursive: true, force: true })
    }
  }, 60_000)

  it('and lets the same people in, who find the same contacts', async () => {
    const ada = await enter(1, demo.crm[0]!)
    const { organisations } = await ada.get('/api/me')
    const kelpworks = organisations.find(({ name }: { name: string }) => name === 'Kelpworks')
    const { contacts } = await ada.get(`/api/o/${kelpworks.id}/contacts`)
    expect(contacts.map(({ name }: { name: string }) => name)).toContain('Mara Quist')
    expect(contacts.map(({ companyName }: { companyName: string }) => companyName)).toContain('Harbour Supply')
  })

  it('and the same cards', async () => {
    const eli = await enter(2, demo.study[0]!)
    const { organisations } = await eli.get('/api/me')
    const { decks } = await eli.get(`/api/o/${organisations[0].id}/decks?dayEnds=2030-01-01T00:00:00Z`)
    expect(decks).toMatchObject([{ name: 'Seaweeds', cards: 3 }])
  })

  it('and proves its claims with the canaries that are there', async () => {
    await running!.printed(/crm: \d+ of \d+ claims hold/, 180)
    const { claims } = await (await fetch(`http://localhost:${running!.port + 1}/security.json`)).json()
    const isolation = claims.filter(({ id }: { id: string }) => id.startsWith('sessions/'))
    expect(isolation).not.toEqual([])
    for (const { id, status } of isolation) expect([id, status]).toEqual([id, 'holds'])
  }, 200_000)

  /** Signs in by the password that was chosen in the version that wrote the folder: hash and pepper have survived. */
  async function enter(after: number, { address, password }: DemoPerson) {
    const origin = `http://localhost:${running!.port + after}`
    const signedIn = await fetch(`${origin}/api/sign-in`, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json' },
      body: JSON.stringify({ address, password }),
    })
    expect(signedIn.status, await signedIn.clone().text()).toBeLessThan(300)
    const cookie = signedIn.headers.getSetCookie()[0]!.split(';')[0]!
    return {
      // biome-ignore lint/suspicious/noExplicitAny: answers of whatever version
      async get(target: string): Promise<any> {
        const response = await fetch(origin + target, { headers: { origin, cookie } })
        expect(response.status, await response.clone().text()).toBe(200)
        return response.json()
      },
    }
  }
})
