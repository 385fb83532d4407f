import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClaimId, Claims } from '../kernel/claim.ts'
import type { AcceptedRisk, Finding } from '../kernel/finding.ts'
import { mark, markFile } from './mark.ts'
import { renderSecurityPage, securityStyle } from './page.ts'
import { parsePage, reviewDigest } from './page-source.ts'
import { type PromiseRegistry, promises } from './promises.ts'
import { renderReadingPage } from './reading-page.ts'

const now = new Date('2026-11-20T12:00:00Z')
const claims: Claims = {
  'tenant-isolation/rows-stay-home': { sentence: 'Rows stay home.', promises: ['I1'], ttlMinutes: 60 },
  'tenant-isolation/no-oracle': { sentence: 'No oracle.', promises: ['I1'], ttlMinutes: 60 },
  'sessions/revoked-at-once': { sentence: 'Revoked at once.', promises: ['A3'], ttlMinutes: 60 },
}
const words = `---
title: What we promise
updated: 2026-11-18
---
> Read **this** first.

## 1. Isolation

- Nobody sees your rows. {I1}
- Nothing is seen twice. {I1}
- We are kind.

## 2. Sign-in

Sessions end. {A3} A revoked one opens nothing. {A3 sessions/revoked-at-once} Files are sealed. {E2}
`

function finding(claim: ClaimId, minutesAgo: number, more: Partial<Finding> = {}): Finding {
  const checkedAt = new Date(now.getTime() - minutesAgo * 60_000)
  return {
    claim,
    status: 'holds',
    saw: 'as B: 404, 0 rows',
    examined: 1204,
    where: 'live',
    against: 'real',
    checkedAt: checkedAt.toISOString(),
    expiresAt: new Date(checkedAt.getTime() + 3_600_000).toISOString(),
    milliseconds: 5,
    commit: 'c0ffee',
    ...more,
  }
}
const allGood = (Object.keys(claims) as ClaimId[]).map((id) => finding(id, 2))

/** A row with a claim that holds, and with something that is still to come. */
const partly: PromiseRegistry = { ...promises, A3: { ...promises.A3, missing: 'Still to come: the rest.' } }

function draw(
  findings: readonly Finding[],
  more: { markdown?: string; accepted?: AcceptedRisk[]; at?: Date; title?: string; registry?: PromiseRegistry } = {},
) {
  return renderSecurityPage({
    product: { name: 'crm', title: more.title ?? 'Northwind' },
    source: parsePage(more.markdown ?? words, claims),
    promises: more.registry ?? partly,
    claims,
    findings,
    accepted: more.accepted ?? [],
    now: more.at ?? now,
    commit: 'c0ffee',
  })
}

/** The item of one sentence, from its own tag to the next sentence or section. */
function item(page: string, anchor: string): string {
  const start = page.indexOf(`id="${anchor}"`)
  expect(start, `sentence #${anchor}`).toBeGreaterThan(0)
  const next = page.slice(start).search(/<li class="sentence |<section |<footer /)
  return page.slice(start, start + next)
}
const text = (html: string) => html.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ')

describe('each sentence', () => {
  test('shows status as a word and a shape, age, place, part and amount', () => {
    const page = draw(allGood)
    expect(page).toContain('<li class="sentence holds" id="I1">')
    expect(item(page, 'I1')).toContain('<use href="#shape-holds"/>')
    expect(item(page, 'I1')).toContain(
      '<time datetime="2026-11-20T11:58:00.000Z" title="20 Nov 2026, 11:58 UTC">2 min ago</time>',
    )
    expect(text(item(page, 'I1'))).toContain(
      'Holds 2 claims, the oldest checked 2 min ago , on the live system, against the real part, 2,408 examined.',
    )
  })

  test('shows of each claim what was seen, its strip, its control and its evidence', () => {
    const shown = item(draw(allGood), 'A3-2')
    expect(shown).toContain('as B: 404, 0 rows')
    expect(shown).toMatch(
      /<svg role="img" aria-labelledby="(\S+) (\S+)" [^>]*><title id="\1">The last 90 days<\/title><desc id="\2">Looked at on 1 of 90 days, red on none\.<\/desc>/,
    )
    expect(shown).toContain('href="/security/controls/sessions"')
    expect(shown).toContain('href="/security.json#sessions/revoked-at-once"')
  })

  test('stays unproven while something of its row is missing, and says what', () => {
    const shown = text(item(draw(allGood), 'A3'))
    expect(shown).toContain('Unproven as a whole')
    expect(shown).toContain('Still to come: the rest.')
    expect(text(item(draw(allGood), 'E2'))).toContain(`Unproven ${promises.E2.missing}`)
  })

  test('may be bound to single claims, which prove what they say', () => {
    expect(draw(allGood)).toContain('<li class="sentence holds" id="A3-2">')
  })

  test('that nobody bound is unproven', () => {
    const page = draw(allGood)
    expect(page).toContain('<li class="sentence unproven" id="unbound">')
    expect(text(item(page, 'unbound'))).toContain('No claim is bound to this sentence.')
  })

  test('has an anchor of its own, and no id stands twice', () => {
    const ids = [...draw(allGood).matchAll(/ id="([^"]+)"/g)].map((match) => match[1])
    expect(new Set(ids).size).toBe(ids.length)
    for (const anchor of ['I1', 'I1-2', 'unbound', 'A3', 'A3-2', 'E2', 'section-1', 'section-2'])
      expect(ids).toContain(anchor)
  })

  test('that holds against a stand-in looks otherwise, and is not counted', () => {
    const page = draw([finding('sessions/revoked-at-once', 1, { against: 'stand-in' })])
    expect(page).toContain('<li class="sentence stand-in" id="A3-2">')
    expect(text(item(page, 'A3-2'))).toContain('Holds against a stand-in')
    expect(text(page)).toContain('0 of 6 sentences hold now.')
  })

  test.each([
    [{ status: 'inconclusive' }, 'inconclusive'],
    [{ status: 'not-applicable' }, 'not-applicable'],
    [{ expiresAt: '2026-11-20T11:59:59Z' }, 'stale'],
    [{ checkedAt: 'never' }, 'inconclusive'],
  ] as [Partial<Finding>, string][])('after %j is %s', (more, look) => {
    expect(draw([finding('sessions/revoked-at-once', 1, more)])).toContain(`<li class="sentence ${look}" id="A3-2">`)
  })
})

describe('what is red', () => {
  const red = finding('sessions/revoked-at-once', 11, { status: 'broken', saw: 'the revoked cookie opened /api/o' })

  test('stands first, and in its place, and says for how long', () => {
    const page = draw([...allGood.slice(0, 2), red])
    expect(page.indexOf('class="alarm"')).toBeLessThan(page.indexOf('class="glance"'))
    expect(text(page)).toContain('2 sentences of this page are broken now')
    expect(text(item(page, 'A3-2'))).toContain('Broken for 11 min')
    expect(page).toContain('<li class="sentence broken" id="A3">')
  })

  test('is told to the operators first: what was seen follows after a day', () => {
    const early = draw([red])
    expect(early).not.toContain('the revoked cookie opened')
    expect(text(item(early, 'A3-2'))).toContain('at the latest on 21 Nov 2026, 11:49 UTC')
    expect(draw([red], { at: new Date('2026-11-21T11:48:59Z') })).not.toContain('the revoked cookie opened')
    expect(draw([red], { at: new Date('2026-11-21T11:49:00Z') })).toContain('the revoked cookie opened')
  })

  test('is told once it is mended, and its period stays on the strip', () => {
    const shown = item(draw([red, finding('sessions/revoked-at-once', 2)]), 'A3-2')
    expect(text(shown)).toContain('Last red 20 Nov 2026, 11:49 UTC , for 9 min. the revoked cookie opened /api/o')
    expect(shown).toContain('class="day broken"')
    expect(shown).toContain('red on 1 (20 Nov 2026)')
  })

  test('lies open, while what holds can be folded', () => {
    const broken = finding('tenant-isolation/no-oracle', 3, { status: 'broken' })
    expect(item(draw(allGood), 'I1')).toContain('<details><summary>What was seen: 2 claims: 2 hold</summary>')
    expect(item(draw([allGood[0]!, broken]), 'I1')).toContain(
      '<details open><summary>What was seen: 2 claims: 1 broken, 1 holds</summary>',
    )
  })

  test('and accepted is neither red nor green, and names who answers for it until when', () => {
    const accepted = [{ claim: red.claim, reason: 'Demo only.', owner: 'Ops', until: '2026-12-31' }]
    const page = draw([red], { accepted })
    expect(page).not.toContain('class="alarm"')
    expect(page).toContain('<li class="sentence accepted" id="A3-2">')
    expect(text(item(page, 'A3-2'))).toContain('Demo only. Answered for by Ops until 31 Dec 2026.')
  })
})

describe('the head', () => {
  test('counts what is green, and tells when the prover last ran', () => {
    const head = text(draw(allGood).split('<main')[0]!)
    expect(head).toContain('3 of 6 sentences hold now.')
    expect(head).toContain('Claims behind them 3 of 3 hold')
    expect(head).toContain('Prover last ran 2 min ago')
    expect(head).toContain('Words last changed 18 Nov 2026')
    expect(text(draw([]))).toContain('Prover last ran It has not run yet.')
    expect(text(draw([finding('sessions/revoked-at-once', -600)]))).toContain('Prover last ran It has not run yet.')
  })

  test('calls a draft a draft until its words are reviewed', () => {
    expect(text(draw(allGood))).toContain('Draft Nobody has reviewed these words yet.')
    const review = `reviewed-by: Ada Lovelace\nreviewed-on: 2026-11-19\nreviewed-digest: ${reviewDigest(words)}\n`
    const reviewed = words.replace('2026-11-18\n', `2026-11-18\n${review}`)
    const page = draw(allGood, { markdown: reviewed })
    expect(text(page)).toContain('Reviewed by Ada Lovelace, 19 Nov 2026')
    expect(page).not.toContain('class="draft"')
    expect(text(draw(allGood, { markdown: reviewed.replace('kind', 'very kind') }))).toContain(
      'Draft The words have changed since',
    )
  })
})

describe('the document', () => {
  const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'\u0000\u202e&amp;</svg>`

  test('escapes whatever findings, risks, claims, products and commits say', () => {
    const evil: Claims = { 'sessions/revoked-at-once': { sentence: hostile, promises: ['A3'], ttlMinutes: 60 } }
    const page = renderSecurityPage({
      product: { name: 'crm', title: hostile },
      source: parsePage(words.replace('{A3 sessions/revoked-at-once}', '{A3}'), evil),
      promises: { ...promises, A3: { ...promises.A3, missing: hostile } },
      claims: evil,
      findings: [
        finding('sessions/revoked-at-once', 4000, { status: 'broken', saw: hostile }),
        finding('sessions/revoked-at-once', 3000, { saw: hostile }),
        finding('sessions/revoked-at-once', 2000, { status: 'broken', saw: hostile }),
      ],
      accepted: [{ claim: 'sessions/revoked-at-once', reason: hostile, owner: hostile, until: '2026-12-31' }],
      now,
      commit: hostile,
    })
    expect(page).not.toContain('<script')
    expect(page).not.toContain('<img')
    expect(page).not.toContain(hostile)
    expect(page.split('&lt;script&gt;').length - 1).toBeGreaterThan(10)
  })

  test('has no script, no inline style and no handler, whatever is found', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('holds', 'broken', 'inconclusive'), (saw, status) => {
        const page = draw([
          finding('sessions/revoked-at-once', 2000, { saw, status: 'broken' }),
          finding('sessions/revoked-at-once', 1, { saw, status }),
        ])
        expect(page).not.toMatch(/<script|<style|<iframe|<[^>]+ (?:style|on[a-z]+)=/i)
      }),
      { numRuns: 60 },
    )
  })

  test('asks for nothing from elsewhere', () => {
    const targets = [...draw(allGood).matchAll(/ (?:href|src)="([^"]*)"/g)].map((match) => match[1]!)
    for (const target of targets) expect(target).toMatch(/^(\/(?!\/)|#)/)
    expect(securityStyle()).toContain('--kelp-500')
    for (const [, url] of securityStyle().matchAll(/url\("?([^")]+)/g)) expect(url).toMatch(/^\/assets\//)
    expect(securityStyle()).not.toContain('@import')
  })

  test('is in order for readers of every kind', () => {
    const page = draw(allGood)
    expect(page).toMatch(/^<!doctype html>\s*<html lang="en">/)
    expect(page.match(/<h1/g)).toHaveLength(1)
    expect(page.match(/<main/g)).toHaveLength(1)
    for (const [svg] of page.matchAll(/<svg [^>]*>/g))
      expect(svg).toMatch(/aria-hidden="true"|role="img" aria-labelledby=/)
    for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${id}"`)
  })
})

describe('the page of a README', () => {
  const read = (markdown: string) =>
    renderReadingPage({ product: { title: 'Northwind' }, title: 'sessions', markdown, commit: 'c0ffee' })

  test('shows the README, and HTML in it as text', () => {
    const page = read(
      '# Sessions\n\n## We claim\n\n- `sessions/x` <b onclick="x">holds</b> & so on.\n\n<script>alert(1)</script>\n',
    )
    expect(page).toContain('<h1 id="sessions">Sessions</h1>')
    expect(page).toContain('<code>sessions/x</code> &lt;b onclick=&quot;x&quot;&gt;')
    expect(page).not.toContain('<script')
    expect(page).not.toContain('<b ')
  })

  test('keeps links to the web and drops those that lead nowhere or do harm', () => {
    const page = read(
      '[a](https://example.org/"x) [b](javascript:alert(1)) [c](../x/README.md) ![d](x.png) [e]("onmouseover="x)',
    )
    expect(page).toContain('href="https://example.org/')
    expect(page).not.toMatch(/javascript:|README\.md"|<img|<[^>]+ onmouseover/)
  })

  test('shows code without running or losing it', () => {
    expect(read('```html\n<script>1 && 2</script>\n```\n')).toContain('&lt;script&gt;1 &amp;&amp; 2&lt;/script&gt;')
  })
})

test('the mark is one piece, in one colour, inline or as a file', () => {
  expect(mark).toMatch(/^<svg class="mark" aria-hidden="true"[\s\S]*<\/svg>$/)
  expect(mark).not.toContain('xmlns')
  expect(markFile).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
  expect(markFile).not.toContain('currentColor')
})
