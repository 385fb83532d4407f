import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.join(import.meta.dirname, '..')
const at = (...parts: string[]) => path.join(root, ...parts)

/** All sources below a folder, as paths from the root. */
function sources(folder: string, ending = /\.(ts|tsx)$/): string[] {
  if (!existsSync(at(folder))) return []
  return readdirSync(at(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes('node_modules') && !file.includes('built') && !file.includes('/.'))
    .sort()
}

interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
}

/** Imports of files of ours, static and dynamic, as paths from the root. */
function importsOf(file: string): Import[] {
  const text = readFileSync(at(file), 'utf8')
  const found: Import[] = []
  for (const match of text.matchAll(
    /(import|export)(\s+type)?\s[^'"`;]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|import\s+['"]([^'"]+)['"]/g,
  )) {
    const target = match[3] ?? match[4] ?? match[5]
    if (target?.startsWith('.'))
      found.push({
        from: file,
        to: path.relative(root, path.resolve(at(path.dirname(file)), target)),
        typeOnly: match[2] !== undefined,
      })
  }
  return found
}

const isTest = (file: string) => /\.test\.tsx?$/.test(file)
const source = sources('src')
const own = source.filter((file) => !isTest(file))

/** The order of DESIGN: a control imports only those before it. */
const order = [
  'tenant-isolation',
  'audit-log',
  'encryption',
  'rate-limits',
  'browser-defences',
  'input-validation',
  'sessions',
  'accounts',
  'two-factor',
  'organisations',
  'permissions',
  'sign-in',
  'api-keys',
  'operators',
  'files',
  'billing',
  'data-rights',
  'transport',
  'monitoring',
  'log-retention',
  'residency',
  'subprocessors',
  'secrets',
  'supply-chain',
  'confinement',
  'backups',
  'resilience',
  'disclosure',
  'incidents',
  'declared',
]
const present = readdirSync(at('src/controls')).filter((name) => statSync(at('src/controls', name)).isDirectory())

/** Which floor a file stands on; the lowest is 0. */
const floors: readonly { readonly floor: number; readonly prefix: string }[] = [
  { floor: 0, prefix: 'src/kernel/' },
  { floor: 1, prefix: 'src/platform/' },
  { floor: 2, prefix: 'src/controls/' },
  { floor: 3, prefix: 'src/controls.ts' },
  { floor: 3, prefix: 'src/proving/' },
  { floor: 4, prefix: 'src/server/' },
  { floor: 5, prefix: 'src/holdfast.ts' },
]
const floorOf = (file: string) => floors.find(({ prefix }) => file.startsWith(prefix))?.floor

const complain = (found: readonly string[], reason: string) =>
  expect(found, `${reason}:\n  ${found.join('\n  ')}`).toEqual([])

describe('the house', () => {
  it('every rule names folders that exist', () => {
    complain(
      floors.map(({ prefix }) => prefix).filter((prefix) => !existsSync(at(prefix))),
      'a rule about what is gone protects nothing',
    )
    complain(
      present.filter((name) => !order.includes(name)),
      'a control needs its place in the order',
    )
  })

  it('imports point only downwards', () => {
    const wrong = own.flatMap(importsOf).filter(({ from, to }) => {
      const [here, there] = [floorOf(from), floorOf(to)]
      return here === undefined || (there === undefined ? !to.startsWith('tools/') : there > here)
    })
    complain(
      wrong.map(({ from, to }) => `${from} → ${to}`),
      'a lower floor that reaches up cannot be understood, tested or replaced alone',
    )
  })

  it('the kernel imports nothing', () => {
    const wrong = own
      .filter((file) => file.startsWith('src/kernel/'))
      .flatMap((file) =>
        [...readFileSync(at(file), 'utf8').matchAll(/from\s+['"]([^'"]+)['"]/g)]
          .filter((match) => !match[1]!.startsWith('./'))
          .map((match) => `${file} → ${match[1]}`),
      )
    complain(wrong, 'the kernel is words: whatever it imported, a probe would lean on')
  })

  it('a control imports only earlier controls, through their front door or refusals', () => {
    const wrong = own
      .filter((file) => file.startsWith('src/controls/'))
      .flatMap(importsOf)
      .filter(({ from, to }) => {
        if (!to.startsWith('src/controls/')) return false
        const [here, there] = [from.split('/')[2]!, to.split('/')[2]!]
        if (here === there) return false
        const doors = [`${there}.ts`, 'refusals.ts', ...(there === 'input-validation' ? ['fields.ts'] : [])]
        return order.indexOf(there) > order.indexOf(here) || !doors.includes(path.basename(to))
      })
    complain(
      wrong.map(({ from, to }) => `${from} → ${to}`),
      'what is private to a control is free to change',
    )
  })

  it('a probe imports only the kernel and the claims beside it', () => {
    const wrong = own
      .filter((file) => /src\/(controls\/[^/]+|proving)\/probes?(-[\w-]+)?\.ts$/.test(file))
      .flatMap((file) =>
        [...readFileSync(at(file), 'utf8').matchAll(/from\s+['"]([^'"]+)['"]/g)]
          .map((match) => match[1]!)
          .filter((target) => !/^(\.\.\/)+kernel\//.test(target) && !/^\.\/(claims|probes?[\w-]*)\.ts$/.test(target))
          .map((target) => `${file} → ${target}`),
      )
    complain(wrong, 'a probe may not lean on the code that it accuses')
  })

  it('only the configuration reads the environment', () => {
    const wrong = own.filter(
      (file) => !file.startsWith('src/platform/config/') && /process\.env\b/.test(readFileSync(at(file), 'utf8')),
    )
    complain(wrong, 'a setting that is read elsewhere is checked nowhere')
  })

  it('has no barrels and no rooms for the homeless', () => {
    const all = [...source, ...sources('console'), ...sources('examples'), ...sources('bench')]
    complain(
      all.filter((file) => /(^|\/)index\.tsx?$/.test(file)),
      'a barrel makes import loops, and hides where a thing lives',
    )
    complain(
      all.filter((file) => /\/(utils|helpers|lib|common|shared|manager|service)\//.test(file)),
      'a folder is named after what it gives',
    )
  })

  it('has no import loops', () => {
    const graph = new Map(
      own.map((file) => [
        file,
        importsOf(file)
          .filter((one) => !one.typeOnly)
          .map((one) => one.to),
      ]),
    )
    const done = new Set<string>()
    const loops: string[] = []
    const visit = (file: string, trail: readonly string[]) => {
      if (trail.includes(file)) loops.push([...trail.slice(trail.indexOf(file)), file].join(' → '))
      else if (!done.has(file)) {
        for (const next of graph.get(file) ?? []) visit(next, [...trail, file])
        done.add(file)
      }
    }
    for (const file of own) visit(file, [])
    complain(loops, 'in a loop nothing comes first')
  })

  it('the examples use only what the package exports', () => {
    const wrong = sources('examples')
      .filter((file) => !isTest(file) && !file.includes('/test-'))
      .flatMap(importsOf)
      .filter(({ from, to }) => !to.startsWith(from.split('/').slice(0, 2).join('/')))
    complain(
      wrong.map(({ from, to }) => `${from} → ${to}`),
      'people copy the examples: what they import must be public',
    )
  })
})

describe('every control', () => {
  const parts = ['README.md', 'claims.ts', 'probes.ts', 'control.ts']

  it.each(present)('%s has words, claims, probes, sabotage and tests, and is in the list', (name) => {
    const here = readdirSync(at('src/controls', name))
    complain(
      parts.filter((part) => !here.includes(part)),
      `src/controls/${name} lacks`,
    )
    expect(
      here.some((file) => file.endsWith('.test.ts')),
      `src/controls/${name} has no test`,
    ).toBe(true)
    expect(readFileSync(at('src/controls.ts'), 'utf8'), `${name} is not in src/controls.ts`).toContain(
      `/${name}/control.ts`,
    )
    const words = readFileSync(at('src/controls', name, 'README.md'), 'utf8')
    for (const heading of ['We claim', 'Because', 'How we check', 'How it could still fail', 'Not covered'])
      expect(words, `src/controls/${name}/README.md lacks «${heading}»`).toContain(heading)
  })

  it('stands in the list in the order of DESIGN', () => {
    const listed = [
      ...readFileSync(at('src/controls.ts'), 'utf8').matchAll(/from '\.\/controls\/([\w-]+)\/control\.ts'/g),
    ].map((match) => match[1]!)
    const inArray =
      /\[([^\]]+)\]/.exec(readFileSync(at('src/controls.ts'), 'utf8').split('controls: ')[1] ?? '')?.[1] ?? ''
    const names = inArray
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean)
      .map((one) => one.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`))
    expect([...names].sort()).toEqual([...listed].sort())
    expect(names).toEqual([...names].sort((a, b) => order.indexOf(a) - order.indexOf(b)))
  })
})

describe('the migrations', () => {
  const files = sources('src', /^\d{4}-.+\.sql$/)

  it('are numbered without a gap', () => {
    const numbers = files.map((file) => Number(path.basename(file).slice(0, 4))).sort((a, b) => a - b)
    expect(numbers).toEqual(numbers.map((_, index) => index + 1))
  })

  it('name only tables of their own control, or of one before it', () => {
    const owner = new Map<string, string>()
    for (const file of files)
      for (const match of readFileSync(at(file), 'utf8').matchAll(/create table (holdfast\.\w+)/g))
        owner.set(match[1]!, path.dirname(file))
    const rank = (folder: string) =>
      folder.startsWith('src/controls/') ? order.indexOf(folder.split('/')[2]!) : folder === 'src/proving' ? 1000 : -1
    const wrong = files.flatMap((file) => {
      const text = readFileSync(at(file), 'utf8').replace(/--.*$/gm, '')
      return [...owner]
        .filter(([table, folder]) => {
          if (folder === path.dirname(file) || rank(folder) <= rank(path.dirname(file))) return false
          // Platform's tables (the queue, the outbox) are used by the floor above through verbs.
          return new RegExp(`\\b(from|join|into|update|references)\\s+${table.replace('.', '\\.')}\\b`, 'i').test(text)
        })
        .map(([table]) => `${file} names ${table}`)
    })
    complain(wrong, 'plpgsql binds late: a loop in SQL would show in no import')
  })
})
