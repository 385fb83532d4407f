import path from 'node:path'
import { expect, test } from 'vitest'
import { type DeclaredKind, errorFaults, errorsDocument, findStray, readDeclared } from './errors.ts'

const root = path.join(import.meta.dirname, '..')

const linkDead: DeclaredKind = {
  kind: { code: 'accounts/link-dead', status: 410, title: 'This link was used already. Ask for another.' },
  file: 'src/controls/accounts/refusals.ts',
}
const busy: DeclaredKind = {
  kind: { code: 'http/busy', status: 503, title: 'The service is busy.' },
  file: 'src/platform/http/refusals.ts',
}

test('every code has its part, in order, with meaning and remedy', () => {
  const text = errorsDocument([busy, linkDead])
  expect(text).toContain(
    '## accounts\n\n### accounts/link-dead\n\n**410** This link was used already.\n\nRemedy: Ask for another.\n',
  )
  expect(text).toContain('### http/busy\n\n**503** The service is busy.\n')
  expect(text.indexOf('accounts/link-dead')).toBeLessThan(text.indexOf('http/busy'))
  expect(errorsDocument([linkDead, busy])).toBe(text)
})

test('a code of another folder, one declared twice, one of another form and an unexplained status are faults', () => {
  expect(errorFaults([busy, linkDead])).toEqual([])
  expect(errorFaults([{ ...busy, file: 'src/controls/accounts/refusals.ts' }])).toEqual([
    'src/controls/accounts/refusals.ts: the code http/busy belongs to another folder',
  ])
  expect(errorFaults([busy, busy])[0]).toMatch(/^http\/busy is declared twice/)
  expect(errorFaults([{ ...busy, kind: { ...busy.kind, code: 'http/Busy' } }])).toHaveLength(1)
  expect(errorFaults([{ ...busy, kind: { ...busy.kind, status: 418 } }])[0]).toContain('the status 418')
})

test('the sources declare their refusals where this tool looks', async () => {
  const declared = await readDeclared(root)
  expect(declared.map(({ kind }) => kind.code)).toContain('http/not-found')
  expect(declared.map(({ file }) => file)).toContain('examples/crm/refusals.ts')
  expect(errorFaults(declared)).toEqual([])
  expect(findStray(root)).toEqual([])
})
