// npm run bench -- isolation|identity|organisation [--quick] [--json] [--postgres <folder of its programs>]
import { parseArgs } from 'node:util'
import { type Bar, bar } from '../src/server/terminal.ts'
import { lastBefore, measureIdentity } from './identity/identity.ts'
import * as identityReport from './identity/report.ts'
import { measureIsolation } from './isolation/isolation.ts'
import * as isolationReport from './isolation/report.ts'
import { measureOrganisation } from './organisation/organisation.ts'
import * as organisationReport from './organisation/report.ts'
import { rounded } from './provenance.ts'

const help = `Usage:
  npm run bench -- isolation [--quick] [--json] [--keep] [--postgres <folder>]
  npm run bench -- identity [--quick] [--json] [--keep] [--postgres <folder>] [--before <commit>]
  npm run bench -- organisation [--quick] [--json] [--keep] [--postgres <folder>]

  --quick      shorter rounds on smaller tables: for guidance, not for quoting
  --json       the summary as JSON on the last line of stdout
  --keep       write the results into bench/results; without --quick that is so anyway
  --postgres   the folder of another PostgreSQL's programs, such as /usr/lib/postgresql/15/bin
  --before     the commit that identity is compared with; left out: the last one before it

Exit status: 0 measured (whatever the numbers are) · 1 failed · 2 the call was not understood
`

interface Asked {
  readonly quick: boolean
  readonly binFolder?: string
  readonly before: string
  readonly bar: Bar
}

/** What has been measured, in the forms in which it is handed on. */
interface Reported {
  readonly table: string
  readonly summary: unknown
  /** Writes bench/results; returns the names of the files. */
  keep(command: string): Promise<string>
}

const benchmarks: Readonly<Record<string, (asked: Asked) => Promise<Reported>>> = {
  async isolation(asked) {
    const results = await measureIsolation(asked)
    const { tableOf, summaryOf, keepResults } = isolationReport
    return {
      table: tableOf(results),
      summary: summaryOf(results),
      keep: async (command) => {
        await keepResults(results, command)
        return 'isolation.json and isolation.svg'
      },
    }
  },
  async identity(asked) {
    const results = await measureIdentity(asked)
    const { tableOf, summaryOf, keepResults } = identityReport
    return {
      table: tableOf(results),
      summary: summaryOf(results),
      keep: async (command) => {
        await keepResults(results, command)
        return 'identity.json, identity.svg, and identity.md for docs/benchmarks.md'
      },
    }
  },
  async organisation(asked) {
    const results = await measureOrganisation(asked)
    const { tableOf, summaryOf, keepResults } = organisationReport
    return {
      table: tableOf(results),
      summary: summaryOf(results),
      keep: async (command) => {
        await keepResults(results, command)
        return 'organisation.json'
      },
    }
  },
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      postgres: { type: 'string' },
      before: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [name = ''] = positionals
  if (values.help === true) process.stdout.write(help)
  else if (positionals.length !== 1 || !Object.hasOwn(benchmarks, name))
    misused(`the benchmarks are: ${Object.keys(benchmarks).join(', ')}`)
  else if (values.before !== undefined && name !== 'identity') misused('only identity is compared with an older commit')
  else await run(name, values)
} catch (error) {
  if ((error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')) misused((error as Error).message)
  else {
    console.error(`bench: error: ${(error as Error).stack}`)
    process.exitCode = 1
  }
}

async function run(
  name: string,
  values: {
    quick: boolean
    json: boolean
    keep: boolean
    postgres?: string | undefined
    before?: string | undefined
  },
): Promise<void> {
  const line = bar(process.stderr)
  const { table, summary, keep } = await benchmarks[name]!({
    quick: values.quick,
    bar: line,
    before: values.before ?? lastBefore,
    ...(values.postgres === undefined ? {} : { binFolder: values.postgres }),
  })
  process.stdout.write(table)
  if (!values.quick || values.keep)
    line.say(`bench/results: ${await keep(`npm run bench -- ${name}${values.quick ? ' --quick' : ''}`)}`)
  if (values.json) process.stdout.write(`${JSON.stringify(summary, rounded)}\n`)
}

function misused(why: string): void {
  process.stderr.write(`bench: error: ${why}\n${help}`)
  process.exitCode = 2
}
