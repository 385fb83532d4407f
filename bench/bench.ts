// npm run bench -- isolation [--quick] [--json] [--postgres <folder of its programs>]
import { parseArgs } from 'node:util'
import { bar } from '../src/server/terminal.ts'
import { measureIsolation } from './isolation/isolation.ts'
import { keepResults, summaryOf, tableOf } from './isolation/report.ts'

const help = `Usage:
  npm run bench -- isolation [--quick] [--json] [--keep] [--postgres <folder>]

  --quick      shorter rounds on smaller tables: for guidance, not for quoting
  --json       the summary as JSON on the last line of stdout
  --keep       write bench/results/isolation.json and isolation.svg; without --quick that is so anyway
  --postgres   the folder of another PostgreSQL's programs, such as /usr/lib/postgresql/15/bin

Exit status: 0 measured (whatever the numbers are) · 1 failed · 2 the call was not understood
`

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      postgres: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help === true) process.stdout.write(help)
  else if (positionals.length !== 1 || positionals[0] !== 'isolation') misused('there is one benchmark: isolation')
  else await run(values)
} catch (error) {
  if ((error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')) misused((error as Error).message)
  else {
    console.error(`bench: error: ${(error as Error).stack}`)
    process.exitCode = 1
  }
}

async function run(values: {
  quick: boolean
  json: boolean
  keep: boolean
  postgres?: string | undefined
}): Promise<void> {
  const line = bar(process.stderr)
  const results = await measureIsolation({
    quick: values.quick,
    bar: line,
    ...(values.postgres === undefined ? {} : { binFolder: values.postgres }),
  })
  process.stdout.write(tableOf(results))
  if (!values.quick || values.keep) {
    await keepResults(results, `npm run bench -- isolation${values.quick ? ' --quick' : ''}`)
    line.say('bench/results: isolation.json and isolation.svg')
  }
  if (values.json) process.stdout.write(`${JSON.stringify(summaryOf(results))}\n`)
}

function misused(why: string): void {
  process.stderr.write(`bench: error: ${why}\n${help}`)
  process.exitCode = 2
}
