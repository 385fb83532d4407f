import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  readonly id: string
  readonly impact: string | null
  readonly nodes: readonly { readonly html: string }[]
}

/** What axe finds serious or critical on a page that has come to rest, and whether anything sticks out to the side. */
export async function flawsOf(page: Page): Promise<string[]> {
  // Fading in is not what is looked at: half faded in, every text has too little contrast.
  await page.waitForFunction(() =>
    document.getAnimations().every(({ effect }) => effect?.getComputedTiming().iterations === Number.POSITIVE_INFINITY),
  )
  // Evaluated by the debugger, which the page's policy does not bind.
  await page.evaluate(axe)
  const { violations, overflow } = await page.evaluate(async () => {
    const { axe: rules } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }
    const { scrollWidth, clientWidth } = document.documentElement
    return { violations: (await rules.run()).violations, overflow: scrollWidth - clientWidth }
  })
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  return [
    ...serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 300)).join(' ')}`),
    ...(overflow > 0 ? [`${overflow} px too wide`] : []),
  ]
}
