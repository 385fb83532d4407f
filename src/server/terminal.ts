import type { WriteStream } from 'node:tty'
import type { Started } from './start.ts'

export interface Bar {
  /** A line of news. */
  say(news: string): void
  /** Where long work stands; drawn on a terminal only. */
  progress(what: string, done: number, of: number): void
  clear(): void
}

/** News and progress on stderr. Without a terminal there are lines and no bar. */
export function bar(stream: WriteStream | NodeJS.WriteStream): Bar {
  const width = 24
  let drawn = false
  const clear = () => {
    if (drawn) stream.write('\r\u001b[2K')
    drawn = false
  }
  return {
    clear,
    say(news) {
      clear()
      stream.write(`${news}\n`)
    },
    progress(what, done, of) {
      if (!stream.isTTY) return
      const full = of === 0 ? width : Math.round((done / of) * width)
      clear()
      drawn = true
      stream.write(
        `[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${String(done).padStart(String(of).length)}/${of} ${what}`.slice(
          0,
          (stream.columns ?? 80) - 1,
        ),
      )
    },
  }
}

/** What `start` prints, once, when everything answers. */
export function screen(started: Started): string {
  const lines = [
    `Holdfast is ready after ${started.seconds.toFixed(1)} s`,
    '',
    `  ${started.landing.padEnd(31)} landing page${started.hasMailbox ? ', demo, development mailbox (/mail)' : ''}`,
  ]
  for (const { product, origin } of started.products) {
    lines.push(
      `  ${origin.padEnd(31)} ${product.title}: ${product.sentence}`,
      `  ${`${origin}/security`.padEnd(31)} its security page`,
    )
    const people = product.name === 'crm' ? started.demo.crm : started.demo.study
    for (const { who, address, password } of people)
      lines.push(`      ${who.padEnd(44)} ${address.padEnd(26)} ${password}`)
  }
  lines.push(
    '',
    `  database   ${started.database}`,
    `  data       ${started.dataFolder}`,
    `  prover     process ${started.prover.processId}: the first round of attacks is under way; the pages show what it sees`,
    '',
    '  Ctrl-C stops everything. Data are kept.',
    '',
  )
  return lines.join('\n')
}
