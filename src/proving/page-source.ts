import { createHash } from 'node:crypto'
import { Lexer, type MarkedToken, type Token, type Tokens } from 'marked'
import type { ClaimId, Claims } from '../kernel/claim.ts'
import { type PromiseId, promiseIds } from '../kernel/promises.ts'

/**
 * A security page as its company writes it: Markdown whose sentences are bound to what proves them.
 *
 * - A binding in braces follows the full stop: `Rows stay home. {I1}` binds to every claim of I1, and
 *   `{I1 tenant-isolation/rows-stay-home, I3}` to that claim and to every claim of I3.
 * - **Every sentence of a paragraph or a list promises something**, and needs a binding of its own; a binding covers the
 *   one sentence before it. A sentence without one is shown as unproven. Explanations stand in a quote (`> …`): they
 *   carry no status, and a binding there is an error. So what somebody forgot to bind or to mark looks worse, not better.
 * - Sections begin with `##`. Lists are flat. Raw HTML, images, tables, code blocks and link definitions are errors:
 *   nothing of the source may vanish from the page, and nothing else may enter it.
 */
export interface PageSource {
  readonly title: string
  /** `2026-11-20`, as the front matter says it. */
  readonly updated: string
  /** Who read these words, when, and the digest of what they read. Absent where the front matter names nobody. */
  readonly review?: { readonly by: string; readonly on: string; readonly digest: string }
  /** The digest of the words as they stand: what `reviewed-digest` must equal. */
  readonly digest: string
  /** What stands before the first section: explanations alone. */
  readonly opening: readonly Prose[]
  readonly sections: readonly Section[]
}

export interface Section {
  /** 3 of `## 3. Sign-in`, where the heading has one. */
  readonly number?: number
  readonly heading: string
  readonly blocks: readonly (Prose | Subheading | Sentences)[]
}

export interface Prose {
  readonly kind: 'prose'
  readonly paragraphs: readonly (readonly Inline[])[]
}

export interface Subheading {
  readonly kind: 'subheading'
  readonly heading: string
}

export interface Sentences {
  readonly kind: 'sentences'
  readonly sentences: readonly Sentence[]
}

export interface Sentence {
  readonly line: number
  readonly words: readonly Inline[]
  /** The words without any markup. */
  readonly text: string
  /** Empty: nothing is bound, and the sentence is unproven. */
  readonly bindings: readonly Binding[]
}

export interface Binding {
  readonly promise: PromiseId
  /** Absent: every claim of the promise. */
  readonly claims?: readonly ClaimId[]
}

export type Inline =
  | { readonly kind: 'text' | 'code'; readonly text: string }
  | { readonly kind: 'strong' | 'em'; readonly parts: readonly Inline[] }
  | { readonly kind: 'link'; readonly href: string; readonly parts: readonly Inline[] }

/** What is wrong with a page's source, all of it, each with its line. Thrown at start: such a page is not served. */
export class PageSourceUnreadable extends Error {
  readonly problems: readonly { readonly line: number; readonly reason: string }[]

  constructor(problems: readonly { line: number; reason: string }[]) {
    super(problems.map(({ line, reason }) => `line ${line}: ${reason}`).join('\n'))
    this.name = 'PageSourceUnreadable'
    this.problems = problems
  }
}

/** Reads a page. Throws `PageSourceUnreadable` for unknown ids, and for whatever is not in the format above. */
export function parsePage(markdown: string, claims: Claims): PageSource {
  const problems: Problems = []
  const text = normalised(markdown)
  refuseHiddenCharacters(text, problems)
  const { head, body, bodyLine } = frontMatter(text, problems)
  const { opening, sections } = readBody(body, bodyLine, { claims, problems })
  if (sections.flatMap(sentencesOf).length === 0) problems.push({ line: bodyLine, reason: 'the page promises nothing' })
  if (problems.length > 0) throw new PageSourceUnreadable(problems.toSorted((one, other) => one.line - other.line))
  return { ...head, digest: reviewDigest(markdown), opening, sections }
}

/** Why a page is a draft; undefined when its words are the ones that were reviewed. */
export function draftBecause(source: PageSource, now: Date): string | undefined {
  const { review } = source
  if (!review) return 'Nobody has reviewed these words yet.'
  if (review.on > now.toISOString().slice(0, 10)) return `The review is dated ahead, ${review.on}.`
  if (review.digest !== source.digest) return `The words have changed since ${review.by} reviewed them.`
  return undefined
}

/**
 * SHA-256, in hexadecimal, over the title and all that follows the front matter, bindings included: NFC, each run of
 * white space as one space. Wrapping lines anew keeps it; a changed word, binding or quote mark does not.
 */
export function reviewDigest(markdown: string): string {
  const { head, body } = frontMatter(normalised(markdown), [])
  const words = `${head.title} ${body}`.normalize('NFC').replace(/\s+/gu, ' ').trim()
  return createHash('sha256').update(words, 'utf8').digest('hex')
}

/** All sentences of a section, in order. */
export function sentencesOf(section: Section): Sentence[] {
  return section.blocks.flatMap((block) => (block.kind === 'sentences' ? block.sentences : []))
}

type Problems = { line: number; reason: string }[]

interface Reading {
  readonly claims: Claims
  readonly problems: Problems
}

type Head = Pick<PageSource, 'title' | 'updated' | 'review'>

const headKeys = ['title', 'updated', 'reviewed-by', 'reviewed-on', 'reviewed-digest'] as const
type HeadKey = (typeof headKeys)[number]

function normalised(markdown: string): string {
  return markdown.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')
}

/** Characters that nobody sees could make a reviewer read something else than what is published. */
function refuseHiddenCharacters(text: string, problems: Problems): void {
  for (const [index, line] of text.split('\n').entries())
    if (!line.isWellFormed() || /[\p{Cc}\p{Cf}\u2028\u2029]/u.test(line.replaceAll('\t', '')))
      problems.push({ line: index + 1, reason: 'there is an invisible character in this line: remove it' })
}

function frontMatter(text: string, problems: Problems): { head: Head; body: string; bodyLine: number } {
  const match = /^---\n([\s\S]*?\n)?---(?:\n|$)/.exec(text)
  if (!match) {
    problems.push({ line: 1, reason: 'the page must begin with a front matter between two lines of ---' })
    return { head: { title: '', updated: '' }, body: text, bodyLine: 1 }
  }
  const fields = headFields(match[1] ?? '', problems)
  const body = text.slice(match[0].length)
  return { head: readHead(fields, problems), body, bodyLine: lineBreaks(match[0]) + 1 }
}

function headFields(text: string, problems: Problems): Map<HeadKey, string> {
  const fields = new Map<HeadKey, string>()
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const at = index + 2
    const [, key, value] = /^([a-z-]+):[ \t]+(\S.*)$/.exec(line.trimEnd()) ?? []
    if (key === undefined || value === undefined) problems.push({ line: at, reason: 'write `key: value`' })
    else if (!isHeadKey(key)) problems.push({ line: at, reason: `“${key}” is not one of ${headKeys.join(', ')}` })
    else if (fields.has(key)) problems.push({ line: at, reason: `“${key}” stands there twice` })
    else fields.set(key, value)
  }
  return fields
}

function isHeadKey(key: string): key is HeadKey {
  return (headKeys as readonly string[]).includes(key)
}

function readHead(fields: Map<HeadKey, string>, problems: Problems): Head {
  const need = (key: HeadKey) => {
    const value = fields.get(key)
    if (value === undefined) problems.push({ line: 1, reason: `the front matter lacks “${key}”` })
    return value ?? ''
  }
  const date = (key: HeadKey) => {
    const value = need(key)
    if (value !== '' && !isDate(value)) problems.push({ line: 1, reason: `“${key}” must be a date such as 2026-11-20` })
    return value
  }
  const head = { title: need('title'), updated: date('updated') }
  if (!headKeys.some((key) => key.startsWith('reviewed-') && fields.has(key))) return head
  const review = { by: need('reviewed-by'), on: date('reviewed-on'), digest: need('reviewed-digest') }
  if (review.digest !== '' && !/^[0-9a-f]{64}$/.test(review.digest))
    problems.push({ line: 1, reason: '“reviewed-digest” must be 64 hexadecimal digits' })
  return { ...head, review }
}

function isDate(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

function readBody(body: string, firstLine: number, reading: Reading): Pick<PageSource, 'opening' | 'sections'> {
  const opening: Prose[] = []
  const sections: { number?: number; heading: string; blocks: Section['blocks'][number][] }[] = []
  const tokens = Lexer.lex(body) as MarkedToken[]
  if (tokens.map((token) => token.raw).join('') !== body)
    reading.problems.push({ line: firstLine, reason: 'the Markdown could not be read whole: use spaces for tabs' })
  let line = firstLine
  for (const token of tokens) {
    const last = sections.at(-1)
    if (token.type === 'heading' && token.depth === 2)
      sections.push({ ...readHeading(token, line, reading), blocks: [] })
    else if (token.type === 'blockquote' && !last) opening.push(readProse(token, line, reading))
    else if (token.type !== 'space') {
      const block = readBlock(token, line, reading)
      if (block && last) last.blocks.push(block)
      else if (block) reading.problems.push({ line, reason: 'a sentence stands before the first ## heading' })
    }
    line += lineBreaks(token.raw)
  }
  return { opening, sections }
}

function readHeading(token: Tokens.Heading, line: number, { problems }: Reading): { number?: number; heading: string } {
  if (!token.raw.startsWith('#'))
    problems.push({ line, reason: 'a line of --- turns the text above it into a heading' })
  if (/[{}]/.test(token.text)) problems.push({ line, reason: 'a heading cannot be bound: bind its sentences' })
  const [, number, heading] = /^(?:(\d{1,3})\.\s+)?(.*)$/s.exec(token.text.trim())!
  if (!heading) problems.push({ line, reason: 'the heading is empty' })
  return { heading: heading ?? '', ...(number === undefined ? {} : { number: Number(number) }) }
}

function readBlock(token: MarkedToken, line: number, reading: Reading): Section['blocks'][number] | undefined {
  switch (token.type) {
    case 'heading':
      if (token.depth === 3) return { kind: 'subheading', heading: readHeading(token, line, reading).heading }
      break
    case 'blockquote':
      return readProse(token, line, reading)
    case 'paragraph':
      return { kind: 'sentences', sentences: readSentences(token.text, line, reading) }
    case 'list':
      return { kind: 'sentences', sentences: readList(token, line, reading) }
  }
  reading.problems.push({ line, reason: refusals[token.type] ?? `a security page has no place for “${token.type}”` })
  return undefined
}

const refusals: Readonly<Record<string, string>> = {
  heading: 'only ## and ### are headings here: the title stands in the front matter',
  code: 'a code block, or a line with too many spaces before it, would not be read as sentences',
  html: 'raw HTML is not allowed',
  table: 'tables are not allowed: write sentences',
  def: 'a link definition vanishes from the page: write the link where it is used',
  list: 'keep lists flat: a list inside a list is easily overlooked',
}

function readList(list: Tokens.List, firstLine: number, reading: Reading): Sentence[] {
  let line = firstLine
  const sentences: Sentence[] = []
  for (const item of list.items) {
    if (item.task) reading.problems.push({ line, reason: 'a box to tick is not a sentence' })
    let at = line
    for (const token of item.tokens as MarkedToken[]) {
      if (token.type === 'text' || token.type === 'paragraph') sentences.push(...readSentences(token.text, at, reading))
      else if (token.type !== 'space')
        reading.problems.push({ line: at, reason: refusals[token.type] ?? `a list has no place for “${token.type}”` })
      at += lineBreaks(token.raw)
    }
    if (item.text.trim() === '') reading.problems.push({ line, reason: 'an item of this list is empty' })
    line += lineBreaks(item.raw)
  }
  return sentences
}

function readProse(quote: Tokens.Blockquote, firstLine: number, reading: Reading): Prose {
  let line = firstLine
  const paragraphs: Inline[][] = []
  for (const token of quote.tokens as MarkedToken[]) {
    if (token.type === 'paragraph') {
      if (bindingsIn(masked(token.text)).length > 0)
        reading.problems.push({
          line,
          reason: 'an explanation (>) cannot be bound: take the sentence out of the quote',
        })
      else paragraphs.push(readInline(token.text, line, reading))
    } else if (token.type !== 'space')
      reading.problems.push({ line, reason: refusals[token.type] ?? `a quote has no place for “${token.type}”` })
    line += lineBreaks(token.raw)
  }
  return { kind: 'prose', paragraphs }
}

/** Cuts a paragraph into sentences. A binding covers the last sentence before it, and none other. */
function readSentences(paragraph: string, firstLine: number, reading: Reading): Sentence[] {
  const sentences: Sentence[] = []
  const plain = masked(paragraph)
  let start = 0
  for (const found of [...bindingsIn(plain), undefined]) {
    const end = found?.index ?? paragraph.length
    const cuts = sentenceCuts(plain.slice(start, end), start)
    const line = firstLine + lineBreaks(paragraph.slice(0, found?.index ?? cuts[0]?.from ?? end))
    if (found && cuts.length === 0) reading.problems.push({ line, reason: `{${found.text}} has no sentence before it` })
    for (const [index, { from, to }] of cuts.entries()) {
      const bound = found && index === cuts.length - 1
      const at = firstLine + lineBreaks(paragraph.slice(0, from))
      const words = readSentence(paragraph.slice(from, to), at, reading)
      const text = plainText(words)
      sentences.push({ line: at, words, text, bindings: bound ? readBindings(found.text, line, reading) : [] })
    }
    start = end + (found ? found.text.length + 2 : 0)
  }
  return sentences
}

function readSentence(text: string, line: number, reading: Reading): Inline[] {
  const before = reading.problems.length
  const words = readInline(text, line, reading)
  if (reading.problems.length === before && !/^[^\p{L}\p{N}]{0,2}[\p{L}\p{N}]/u.test(plainText(words)))
    reading.problems.push({ line, reason: `“${text}” is no sentence: a binding comes after the full stop` })
  return words
}

/** `I1 a/b c/d, I3`. */
function readBindings(text: string, line: number, { claims, problems }: Reading): Binding[] {
  const bindings: Binding[] = []
  for (const part of text.split(',')) {
    const [promise, ...ids] = part.trim().split(/\s+/)
    if (!isPromise(promise)) {
      problems.push({ line, reason: `“${promise ?? ''}” is not the id of a promise` })
      continue
    }
    if (bindings.some((binding) => binding.promise === promise) || new Set(ids).size !== ids.length)
      problems.push({ line, reason: `{${text}} says the same twice` })
    const known = ids.filter((id): id is ClaimId => isClaim(id, promise, line, claims, problems))
    bindings.push({ promise, ...(ids.length > 0 ? { claims: known } : {}) })
  }
  return bindings
}

function isPromise(id: string | undefined): id is PromiseId {
  return (promiseIds as readonly (string | undefined)[]).includes(id)
}

function isClaim(id: string, promise: PromiseId, line: number, claims: Claims, problems: Problems): id is ClaimId {
  if (!Object.hasOwn(claims, id)) problems.push({ line, reason: `“${id}” is not the id of a claim` })
  else if (!claims[id as ClaimId]!.promises.includes(promise))
    problems.push({ line, reason: `“${id}” proves nothing of ${promise}` })
  else return true
  return false
}

/** The text with code, link targets and escaped braces blotted out, at the same length: what is left may be cut. */
function masked(text: string): string {
  const blot = (found: string) => found.replace(/[^`]/gu, (one) => 'x'.repeat(one.length))
  return text
    .replace(/(?<!`)(`+)(?!`)([\s\S]*?[^`])\1(?!`)/g, blot)
    .replace(/\\[{}]|!\[/g, 'xx')
    .replace(/\]\([^()\s]*\)/g, blot)
    .replaceAll('\n', ' ')
}

function bindingsIn(plain: string): { index: number; text: string }[] {
  return [...plain.matchAll(/\{([^{}]*)\}/g)].map((match) => ({ index: match.index, text: match[1]! }))
}

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })

function sentenceCuts(plain: string, offset: number): { from: number; to: number }[] {
  return [...segmenter.segment(plain)]
    .filter(({ segment }) => segment.trim() !== '')
    .map(({ segment, index }) => {
      const from = offset + index + (segment.length - segment.trimStart().length)
      return { from, to: from + segment.trim().length }
    })
}

function readInline(text: string, line: number, reading: Reading): Inline[] {
  return Lexer.lexInline(text).map((token) => inline(token, line, reading))
}

function inline(token: Token, line: number, reading: Reading): Inline {
  const problem = (reason: string): Inline => {
    reading.problems.push({ line, reason })
    return { kind: 'text', text: '' }
  }
  const parts = () => ((token as Tokens.Generic).tokens ?? []).map((part) => inline(part, line, reading))
  switch (token.type) {
    case 'text':
      if (/[{}]/.test(token.raw)) return problem('a brace that is no binding: write it as \\{ or as `code`')
      if (/\*\*|`|\]\(/.test(token.raw)) return problem('emphasis, code or a link runs over the end of a sentence')
      return { kind: 'text', text: spaced(token.raw) }
    case 'escape':
      return { kind: 'text', text: (token as Tokens.Escape).text }
    case 'br':
      return { kind: 'text', text: ' ' }
    case 'codespan':
      return { kind: 'code', text: spaced((token as Tokens.Codespan).text) }
    case 'strong':
    case 'em':
      return { kind: token.type, parts: parts() }
    case 'link':
      return leadsSomewhereHarmless((token as Tokens.Link).href)
        ? { kind: 'link', href: (token as Tokens.Link).href, parts: parts() }
        : problem('a link may lead to https://, http://, mailto:, /path or #place')
    default:
      return problem(refusals[token.type] ?? `a sentence has no place for “${token.type}”`)
  }
}

/** Whether a link may be published: to the web, to a mail address, or within the site. */
export function leadsSomewhereHarmless(href: string): boolean {
  return /^(https?:\/\/[^\s\\]+|mailto:[^\s\\]+|\/(?![/\\])[^\s\\]*|#[\w-]+)$/i.test(href)
}

function plainText(words: readonly Inline[]): string {
  return words.map((word) => ('text' in word ? word.text : plainText(word.parts))).join('')
}

function spaced(text: string): string {
  return text.replace(/\s+/gu, ' ')
}

function lineBreaks(text: string): number {
  return text.split('\n').length - 1
}
