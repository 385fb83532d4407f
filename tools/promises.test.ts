import { describe, expect, test } from 'vitest'
import type { Control } from '../src/kernel/control.ts'
import { promiseIds } from '../src/kernel/promises.ts'
import { type PromiseRegistry, promises } from '../src/proving/promises.ts'
import { promiseGaps, promisesDocument, readTree, type SourceTree } from './promises.ts'

const control = (
  name: string,
  id: `${string}/${string}`,
  ...rows: Control['claims'][string & `${string}/${string}`]['promises']
): Control => ({
  name,
  claims: { [id]: { sentence: 'It is | so.', promises: rows, ttlMinutes: 60 } },
  probes: {},
  sabotages: [],
})
const whole = control('tenant-isolation', 'tenant-isolation/rows', 'I1', 'I2', 'I3', 'I4')
const verified = control('accounts', 'accounts/verified', 'A2')
const page = control('proving', 'proving/dates', 'W1')

const files: Record<string, string> = {
  'src/controls/tenant-isolation/README.md': '',
  'src/controls/tenant-isolation/probes.test.ts': 'for (const sabotage of control.sabotages)',
  'src/controls/accounts/README.md': '',
  'src/controls/accounts/attacks.test.ts': "claims: 'accounts/verified'",
  'src/proving/README.md': '',
  'test/journeys/page.test.ts': "expect('proving/dates')",
}
const tree = (without: readonly string[] = []): SourceTree => {
  const there = Object.entries(files).filter(([file]) => !without.includes(file))
  return {
    exists: (file) => there.some(([one]) => one === file),
    testsIn: (folder) =>
      there
        .filter(([file]) => file.startsWith(`${folder}/`) && file.includes('.test.'))
        .map(([file, text]) => ({ file, text })),
  }
}
const controls = [whole, verified, page]

/** A registry in which these rows are whole, and no others, however far the real one has come. */
const wholeRows = ['I1', 'I2', 'I3', 'I4', 'A2']
const registry = Object.fromEntries(
  promiseIds.map((id) => {
    const { missing = 'Still to come: all of it.', ...row } = promises[id]
    return [id, wholeRows.includes(id) ? row : { ...row, missing }]
  }),
) as unknown as PromiseRegistry

describe('gaps', () => {
  test('are none when every whole row has a claim, a folder and a test', () => {
    expect(promiseGaps(controls, tree(), registry)).toEqual([])
  })

  test('are whole rows without a claim', () => {
    expect(promiseGaps([whole, page], tree(), registry)).toEqual(['A2 calls itself whole, and no claim proves it'])
    expect(promiseGaps([], tree(), registry)).toHaveLength(5)
  })

  test('are folders without a README', () => {
    expect(promiseGaps(controls, tree(['src/controls/accounts/README.md', 'src/proving/README.md']), registry)).toEqual(
      ['src/controls/accounts/README.md is missing', 'src/proving/README.md is missing'],
    )
  })

  test('are claims without a test of theirs', () => {
    expect(promiseGaps(controls, tree(['src/controls/accounts/attacks.test.ts']), registry)[0]).toMatch(
      /^accounts\/verified has no test/,
    )
    expect(promiseGaps(controls, tree(['test/journeys/page.test.ts']), registry)[0]).toMatch(
      /^proving\/dates has no test/,
    )
    expect(promiseGaps(controls, tree(['src/controls/tenant-isolation/probes.test.ts']), registry)).toHaveLength(1)
  })

  test('are claims that serve no row', () => {
    expect(promiseGaps([...controls, control('accounts', 'accounts/verified')], tree(), registry)).toEqual([
      'accounts/verified serves no row',
    ])
  })

  test('are rows that lose their note too early', () => {
    const early = { ...registry, T1: { ...promises.T1, missing: undefined } }
    // @ts-expect-error: `missing` is left out, not set to undefined; here it stands for a row edited by hand.
    expect(promiseGaps(controls, tree(), early)).toEqual(['T1 calls itself whole, and no claim proves it'])
  })
})

describe('the document', () => {
  const text = promisesDocument(controls, tree(), registry)

  test('has every row, how it stands, and a place to jump to', () => {
    for (const id of promiseIds) expect(text).toContain(`### ${id} ${promises[id].title}`)
    expect(text).toContain('Of 50 rows: 5 whole, 1 in a first version, 44 unproven.')
    expect(text).toContain('| [I1](#i1-organisations-kept-apart) | Organisations kept apart | whole | 1 | G2, C5 |')
    expect(text).toContain(
      `**First version.** ${promises.W1.missing} Owner: [\`src/proving\`](../src/proving/README.md).`,
    )
    expect(text).toContain(
      '**Unproven.** Billing is not built yet. Owner: `src/controls/billing`, which is not there yet.',
    )
  })

  test('names of each claim its tests, and is not broken by what is in it', () => {
    expect(text).toContain(
      '| `accounts/verified` | It is \\| so. | [attacks.test.ts](../src/controls/accounts/attacks.test.ts) |',
    )
    expect(promisesDocument(controls, tree(['test/journeys/page.test.ts']), registry)).toContain('| **no test** |')
  })

  test('comes out the same twice', () => {
    expect(promisesDocument(controls, tree(), registry)).toBe(text)
  })
})

test('the real tree is read with its tests', () => {
  const real = readTree(new URL('..', import.meta.url).pathname)
  expect(real.exists('src/kernel/promises.ts')).toBe(true)
  expect(real.testsIn('tools').map(({ file }) => file)).toContain('tools/promises.test.ts')
  expect(real.testsIn('no-such-folder')).toEqual([])
})
