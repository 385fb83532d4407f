import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Claims } from '../kernel/claim.ts'
import { draftBecause, PageSourceUnreadable, parsePage, reviewDigest, sentencesOf } from './page-source.ts'

const claims: Claims = {
  'tenant-isolation/rows-stay-home': { sentence: 'Rows stay home.', promises: ['I1', 'I3'], ttlMinutes: 60 },
  'accounts/verified-first': { sentence: 'Verified first.', promises: ['A2'], ttlMinutes: 60 },
}
const head = '---\ntitle: What we promise\nupdated: 2026-11-20\n---\n'
const page = (body: string) => parsePage(`${head}## 1. Isolation\n\n${body}\n`, claims)
const sentences = (body: string) => page(body).sections.flatMap(sentencesOf)
const bound = (body: string) =>
  sentences(body).map(({ text, bindings }) => [text, ...bindings.map((one) => one.promise)])

function problems(markdown: string): string[] {
  try {
    parsePage(markdown, claims)
  } catch (error) {
    if (error instanceof PageSourceUnreadable) return error.problems.map(({ line, reason }) => `${line}: ${reason}`)
    throw error
  }
  return []
}
const bodyProblems = (body: string) => problems(`${head}## A\n\n${body}\n`)

describe('a binding', () => {
  test('covers the sentence before it, and no other', () => {
    expect(bound('Rows stay home. Nobody looks. {I1} We are kind. People verify. {A2}')).toEqual([
      ['Rows stay home.'],
      ['Nobody looks.', 'I1'],
      ['We are kind.'],
      ['People verify.', 'A2'],
    ])
  })

  test('may name several promises, and single claims of them', () => {
    const [sentence] = sentences('Rows stay home. {I1 tenant-isolation/rows-stay-home, A2}')
    expect(sentence?.bindings).toEqual([
      { promise: 'I1', claims: ['tenant-isolation/rows-stay-home'] },
      { promise: 'A2' },
    ])
  })

  test('may stand on the next line, and a list item takes its own', () => {
    expect(bound('- Rows stay\n  home.\n  {I1}\n- Free of promises?\n- People *verify*. {A2}')).toEqual([
      ['Rows stay home.', 'I1'],
      ['Free of promises?'],
      ['People verify.', 'A2'],
    ])
  })

  test('is no binding inside code, and not when its brace is escaped', () => {
    expect(bound('Write `{I1}` and \\{I1\\} and `` a`{X} `` so. {I3}')).toEqual([
      ['Write {I1} and {I1} and a`{X} so.', 'I3'],
    ])
  })

  test('does not count the full stops of numbers, code and links as ends', () => {
    expect(bound('TLS 1.2 or `a. B` or [this](https://x.example/a.B). {T1}')).toHaveLength(1)
  })

  test.each([
    ['{I9}', '“I9” is not the id of a promise'],
    ['{}', '“” is not the id of a promise'],
    ['{i1}', '“i1” is not the id of a promise'],
    ['{constructor}', '“constructor” is not the id of a promise'],
    ['{__proto__}', '“__proto__” is not the id of a promise'],
    ['{tenant-isolation/rows-stay-home}', '“tenant-isolation/rows-stay-home” is not the id of a promise'],
    ['{I1,}', '“” is not the id of a promise'],
    ['{I1, I1}', '{I1, I1} says the same twice'],
    ['{I1 tenant-isolation/gone}', '“tenant-isolation/gone” is not the id of a claim'],
    ['{I1 toString}', '“toString” is not the id of a claim'],
    ['{A2 tenant-isolation/rows-stay-home}', '“tenant-isolation/rows-stay-home” proves nothing of A2'],
    ['{I1} {A2}', '{A2} has no sentence before it'],
  ])('%s is refused, with its line', (binding, reason) => {
    expect(bodyProblems(`First. {I1}\n\nSecond line. ${binding}`)).toEqual([`9: ${reason}`])
  })

  test('is refused before the full stop, in a heading, in a quote, and half written', () => {
    expect(bodyProblems('Rows stay home {I1}.')).toEqual(['7: “.” is no sentence: a binding comes after the full stop'])
    expect(bodyProblems('Yes. {I1}\n\n### Isolation {I1}')).toEqual([
      '9: a heading cannot be bound: bind its sentences',
    ])
    expect(bodyProblems('Yes. {I1}\n\n> Rows stay. {I1}')[0]).toMatch(/^9: an explanation/)
    expect(bodyProblems('Rows stay. {I1')).toEqual(['7: a brace that is no binding: write it as \\{ or as `code`'])
    expect(bodyProblems('Rows stay. I1}')[0]).toMatch(/^7: a brace/)
  })
})

describe('the page', () => {
  test('has its sections, their numbers, explanations and subheadings', () => {
    const source = parsePage(
      `${head}> Read **this**\n> first.\n\n## 1. Isolation\n\nYes. {I1}\n\n### Persons\n\n> Why.\n\n- So. {I3}\n\n## Rest\n\nUnbound.\n`,
      claims,
    )
    expect(source.opening).toMatchObject([{ kind: 'prose' }])
    expect(
      source.sections.map(({ number, heading, blocks }) => [number, heading, blocks.map((block) => block.kind)]),
    ).toEqual([
      [1, 'Isolation', ['sentences', 'subheading', 'prose', 'sentences']],
      [undefined, 'Rest', ['sentences']],
    ])
    expect(source.sections.flatMap(sentencesOf).map((sentence) => sentence.line)).toEqual([10, 16, 20])
  })

  test('reads the same with CRLF and a byte order mark', () => {
    const source = `${head}## A\n\nYes. {I1}\n`
    expect(parsePage(`\uFEFF${source.replaceAll('\n', '\r\n')}`, claims)).toEqual(parsePage(source, claims))
  })

  test('keeps what is typed as text, whatever it looks like', () => {
    expect(bound('A &lt;b&gt; & "c" \\<script\\>. {I1}')).toEqual([['A &lt;b&gt; & "c" <script>.', 'I1']])
  })

  test.each([
    ['<script>alert(1)</script>', 'raw HTML is not allowed'],
    ['Yes <img src=x onerror=alert(1)> so. {I1}', 'raw HTML is not allowed'],
    ['<!-- a promise, hidden -->', 'raw HTML is not allowed'],
    ['![seal](https://x.example/seal.png) {I1}', 'a sentence has no place for “image”'],
    ['[Go](javascript:alert(1)) now. {I1}', 'a link may lead'],
    ['[Go](JaVaScRiPt:alert(1)) now. {I1}', 'a link may lead'],
    ['[Go](data:text/html,x) now. {I1}', 'a link may lead'],
    ['[Go](//evil.example) now. {I1}', 'a link may lead'],
    ['[Go](/\\evil.example) now. {I1}', 'a link may lead'],
    ['| a | b |\n|---|---|\n| 1 | 2 |', 'tables are not allowed'],
    ['    Rows stay home.', 'a code block'],
    ['```\nRows stay home.\n```', 'a code block'],
    ['[I1]: https://x.example "Rows stay home."', 'a link definition vanishes'],
    ['Rows stay home.\n---', 'a line of --- turns'],
    ['***', 'a security page has no place for “hr”'],
    ['# Title', 'only ## and ###'],
    ['#### Deep', 'only ## and ###'],
    ['- [x] Rows stay home. {I1}', 'a box to tick'],
    ['- One. {I1}\n  - Two. {I3}', 'keep lists flat'],
    ['- One. {I1}\n-\n- Two. {I3}', 'an item of this list is empty'],
    ['**Rows stay. And more** stays. {I1}', 'emphasis, code or a link runs over'],
    ['Rows ~~do not~~ stay. {I1}', 'a sentence has no place for “del”'],
    ['Rows\u202e stay. {I1}', 'an invisible character'],
    ['Rows\u200b stay. {I1}', 'an invisible character'],
    ['Rows\u0000 stay. {I1}', 'an invisible character'],
    ['Rows \ud800 stay. {I1}', 'an invisible character'],
  ])('refuses %j', (body, reason) => {
    expect(bodyProblems(body).join('\n')).toContain(reason)
  })

  test('refuses sentences before the first section, a page without any, and a missing head', () => {
    expect(problems(`${head}Rows stay home. {I1}\n\n## A\n\nYes. {I1}\n`)).toEqual([
      '5: a sentence stands before the first ## heading',
    ])
    expect(problems(`${head}## A\n\n> Only words.\n`)).toEqual(['5: the page promises nothing'])
    expect(problems('## A\n\nYes. {I1}\n')).toContain(
      '1: the page must begin with a front matter between two lines of ---',
    )
    expect(problems('')).toHaveLength(2)
  })

  test.each([
    ['title: A\nupdated: 2026-11-20\nstatus: green', '4: “status” is not one of'],
    ['title: A\nupdated: 2026-11-20\n__proto__: x', '4: write `key: value`'],
    ['title: A\ntitle: B\nupdated: 2026-11-20', '3: “title” stands there twice'],
    ['title: A\nupdated: 2026-02-30', '1: “updated” must be a date'],
    ['title: A\nupdated: soon', '1: “updated” must be a date'],
    ['updated: 2026-11-20', '1: the front matter lacks “title”'],
    ['title:\nupdated: 2026-11-20', '2: write `key: value`'],
    ['title: A\nupdated: 2026-11-20\nreviewed-by: Ada', '1: the front matter lacks “reviewed-on”'],
    [
      'title: A\nupdated: 2026-11-20\nreviewed-by: A\nreviewed-on: 2026-11-20\nreviewed-digest: x',
      '64 hexadecimal digits',
    ],
  ])('refuses the front matter %j', (front, reason) => {
    expect(problems(`---\n${front}\n---\n## A\n\nYes. {I1}\n`).join('\n')).toContain(reason)
  })

  test('tells all problems at once, in the order of lines', () => {
    expect(bodyProblems('No. {Z1}\n\nNo. {Z2}\n\n<b>').map((problem) => problem.split(':')[0])).toEqual([
      '7',
      '9',
      '11',
    ])
  })

  test('never loses words and never throws anything else, whatever is typed', () => {
    const pieces = fc.constantFrom(
      ...[
        '\n',
        '\n\n',
        '- ',
        '> ',
        '## ',
        '`',
        '*',
        '**',
        '{I1}',
        '{',
        '}',
        '[',
        '](',
        ')',
        '<',
        '\\',
        '. ',
        'Rows',
        'stay ',
        '---',
        '\t',
        '| ',
        '1. ',
        '    ',
        '&amp;',
        '~~',
        '![',
      ],
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        const body = parts.join('')
        if (bodyProblems(body).length > 0) return
        const source = page(body)
        const words = JSON.stringify(source.sections) + JSON.stringify(source.opening)
        const typed = (word: string, text: string) => text.split(word).length - 1
        for (const word of ['Rows', 'stay']) expect(typed(word, words)).toBeGreaterThanOrEqual(typed(word, body))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a review', () => {
  const body = '## A\n\nRows stay\nhome. {I1}\n\n> Why so.\n'
  const now = new Date('2026-11-20T12:00:00Z')
  const reviewed = (digest: string, words = body, on = '2026-11-19') =>
    parsePage(
      `---\ntitle: A\nupdated: 2026-11-20\nreviewed-by: Ada\nreviewed-on: ${on}\nreviewed-digest: ${digest}\n---\n${words}`,
      claims,
    )
  const digest = reviewDigest(`---\ntitle: A\nupdated: 2026-11-01\n---\n${body}`)

  test('makes a page final while its words are those that were read', () => {
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    expect(reviewed(digest)).toMatchObject({ digest, review: { by: 'Ada', on: '2026-11-19', digest } })
    expect(draftBecause(reviewed(digest), now)).toBeUndefined()
    expect(draftBecause(reviewed(digest, body.replace('stay\nhome', 'stay home')), now)).toBeUndefined()
  })

  test.each([
    ['a word', body.replace('home', 'there')],
    ['a binding', body.replace('{I1}', '{I3}')],
    ['a quote mark', body.replace('> Why', 'Why')],
    ['a heading', body.replace('## A', '## B')],
  ])('is reopened by %s that changed', (_, words) => {
    expect(draftBecause(reviewed(digest, words), now)).toBe('The words have changed since Ada reviewed them.')
  })

  test('is missing, or dated ahead: the page is a draft', () => {
    expect(draftBecause(page('Yes. {I1}'), now)).toBe('Nobody has reviewed these words yet.')
    expect(draftBecause(reviewed(digest, body, '2026-11-21'), now)).toBe('The review is dated ahead, 2026-11-21.')
    expect(draftBecause(reviewed('0'.repeat(64)), now)).toBeDefined()
  })

  test('counts composed and decomposed letters as the same', () => {
    expect(reviewDigest(`${head}Caf\u00e9`)).toBe(reviewDigest(`${head}Cafe\u0301`))
  })
})
