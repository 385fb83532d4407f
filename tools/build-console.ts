import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { glob, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Plugin } from 'vite'

const root = path.join(import.meta.dirname, '..')

export type Product = 'crm' | 'study'

/** What the server needs to write the shell of a product: addresses below its origin, each with a hash in its name. */
export interface ConsoleManifest {
  readonly script: string
  readonly styles: readonly string[]
}

/** Method and path of every route, by name: all that the browser learns of the server's records. */
export type RouteTable = Readonly<Record<string, readonly [method: string, path: string]>>

/** Where the built console of a product lies. */
export function builtFolder(product: Product): string {
  return path.join(root, 'console', 'built', product)
}

/**
 * Builds the console of a product into `out`, unless it was built from the very same sources before. Returns true if it
 * built. `out` then holds `manifest.json` (a `ConsoleManifest`), `assets/` and `stamp`.
 */
export async function buildConsole(product: Product, out: string = builtFolder(product)): Promise<boolean> {
  const folder = path.join(root, 'examples', product)
  const stamp = await stampOf(folder)
  if (await isFresh(out, stamp)) return false
  const table = await readTable(path.join(folder, 'routes.ts'))
  await buildEntry({ entry: path.join(folder, 'console.tsx'), table, out, stamp })
  return true
}

/** Builds one entry file. Whoever reads `out` meanwhile never sees half of a folder. */
export async function buildEntry(from: {
  entry: string
  table: RouteTable
  out: string
  stamp?: string
}): Promise<void> {
  const { build } = await import('vite')
  const fresh = `${from.out}.${randomUUID()}`
  await build({
    configFile: false,
    root,
    base: '/',
    logLevel: 'warn',
    publicDir: false,
    plugins: [routeTable(from.table)],
    // Whatever NODE_ENV the builder runs in, people get the small and quick React.
    oxc: { jsx: { runtime: 'automatic', development: false } },
    define: { 'process.env.NODE_ENV': JSON.stringify('production') },
    resolve: {
      conditions: ['holdfast-source', 'module', 'browser', 'production'],
      alias: { 'holdfast/console': path.join(root, 'console', 'console.tsx') },
    },
    build: {
      outDir: fresh,
      emptyOutDir: true,
      target: 'es2022',
      // Older than these, light-dark() would be rewritten so that a part of a page cannot turn its scheme.
      cssTarget: ['chrome123', 'safari17.5', 'firefox120'],
      // The content security policy has no `data:`.
      assetsInlineLimit: 0,
      // One script under one nonce: nothing is loaded later, so nothing has to be trusted later.
      modulePreload: false,
      manifest: 'vite.json',
      rolldownOptions: {
        input: from.entry,
        // "use client" means something to server components only; there are none. How long it took is nobody's concern.
        checks: { moduleLevelDirective: false, pluginTimings: false },
      },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 1000,
    },
  })
  await writeFile(path.join(fresh, 'manifest.json'), JSON.stringify(await readManifest(fresh)))
  await rm(path.join(fresh, 'vite.json'))
  if (from.stamp) await writeFile(path.join(fresh, 'stamp'), from.stamp)
  await mkdir(path.dirname(from.out), { recursive: true })
  await putInPlace(fresh, from.out)
}

/** Two processes may build at once, from the same sources: whoever comes second leaves what is there. */
async function putInPlace(fresh: string, out: string): Promise<void> {
  const old = `${fresh}.old`
  await rename(out, old).catch(unless('ENOENT'))
  await rename(fresh, out).catch(unless('ENOTEMPTY', 'EEXIST'))
  await Promise.all([fresh, old].map((folder) => rm(folder, { recursive: true, force: true })))
}

function unless(...codes: string[]): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error
  }
}

async function readManifest(folder: string): Promise<ConsoleManifest> {
  const chunks: Record<string, { file: string; css?: string[]; isEntry?: boolean }> = JSON.parse(
    await readFile(path.join(folder, 'vite.json'), 'utf8'),
  )
  const entry = Object.values(chunks).find((chunk) => chunk.isEntry)
  if (!entry) throw new Error('build-console: the build has no entry')
  return { script: `/${entry.file}`, styles: (entry.css ?? []).map((file) => `/${file}`) }
}

function routeTable(table: RouteTable): Plugin {
  const id = 'virtual:holdfast-routes'
  return {
    name: 'holdfast-routes',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: (source) => (source === `\0${id}` ? `export default ${JSON.stringify(table)}` : undefined),
  }
}

/** Evaluates the route records here, at build time, and keeps method and path. No handler reaches the browser. */
async function readTable(file: string): Promise<RouteTable> {
  const { routes } = (await import(pathToFileURL(file).href)) as {
    routes?: Record<string, { method: string; path: string }>
  }
  if (!routes) throw new Error(`build-console: ${path.relative(root, file)} must export its records as \`routes\``)
  return Object.fromEntries(Object.entries(routes).map(([name, route]) => [name, [route.method, route.path]]))
}

async function isFresh(out: string, stamp: string): Promise<boolean> {
  if (!existsSync(path.join(out, 'manifest.json'))) return false
  return (await readFile(path.join(out, 'stamp'), 'utf8').catch(() => '')) === stamp
}

/** A hash of everything that a build reads: names and contents. */
async function stampOf(folder: string): Promise<string> {
  const hash = createHash('sha256').update(process.version)
  for (const file of await inputs(folder)) {
    hash.update(`\n${path.relative(root, file)}\n`).update(await readFile(file))
  }
  return hash.digest('hex')
}

async function inputs(folder: string): Promise<string[]> {
  const files = [path.join(root, 'package-lock.json'), path.join(root, 'tools', 'build-console.ts')]
  const patterns = [
    `${folder}/**/*.{ts,tsx,css}`,
    `${root}/console/**/*.{ts,tsx,css}`,
    `${root}/src/kernel/*.ts`,
    `${root}/src/proving/mark.ts`,
  ]
  for (const pattern of patterns) {
    for await (const file of glob(pattern)) if (!/\.test\.tsx?$|console\/(built|fixture)\//.test(file)) files.push(file)
  }
  return files.sort()
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  for (const product of ['crm', 'study'] as const) {
    const start = performance.now()
    const built = await buildConsole(product)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.error(`console: ${product} ${built ? `built in ${seconds} s` : 'is fresh'}`)
  }
}
