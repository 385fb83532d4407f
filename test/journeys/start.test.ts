import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { discardCluster } from '../../src/platform/database/cluster-place.ts'
import type { DemoState } from '../../src/server/demo.ts'
import { freePorts, holdfast, isFree, killTree, processTree, type Run, until } from './holdfast-process.ts'

const folder = path.join(mkdtempSync(path.join(tmpdir(), 'hf-start-')), 'data')

/** A connection of the database may have ended by itself since the tree was read. */
function killAtOnce(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

describe('holdfast start', () => {
  let port: number
  let env: Record<string, string>
  let run: Run
  const at = (offset: number, target = '/') => `http://localhost:${port + offset}${target}`
  const start = async () => {
    run = holdfast(['start'], env)
    await until(
      () => run.output.includes('is ready') || run.child.exitCode !== null,
      90,
      () => run.output,
    )
    expect(run.output).toContain('Holdfast is ready')
  }
  const demo = () => JSON.parse(readFileSync(path.join(folder, 'demo.json'), 'utf8')) as DemoState
  const signIn = async () => {
    const { address, password } = demo().crm[0]!
    const response = await fetch(at(1, '/api/sign-in'), {
      method: 'POST',
      headers: { origin: at(1).slice(0, -1), 'content-type': 'application/json' },
      body: JSON.stringify({ address, password }),
    })
    expect(response.status).toBe(200)
    const cookie = response.headers.getSetCookie()[0]!.split(';')[0]!
    const me = (await (await fetch(at(1, '/api/me'), { headers: { cookie } })).json()) as {
      organisations: { id: string }[]
    }
    return { cookie, organisation: me.organisations[0]!.id }
  }
  const claimStatus = async (claim: string) => {
    const { claims } = (await (await fetch(at(1, '/security.json'))).json()) as {
      claims: { id: string; status: string }[]
    }
    return claims.find((one) => one.id === claim)?.status
  }

  beforeAll(async () => {
    port = await freePorts()
    env = { PORT: String(port), HOLDFAST_DATA_DIR: folder }
    await start()
  }, 120_000)

  afterAll(async () => {
    killTree(run)
    await discardCluster(folder, () => {})
    rmSync(path.dirname(folder), { recursive: true, force: true })
  })

  it('prints one screen, and everything on it answers', async () => {
    for (const offset of [0, 1, 2]) expect(run.output).toContain(at(offset).slice(0, -1))
    for (const { address, password } of [...demo().crm, ...demo().study]) {
      expect(run.output).toContain(address)
      expect(run.output).toContain(password)
    }
    for (const target of [
      at(0),
      at(0, '/mail'),
      at(0, '/security.json'),
      at(1),
      at(1, '/security'),
      at(2),
      at(2, '/security'),
    ])
      expect([target, (await fetch(target)).status]).toEqual([target, 200])
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.json')))
      expect([file, statSync(path.join(folder, file)).mode & 0o077]).toEqual([file, 0])
  })

  it('refuses a second instance on its folder', async () => {
    const second = holdfast(['start'], { ...env, PORT: String(await freePorts()) })
    expect(await second.ended).toBe(1)
    expect(second.output).toMatch(/holdfast: error: another Holdfast, process \d+, uses the folder/)
    expect(second.output).toContain('holdfast: hint:')
  })

  it('names a port that is taken, before it makes a database', async () => {
    const other = path.join(path.dirname(folder), 'other')
    const second = holdfast(['start'], { ...env, HOLDFAST_DATA_DIR: other })
    expect(await second.ended).toBe(1)
    expect(second.output).toContain(`port ${port} on 127.0.0.1 is in use`)
    expect(existsSync(path.join(other, 'postgres'))).toBe(false)
  })

  it('shows nothing secret in its information', async () => {
    const info = holdfast(['info', '--json'], env)
    expect(await info.ended).toBe(0)
    expect(() => JSON.parse(info.output)).not.toThrow()
    const secrets = JSON.parse(readFileSync(path.join(folder, 'secrets.json'), 'utf8')) as {
      pepper: string
      passwords: Record<string, string>
    }
    for (const secret of [secrets.pepper, ...Object.values(secrets.passwords)])
      expect(info.output).not.toContain(secret)
  })

  it('attacks what runs, and ends with status 0 only when all is well', async () => {
    const prove = holdfast(['prove'], env)
    expect(await prove.ended, prove.output).toBe(0)
    const unknown = holdfast(['prove', 'no/such-claim'], env)
    expect(await unknown.ended).toBe(2)
  }, 180_000)

  it('turns red within seconds when a control is broken on purpose, and green when it is mended', async () => {
    const page = await (await fetch(at(0))).text()
    const action = /action="(\/demo\/sabotage\/crm\/\d+)"/.exec(page)![1]!
    const turn = () =>
      fetch(at(0, action), { method: 'POST', redirect: 'manual', headers: { origin: at(0).slice(0, -1) } })
    const broken = async () =>
      ((await (await fetch(at(1, '/security.json'))).json()) as { claims: { status: string }[] }).claims.some(
        (one) => one.status === 'broken',
      )
    expect(await broken()).toBe(false)
    expect((await turn()).status).toBe(303)
    await until(broken, 60, () => 'the page did not turn red')
    const prove = holdfast(['prove', '--json'], env)
    expect(await prove.ended).toBe(1)
    expect((await turn()).status).toBe(303)
    await until(
      async () => !(await broken()),
      90,
      () => 'the page did not turn green again',
    )
  }, 240_000)

  it('loses no committed row when its whole process tree is killed, and recovers by itself', async () => {
    const { cookie, organisation } = await signIn()
    const response = await fetch(at(1, `/api/o/${organisation}/companies`), {
      method: 'POST',
      headers: { cookie, origin: at(1).slice(0, -1), 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Kept Through The Storm', website: '', note: '' }),
    })
    expect(response.status).toBe(201)
    for (const pid of processTree(run.child.pid!)) killAtOnce(pid)
    await run.ended
    await start()
    const again = await fetch(at(1, `/api/o/${organisation}/companies?q=storm`), { headers: { cookie } })
    expect(await again.text()).toContain('Kept Through The Storm')
    expect(await claimStatus('sessions/revoked-at-once')).toBeDefined()
  }, 120_000)

  it('stops in order when it is asked to', async () => {
    run.child.kill('SIGTERM')
    expect(await run.ended).toBe(0)
    expect(await isFree(port)).toBe(true)
    const prove = holdfast(['prove'], env)
    expect(await prove.ended).toBe(1)
    expect(prove.output).toContain('hint: start it first')
  }, 30_000)
})
