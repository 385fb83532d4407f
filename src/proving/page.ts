import { readFileSync } from 'node:fs'
import { html, raw } from 'hono/html'
import type { Claim, ClaimId } from '../kernel/claim.ts'
import type { Against, Finding, Where } from '../kernel/finding.ts'
import { type EvidenceInput, heldBackUntil } from './evidence.ts'
import { mark } from './mark.ts'
import {
  type Binding,
  draftBecause,
  type Inline,
  type PageSource,
  type Prose,
  type Section,
  type Sentence,
} from './page-source.ts'
import {
  type ClaimStanding,
  claimStandings,
  claimsOf,
  type Day,
  days,
  isGreen,
  jointStatus,
  promiseStatus,
  type Standing,
  worst,
  worstDays,
} from './status.ts'
import { type Look, lookOf, statusMeanings, statusShapes, statusWords } from './status-shape.ts'
import { drawStand, drawStrip, type StandDay } from './strip.ts'
import { ago, counted, dayInWords, figure, instantInWords, lasting } from './wording.ts'

type Html = ReturnType<typeof html>

/** Where the page looks for its style sheet, its icon and its type. The composition root routes them. */
export const securityPaths = {
  page: '/security',
  style: '/assets/security.css',
  icon: '/assets/mark.svg',
  font: '/assets/hanken-grotesk.woff2',
  evidence: '/security.json',
  /** Followed by the name of a control: its README. */
  controls: '/security/controls/',
} as const

/** The style sheet: the tokens that the console draws from as well, then the rules of this page. */
export function securityStyle(): string {
  return ['../../console/ui/tokens.css', './page.css']
    .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
    .join('\n')
}

/**
 * A product's security page: a complete document, without script and without inline style, that reads the same in print.
 * Whatever comes from a finding, a claim or the page's source is escaped.
 */
export function renderSecurityPage(input: EvidenceInput & { readonly source: PageSource }): string {
  const { product, source } = input
  const drawn = draw(input)
  return securityDocument(
    `${source.title} · ${product.title}`,
    html`<a class="skip" href="#promises">Skip to the promises</a>
${shapeSheet}
${masthead(drawn)}
<main id="promises" class="width">
${alarm(drawn)}
${source.opening.map(prose)}
${glance(drawn)}
${drawn.sections.map((section) => chapter(section, drawn))}
</main>
${footer(drawn)}`,
  )
}

/** The document around `body`: for this page and those that it links to. */
export function securityDocument(title: string, body: Html): string {
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" type="image/svg+xml" href="${securityPaths.icon}">
<link rel="stylesheet" href="${securityPaths.style}">
<link rel="alternate" type="application/json" href="${securityPaths.evidence}">
</head>
<body>
${body}
</body>
</html>
`)
}

/** The product's name beside the mark. `topic` is where one is. */
export function brand(productTitle: string, topic: Html | string): Html {
  return html`<p class="brand">${raw(mark)}<a href="/">${productTitle}</a><span class="topic">${topic}</span></p>`
}

/** A page with everything worked out that its parts show. */
interface Drawn extends EvidenceInput {
  readonly source: PageSource
  readonly standings: ReadonlyMap<ClaimId, ClaimStanding>
  readonly strips: ReadonlyMap<ClaimId, readonly Day[]>
  readonly sections: readonly DrawnSection[]
  readonly sentences: readonly DrawnSentence[]
}

interface DrawnSection extends Omit<Section, 'blocks'> {
  readonly id: string
  readonly blocks: readonly (
    | Exclude<Section['blocks'][number], { kind: 'sentences' }>
    | { kind: 'sentences'; sentences: DrawnSentence[] }
  )[]
}

interface DrawnSentence extends Sentence {
  readonly id: string
  readonly standing: Standing
  readonly look: Look
}

function draw(input: EvidenceInput & { readonly source: PageSource }): Drawn {
  const { source, claims, accepted, findings } = input
  const byClaim = Map.groupBy(findings, (finding) => finding.claim)
  const standings = claimStandings(claims, findings, accepted, input)
  const strips = new Map(
    [...standings.keys()].map((id) => [id, days(id, claims[id]!, byClaim.get(id) ?? [], accepted, input)]),
  )
  const anchor = anchors()
  const sections = source.sections.map((section, index) => ({
    ...section,
    id: `section-${section.number ?? index + 1}`,
    blocks: section.blocks.map((block) =>
      block.kind === 'sentences'
        ? {
            ...block,
            sentences: block.sentences.map((sentence) => drawSentence(sentence, anchor(sentence), input, standings)),
          }
        : block,
    ),
  }))
  const sentences = sections.flatMap((section) =>
    section.blocks.flatMap((block) => (block.kind === 'sentences' ? block.sentences : [])),
  )
  return { ...input, standings, strips, sections, sentences }
}

function drawSentence(
  sentence: Sentence,
  id: string,
  input: EvidenceInput,
  standings: ReadonlyMap<ClaimId, ClaimStanding>,
): DrawnSentence {
  const standing = sentenceStanding(sentence.bindings, input, standings)
  return { ...sentence, id, standing, look: lookOf(standing) }
}

/** A sentence stands as badly as the worst that it is bound to; bound to nothing, it is unproven. */
function sentenceStanding(
  bindings: readonly Binding[],
  { promises, claims }: EvidenceInput,
  standings: ReadonlyMap<ClaimId, ClaimStanding>,
): Standing {
  const parts = bindings.map((binding) => {
    // Single claims prove what they say, whatever else of the row is missing.
    if (binding.claims) return jointStatus(binding.claims.map((id) => standings.get(id)!))
    return promiseStatus(
      promises[binding.promise],
      claimsOf(binding.promise, claims).map((id) => standings.get(id)!),
    )
  })
  if (parts.length === 0)
    return { status: 'unproven', standIn: false, note: 'No claim is bound to this sentence.', claims: [] }
  const status = worst(parts.map((part) => part.status))
  const note = [...new Set(parts.flatMap((part) => part.note ?? []))].join(' ')
  return {
    status,
    standIn: status === 'holds' && parts.some((part) => part.standIn),
    ...(note === '' ? {} : { note }),
    claims: [...new Set(parts.flatMap((part) => part.claims))],
  }
}

/** The first sentence bound to I1 is `#I1`, the next `#I1-2`: places that can be linked to. */
function anchors(): (sentence: Sentence) => string {
  const used = new Map<string, number>()
  return ({ bindings }) => {
    const name = bindings[0]?.promise ?? 'unbound'
    const count = (used.get(name) ?? 0) + 1
    used.set(name, count)
    return count === 1 ? name : `${name}-${count}`
  }
}

// The head of the page.

function masthead(drawn: Drawn): Html {
  const { product, source, sentences, now } = drawn
  const green = sentences.filter(({ standing }) => isGreen(standing)).length
  const draft = draftBecause(source, now)
  return html`<header class="masthead">
<div class="width">
${brand(product.title, 'Security')}
<h1>${source.title}</h1>
<p class="tally"><strong class="figures">${green}</strong> of <strong class="figures">${sentences.length}</strong> sentences ${green === 1 ? 'holds' : 'hold'} now.</p>
<ul class="counts">${counts(sentences).map(
    ([look, count]) =>
      html`<li>${shape(look)}<span><span class="figures">${count}</span> ${inSentence(look, count)}</span></li>`,
  )}</ul>
<dl class="facts">
<div><dt>Words last changed</dt><dd>${dateTag(source.updated)}</dd></div>
<div><dt>Reviewed</dt><dd>${
    draft === undefined
      ? html`by ${source.review!.by}, ${dateTag(source.review!.on)}`
      : html`<strong class="draft">Draft</strong> ${draft}`
  }</dd></div>
<div><dt>Claims behind them</dt><dd class="figures">${claimTally(drawn)}</dd></div>
<div><dt>Prover last ran</dt><dd>${lastRun(drawn)}</dd></div>
<div><dt>Page drawn</dt><dd>${instantTag(now)}</dd></div>
</dl>
</div>
${drawStand(stand(drawn))}
</header>`
}

function claimTally({ standings }: Drawn): string {
  const green = [...standings.values()].filter(isGreen).length
  return standings.size === 0 ? 'none yet' : `${green} of ${standings.size} ${green === 1 ? 'holds' : 'hold'}`
}

function counts(sentences: readonly DrawnSentence[]): [Look, number][] {
  const byLook = Map.groupBy(sentences, (sentence) => sentence.look)
  return (Object.keys(statusWords) as Look[]).flatMap((look): [Look, number][] => {
    const count = byLook.get(look)?.length ?? 0
    return count === 0 ? [] : [[look, count]]
  })
}

/** `2 min ago`, of the newest finding of any claim; what is dated ahead says nothing. */
function lastRun({ findings, now }: Drawn): Html | string {
  let newest = Number.NEGATIVE_INFINITY
  for (const finding of findings) {
    const checked = Date.parse(finding.checkedAt)
    if (checked > newest && checked <= now.getTime() + 60_000) newest = checked
  }
  return Number.isFinite(newest) ? agoTag(new Date(newest), now) : 'It has not run yet.'
}

function stand({ strips, sentences }: Drawn): StandDay[] {
  const bound = new Set(sentences.flatMap(({ standing }) => standing.claims.map((claim) => claim.claim)))
  const columns = [...strips].filter(([id]) => bound.has(id)).map(([, strip]) => strip)
  const any = [...strips.values()][0] ?? []
  return any.map(({ date }, index) => {
    const seen = columns.map((strip) => strip[index]!.status).filter((status) => status !== 'none')
    const held = seen.filter((status) => status === 'holds' || status === 'not-applicable').length
    return { date, seen: seen.length, held, status: seen.length === 0 ? 'none' : worst(seen) }
  })
}

/** What is red stands before everything else, and in its own place too. */
function alarm({ sentences, now }: Drawn): Html | string {
  const red = sentences.filter(({ standing }) => standing.status === 'broken')
  if (red.length === 0) return ''
  return html`<section class="alarm" aria-labelledby="alarm">
<h2 id="alarm">${shape('broken')}<span>${red.length === 1 ? 'One sentence of this page is broken now' : `${red.length} sentences of this page are broken now`}</span></h2>
<ul>${red.map((sentence) => html`<li><a href="#${sentence.id}">${sentence.text}</a> <span class="since">${redSince(sentence.standing, now)}</span></li>`)}</ul>
</section>`
}

function redSince(standing: Standing, now: Date): Html | string {
  const since = standing.claims.flatMap(({ red }) => (red && red.until === undefined ? [red.since] : [])).sort()[0]
  return since === undefined ? '' : html`for ${lasting(now.getTime() - Date.parse(since))}`
}

/** Every sentence as its shape, section by section: the whole page in one look. */
function glance({ sections }: Drawn): Html {
  return html`<nav class="glance" aria-label="All sentences at a glance">
<ol>${sections.map(
    (section) =>
      html`<li><a class="name" href="#${section.id}">${section.number === undefined ? '' : html`<span class="number figures">${section.number}</span>`}<span>${section.heading}</span></a><span class="cells">${sentencesIn(
        section,
      ).map(
        (sentence) =>
          html`<a class="cell" href="#${sentence.id}">${shape(sentence.look)}<span class="unseen">${statusWords[sentence.look]}: ${sentence.text}</span></a>`,
      )}</span></li>`,
  )}</ol>
</nav>`
}

function sentencesIn(section: DrawnSection): DrawnSentence[] {
  return section.blocks.flatMap((block) => (block.kind === 'sentences' ? block.sentences : []))
}

// The promises.

function chapter(section: DrawnSection, drawn: Drawn): Html {
  return html`<section class="chapter" aria-labelledby="${section.id}">
<h2 id="${section.id}">${section.number === undefined ? '' : html`<span class="number figures">${section.number}</span>`}<span>${section.heading}</span></h2>
<div class="blocks">${section.blocks.map((block) => {
    if (block.kind === 'prose') return prose(block)
    if (block.kind === 'subheading') return html`<h3>${block.heading}</h3>`
    return html`<ul class="sentences">${block.sentences.map((sentence) => sentenceItem(sentence, drawn))}</ul>`
  })}</div>
</section>`
}

function prose({ paragraphs }: Prose): Html {
  return html`<div class="prose">${paragraphs.map((words) => html`<p>${words.map(inline)}</p>`)}</div>`
}

function sentenceItem(sentence: DrawnSentence, drawn: Drawn): Html {
  const { standing, look } = sentence
  return html`<li class="sentence ${look}" id="${sentence.id}">
${shape(look)}
<div class="said">
<p class="words">${sentence.words.map(inline)}</p>
<p class="verdict"><strong class="status">${verdict(sentence, drawn.now)}</strong>${evidenceAge(standing, drawn.now)}${standing.note ? html` <span class="note">${standing.note}</span>` : ''}</p>
${proof(sentence, drawn)}
</div>
${sentence.bindings.length > 0 ? html`<p class="rows">${rowTags(sentence)}</p>` : ''}
</li>`
}

function verdict({ standing, look }: DrawnSentence, now: Date): Html | string {
  if (look === 'broken') return html`${statusWords.broken} ${redSince(standing, now)}`
  // Something of it may hold; as long as something else is not built, the whole is not proven.
  return look === 'unproven' && standing.claims.length > 0 ? 'Unproven as a whole' : statusWords[look]
}

function rowTags({ bindings }: Sentence): Html[] {
  return bindings.map(
    ({ promise }) =>
      html`<a class="row" href="${securityPaths.evidence}#${promise}"><span class="unseen">Row </span>${promise}</a> `,
  )
}

/** How old the evidence is (its oldest part counts), where it was obtained and against what. */
function evidenceAge(standing: Standing, now: Date): Html | string {
  const findings = standing.claims.flatMap(({ finding }) => finding ?? [])
  const [oldest] = findings.toSorted((one, other) => Date.parse(one.checkedAt) - Date.parse(other.checkedAt))
  if (!oldest) return ''
  const age = findings.length === 1 ? 'checked' : `${counted(findings.length, 'claim')}, the oldest checked`
  return html` <span class="more">${age} ${findingAge(oldest, now)}, ${placesInWords(findings)}${examinedInWords(findings)}.</span>`
}

function proof(sentence: DrawnSentence, drawn: Drawn): Html | string {
  const { claims } = sentence.standing
  if (claims.length === 0) return ''
  const list = html`<ul class="claims">${claims.map((standing) => claimItem(sentence, standing, drawn))}</ul>`
  if (claims.length === 1) return list
  const strip = worstDays(claims.map(({ claim }) => drawn.strips.get(claim)!))
  // What is not as it should be lies open; a long list of what holds can be opened.
  const open = claims.some((standing) => !isGreen(standing) && standing.status !== 'not-applicable')
  return html`${drawStrip(`${sentence.id}-days`, strip)}
<details${open ? raw(' open') : ''}><summary>What was seen: ${claimCounts(claims)}</summary>${list}</details>`
}

/** `5 claims: 4 hold, 1 stale` */
function claimCounts(claims: readonly ClaimStanding[]): string {
  const byLook = Map.groupBy(claims, lookOf)
  const parts = (Object.keys(statusWords) as Look[]).flatMap((look) => {
    const count = byLook.get(look)?.length ?? 0
    return count === 0 ? [] : [`${count} ${inSentence(look, count)}`]
  })
  return `${counted(claims.length, 'claim')}: ${parts.join(', ')}`
}

function claimItem(sentence: DrawnSentence, standing: ClaimStanding, drawn: Drawn): Html {
  const { claim: id, finding } = standing
  const claim: Claim = drawn.claims[id]!
  const look = lookOf(standing)
  const strip = drawn.strips.get(id)!
  return html`<li class="claim ${look}">
<p class="claim-sentence">${shape(look)}<span>${claim.sentence}</span></p>
<dl class="evidence">
<div><dt>Status</dt><dd><strong class="status">${statusWords[look]}</strong>${finding ? html` <span class="more">${findingAge(finding, drawn.now)}, ${placesInWords([finding])}${examinedInWords([finding])}.</span>` : ''}${standing.note ? html` ${asSentence(standing.note)}` : ''}${acceptance(standing)}</dd></div>
${finding ? sawPart(standing, finding, drawn.now) : ''}
${lastRed(standing)}
${finding ? html`<div><dt>${strip.length} days</dt><dd>${drawStrip(`${sentence.id}-${id.replaceAll(/[^a-z0-9-]/g, '-')}`, strip)}</dd></div>` : ''}
</dl>
<p class="links"><a href="${securityPaths.controls}${encodeURIComponent(id.split('/')[0]!)}">The control</a> <a href="${securityPaths.evidence}#${id}">The evidence</a> <code>${id}</code></p>
</li>`
}

/** Reasons come from whoever accepts a risk, with a full stop or without. */
function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

function acceptance({ accepted }: ClaimStanding): string {
  return accepted ? ` Answered for by ${accepted.owner} until ${dayInWords(accepted.until)}.` : ''
}

function sawPart(standing: ClaimStanding, finding: Finding, now: Date): Html {
  const until = heldBackUntil(standing, now)
  if (!until) return html`<div><dt>Saw</dt><dd class="saw">${finding.saw}</dd></div>`
  return html`<div><dt>Saw</dt><dd>The details go to the operators first. They stand here once this is mended, and at the latest on ${instantTag(until)}.</dd></div>`
}

/** A red period that is over is told, with what was seen in it. */
function lastRed({ red }: ClaimStanding): Html | string {
  if (!red || red.until === undefined) return ''
  const lasted = lasting(Date.parse(red.until) - Date.parse(red.since))
  return html`<div><dt>Last red</dt><dd>${instantTag(new Date(red.since))}, for ${lasted}. <span class="saw">${red.saw}</span></dd></div>`
}

const placeWords: Readonly<Record<Where, string>> = {
  live: 'on the live system',
  'restored-copy': 'on a restored copy',
  ci: 'in CI',
}
const partWords: Readonly<Record<Against, string>> = {
  real: 'against the real part',
  'stand-in': 'against a stand-in',
}

function placesInWords(findings: readonly Finding[]): string {
  return [...new Set(findings.map(({ where, against }) => `${placeWords[where]}, ${partWords[against]}`))].join('; ')
}

function examinedInWords(findings: readonly Finding[]): string {
  const examined = findings.reduce((sum, finding) => sum + finding.examined, 0)
  return examined > 0 ? `, ${figure(examined)} examined` : ''
}

// The foot of the page.

function footer({ commit, product }: Drawn): Html {
  return html`<footer class="foot">
<div class="width">
<h2>How to read this page</h2>
<p>A prover attacks the running service like a stranger would, with accounts that exist for nothing else, and writes down what it saw. Each sentence above is as good as the worst of its claims. What is broken shows at once; what the probe saw goes to the operators first, and stands here once it is mended, or after ${publishDelay}. A red period is never taken back.</p>
<dl class="legend">${(Object.keys(statusMeanings) as Look[]).map(
    (look) =>
      html`<div class="${look}"><dt>${shape(look)}<span>${statusWords[look]}</span></dt><dd>${statusMeanings[look]}</dd></div>`,
  )}</dl>
<p>In a strip each stroke is a day: a full stroke held, a short one could not be told, a taller one with a head was broken, a broken line was red and accepted, a dot is a day on which nothing looked.</p>
<p class="colophon">The same as data: <a href="${securityPaths.evidence}">security.json</a>. Running commit: <code>${commit}</code>. ${product.title} stands on Holdfast, which draws this page from findings and from nothing else.</p>
</div>
</footer>`
}

const publishDelay = '24 hours'

// Small parts.

const shapeSheet = html`<svg class="shapes" aria-hidden="true" width="0" height="0">${(
  Object.keys(statusShapes) as Look[]
).map((look) => {
  const { fill, stroke } = statusShapes[look]
  return html`<symbol id="shape-${look}" viewBox="0 0 16 16">${fill ? html`<path fill="currentColor" fill-rule="evenodd" d="${fill}"/>` : ''}${stroke ? html`<path fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" d="${stroke}"/>` : ''}</symbol>`
})}</svg>`

function shape(look: Look): Html {
  return html`<svg class="shape ${look}" aria-hidden="true" focusable="false"><use href="#shape-${look}"/></svg>`
}

function inSentence(look: Look, count: number): string {
  const words = statusWords[look].toLowerCase()
  return count === 1 ? words : words.replace('holds', 'hold')
}

function inline(word: Inline): Html | string {
  switch (word.kind) {
    case 'text':
      return word.text
    case 'code':
      return html`<code>${word.text}</code>`
    case 'strong':
      return html`<strong>${word.parts.map(inline)}</strong>`
    case 'em':
      return html`<em>${word.parts.map(inline)}</em>`
    case 'link':
      return html`<a href="${word.href}" rel="noreferrer">${word.parts.map(inline)}</a>`
  }
}

function findingAge(finding: Finding, now: Date): Html | string {
  const checked = new Date(finding.checkedAt)
  return Number.isNaN(checked.getTime()) ? 'at a time that cannot be read' : agoTag(checked, now)
}

function agoTag(then: Date, now: Date): Html {
  return html`<time datetime="${then.toISOString()}" title="${instantInWords(then)}">${ago(then, now)}</time>`
}

function instantTag(instant: Date): Html {
  return html`<time datetime="${instant.toISOString()}">${instantInWords(instant)}</time>`
}

function dateTag(date: string): Html {
  return html`<time datetime="${date}">${dayInWords(date)}</time>`
}
