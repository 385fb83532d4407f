import pino from 'pino'
import type { LogLevel } from '../config/config.ts'
import { type BoundedFile, openBoundedFile } from './bounded-file.ts'
import { cleanText, namesSecret } from './redaction.ts'

export type FieldKind = 'text' | 'number' | 'boolean'
export type Fields = Readonly<Record<string, FieldKind>>

/** A kind of event, declared beside the code that logs it. Nothing but declared fields reaches the log. */
export interface LogEvent<Shape extends Fields = Fields> {
  /** `folder/what-happened`. */
  readonly name: `${string}/${string}`
  readonly fields: Shape
}

type ValueOf<Kind> = Kind extends 'text' ? string : Kind extends 'number' ? number : boolean

/** The values of an event; those that are not known may be left out. */
export type ValuesOf<Shape extends Fields> = { readonly [Name in keyof Shape]?: ValueOf<Shape[Name]> | undefined }

/** Declares an event. Throws for a field that would hold a secret, or whose name the log uses itself. */
export function defineEvent<const Shape extends Fields>(name: `${string}/${string}`, fields: Shape): LogEvent<Shape> {
  if (!/^[a-z0-9-]+\/[a-z0-9-]+$/.test(name)) throw new Error(`an event is named folder/what-happened, not ${name}`)
  for (const field of Object.keys(fields)) {
    if (!/^[a-z][A-Za-z0-9]*$/.test(field) || own.has(field)) throw new Error(`${name}: no field can be named ${field}`)
    if (namesSecret(field)) throw new Error(`${name}: a field named ${field} would hold a secret`)
  }
  return { name, fields }
}

const own = new Set(['level', 'time', 'process', 'event', 'error', 'undeclared'])

type Write = <Shape extends Fields>(event: LogEvent<Shape>, values: ValuesOf<Shape>, error?: unknown) => void

/** One line of JSON for each event. Values are cut and cleaned (see `cleanText`); of an error only what is declared. */
export interface Log {
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
  readonly fatal: Write
  /** What still waits is with the operating system when this returns. */
  flush(): void
  close(): void
}

export interface LogOptions {
  readonly level: LogLevel
  /** `stdout`, or the path of a file of bounded size (see `openBoundedFile`). */
  readonly to: 'stdout' | { readonly file: string }
  /** Which of our processes this is, such as `server` or `prover`. */
  readonly process: string
}

/**
 * In a file, lines of level info and debug leave together, a twentieth of a second later at most: what a busy server would
 * spend on a call of the operating system for each is more than the line costs. A warning, and what is worse, is with the
 * operating system when the call returns, and all lines before it too. Killed by force, a process loses what still waited.
 */
export function openLog({ level, to, process: name }: LogOptions): Log {
  const file = to === 'stdout' ? undefined : gatherLines(openBoundedFile(to.file))
  const logger = pino(
    {
      level,
      base: { process: name },
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    file ?? pino.destination({ fd: 1, sync: true }),
  )
  const writeAt =
    (at: 'debug' | 'info' | 'warn' | 'error' | 'fatal'): Write =>
    (event, values, error) => {
      if (logger.isLevelEnabled(at)) logger[at](record(event, values, error))
      if (at !== 'debug' && at !== 'info') file?.flush()
    }
  return {
    debug: writeAt('debug'),
    info: writeAt('info'),
    warn: writeAt('warn'),
    error: writeAt('error'),
    fatal: writeAt('fatal'),
    flush: () => file?.flush(),
    close: () => file?.close(),
  }
}

const gatheredMillis = 50
const gatheredBytes = 65_536

/** In one buffer that stays: joined strings would wait for the garbage collector with all that they hold. */
function gatherLines(file: BoundedFile) {
  const gathered = Buffer.allocUnsafe(gatheredBytes)
  let used = 0
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    const bytes = used
    used = 0
    if (bytes > 0) file.write(gathered.subarray(0, bytes))
  }
  process.on('exit', flush)
  return {
    write(line: string) {
      // A UTF-16 unit is three bytes of UTF-8 at most.
      if (line.length * 3 > gatheredBytes - used) flush()
      if (line.length * 3 > gatheredBytes) return file.write(line)
      used += gathered.write(line, used)
      timer ??= setTimeout(flush, gatheredMillis).unref()
    },
    flush,
    close() {
      flush()
      process.off('exit', flush)
      file.close()
    },
  }
}

let lastTime = 0
let lastTimeText = ''

/** Busy processes log many lines in one millisecond, and a date costs more to write than the rest of a line. */
function isoTime(): string {
  const now = Date.now()
  if (now !== lastTime) lastTimeText = `,"time":"${new Date(now).toISOString()}"`
  lastTime = now
  return lastTimeText
}

/** The types keep undeclared fields out of literals only; what comes in a variable is dropped here, and named. */
function record(event: LogEvent, values: ValuesOf<Fields>, error: unknown): Record<string, unknown> {
  const line: Record<string, unknown> = { event: event.name }
  const { fields } = event
  for (const field of Object.keys(fields)) {
    const value: unknown = values[field]
    if (value !== undefined) line[field] = takeOnly(fields[field]!, value)
  }
  let undeclared = ''
  for (const field of Object.keys(values)) if (!Object.hasOwn(fields, field)) undeclared += ` ${field}`
  if (undeclared !== '') line.undeclared = cleanText(undeclared.slice(1))
  if (error !== undefined) line.error = describeError(error)
  return line
}

function takeOnly(kind: FieldKind, value: unknown): string | number | boolean {
  if (kind === 'text' && typeof value === 'string') return cleanText(value)
  if (kind === 'number' && typeof value === 'number' && Number.isFinite(value)) return value
  if (kind === 'boolean' && typeof value === 'boolean') return value
  return `[not a ${kind}]`
}

interface DescribedError {
  readonly name: string
  readonly message: string
  readonly code?: string
  /** The innermost functions, without the message that `stack` repeats. */
  readonly at?: string
  readonly cause?: DescribedError
}

/** Nothing but these members: an error of a library carries requests, rows and connection strings in others. */
function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { name: 'not an Error', message: typeof error }
  const { code } = error as { code?: unknown }
  const at = error.stack?.split('\n').filter((line) => /^ {4}at /.test(line)) ?? []
  return {
    name: cleanText(error.name),
    message: cleanText(withoutInput(error)),
    ...(typeof code === 'string' && { code: cleanText(code) }),
    ...(at.length > 0 && {
      at: cleanText(
        at
          .slice(0, 8)
          .map((line) => line.trim().slice(3))
          .join(' < '),
      ),
    }),
    ...(error.cause !== undefined && depth < 3 && { cause: describeError(error.cause, depth + 1) }),
  }
}

/** Errors about input quote it: those of JSON, and PostgreSQL's of class 22, such as `invalid input syntax`. */
function withoutInput(error: Error): string {
  if (error instanceof SyntaxError && error.message.includes('JSON')) return 'not valid JSON'
  const isDataException = /^22/.test(String((error as { code?: unknown }).code))
  return isDataException ? error.message.replace(/".*"/s, '"…"') : error.message
}
