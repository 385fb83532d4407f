import type { Bench } from '../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../kernel/finding.ts'
import type { Probes } from '../kernel/probe.ts'
import type { claims } from './claims.ts'

export const probes: Probes<keyof typeof claims> = {
  'proving/page-says-how-old-its-words-are': {
    where: ['live', 'restored-copy', 'ci'],
    limitSeconds: 20,
    run: wordsAndDates,
  },
}

/** Reads the published source, works out for itself whether its words are those that were reviewed, and then looks at the page. */
async function wordsAndDates(bench: Bench): Promise<Outcome> {
  const [source, page] = await Promise.all([bench.http('/security.md'), bench.http('/security')])
  if (source.status !== 200 || page.status !== 200)
    return inconclusive(`the page answered ${page.status}, its source ${source.status}`)
  const match = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(source.text)
  if (match === null) return broken('the published source has no front matter', 1)
  const head = new Map(
    match[1]!.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const updated = head.get('updated') ?? ''
  if (!/^\d{4}-\d\d-\d\d$/.test(updated) || Date.parse(updated) > bench.now().getTime())
    return broken(`the day of the last change is «${updated}»`, 1)
  if (!page.text.includes(`datetime="${updated}"`))
    return broken(`the page does not show ${updated}, the day of its last change`, 2)
  const words = await sha256(`${head.get('title') ?? ''} ${match[2]}`.normalize('NFC').replace(/\s+/gu, ' ').trim())
  const reviewer = head.get('reviewed-by')
  const reviewed = reviewer !== undefined && head.get('reviewed-digest') === words
  const saysDraft = /class="draft"/.test(page.text)
  if (!reviewed && !saysDraft)
    return broken('its words were not reviewed as they stand, and the page does not call itself a draft', 2)
  if (reviewed && !page.text.includes(reviewer)) return broken(`the page does not name ${reviewer}, who reviewed it`, 2)
  return holds(
    reviewed
      ? `words of ${updated}, reviewed by ${reviewer}`
      : `words of ${updated}, not reviewed as they stand; the page says so`,
    2,
  )
}

async function sha256(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
