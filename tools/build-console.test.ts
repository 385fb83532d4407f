import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { routes as crm } from '../examples/crm/routes.ts'
import { routes as study } from '../examples/study/routes.ts'
import { buildConsole, type ConsoleManifest } from './build-console.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-build-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('may run several times at once', async () => {
  const out = path.join(folder, 'together')
  const built = await Promise.all([1, 2, 3].map(() => buildConsole('study', out)))
  expect(built).toContain(true)
  expect(readdirSync(out).sort()).toEqual(['assets', 'manifest.json', 'stamp'])
  expect(readdirSync(folder).filter((name) => name.startsWith('together.'))).toEqual([])
})

describe.each([
  ['crm', crm],
  ['study', study],
] as const)('the console of %s', (product, routes) => {
  const out = path.join(folder, product)
  const read = (address: string) => readFileSync(path.join(out, address), 'utf8')
  const manifest = (): ConsoleManifest => JSON.parse(read('manifest.json'))

  it('is built into hashed assets that a manifest names, and once only', async () => {
    expect(await buildConsole(product, out)).toBe(true)
    expect(manifest().script).toMatch(/^\/assets\/[\w-]+-[\w-]{8}\.js$/)
    for (const style of manifest().styles) expect(style).toMatch(/^\/assets\/[\w-]+-[\w-]{8}\.css$/)
    const before = statSync(path.join(out, 'manifest.json')).mtimeMs
    expect(await buildConsole(product, out)).toBe(false)
    expect(statSync(path.join(out, 'manifest.json')).mtimeMs).toBe(before)
    expect(readdirSync(folder).filter((name) => name.startsWith(`${product}.`))).toEqual([])
  })

  it('knows method and path of every route, and nothing else of the server', () => {
    const script = read(manifest().script)
    const said = Object.values(routes)
    expect(said.filter(({ path: at }) => !script.includes(at))).toEqual([])
    expect(said.filter(({ summary }) => script.includes(summary))).toEqual([])
    expect(/["'`]node:|process\.env|\bselect .{1,80} from (app|holdfast)\./.exec(script)?.[0]).toBeUndefined()
  })

  it('needs nothing that the policy forbids', () => {
    const script = read(manifest().script)
    const styles = manifest().styles.map(read).join('')
    expect(/url\(["']?(data:|https?:|\/\/)|@import/.exec(styles)?.[0]).toBeUndefined()
    expect(/\beval\(|new Function\(|\bimport\(|data:(image|font|text)\//.exec(script)?.[0]).toBeUndefined()
  })

  it('is small', () => {
    expect(statSync(path.join(out, manifest().script)).size).toBeLessThan(500_000)
    const styles = manifest().styles.reduce((sum, one) => sum + statSync(path.join(out, one)).size, 0)
    expect(styles).toBeLessThan(50_000)
  })
})
