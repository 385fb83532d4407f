import { isUtf8 } from 'node:buffer'

/** What a file may hold at most. Above it the file is refused, whole. */
export const csvLimits = { bytes: 20 * 1024 * 1024, rows: 100_000, columns: 100, cellCharacters: 10_000 } as const

const batchRows = 1_000
/** No file of people comes near these; without them one of 20 MB of commas or line ends would be read for seconds on end. */
const mostRecords = 1_000_000
const mostCells = 10_000

/** The file as a whole cannot be read. The message is for whoever sent it, and names the line where there is one. */
export class UnreadableCsv extends Error {
  override readonly name = 'UnreadableCsv'
}

/** One row below the header. */
export interface CsvRow {
  /** The line of the file on which the row begins, from 1: what an editor shows. */
  readonly line: number
  /** As many cells as there are columns, free of NUL characters. */
  readonly cells: readonly string[]
  /** Why this row cannot be used, where it cannot. */
  readonly fault?: string
}

export interface CsvFile {
  readonly encoding: 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252'
  readonly delimiter: Delimiter
  /** The header's names. An empty name becomes `Column 3`. */
  readonly columns: readonly string[]
  /** Batches of at most 1,000 rows, to be read once; blank rows are left out. Throws {@link UnreadableCsv}. */
  readonly batches: Generator<readonly CsvRow[], void>
}

type Delimiter = ',' | ';' | '\t'

/**
 * Opens a CSV file: UTF-8, UTF-16 with a byte order mark, anything else as Windows-1252; commas, semicolons or tabs,
 * whichever fits best. Quotes as RFC 4180 has them; a quote inside a bare cell is an ordinary character. Ragged rows and
 * NUL characters are faults of their rows. Throws {@link UnreadableCsv} where the file as a whole is refused.
 */
export function openCsv(file: Uint8Array): CsvFile {
  if (file.length > csvLimits.bytes) throw new UnreadableCsv('The file is larger than 20 MB.')
  if (isWorkbook(file)) throw new UnreadableCsv('This is a spreadsheet workbook. Save it as CSV and try again.')
  const { encoding, text } = decode(file)
  const delimiter = guessDelimiter(text)
  const records = readRecords(text, delimiter)
  const header = records.next()
  if (header.done) throw new UnreadableCsv('The file is empty.')
  if (header.value.width > csvLimits.columns)
    throw new UnreadableCsv(`The file has ${header.value.width} columns; the most is ${csvLimits.columns}.`)
  const columns = header.value.cells.map((name, index) => clean(name).trim() || `Column ${index + 1}`)
  return { encoding, delimiter, columns, batches: readBatches(records, columns.length) }
}

function* readBatches(records: Iterable<Raw>, columns: number): CsvFile['batches'] {
  let batch: CsvRow[] = []
  let rows = 0
  for (const record of records) {
    if (++rows > csvLimits.rows)
      throw new UnreadableCsv(`The file has more than ${csvLimits.rows.toLocaleString('en')} rows.`)
    batch.push(toRow(record, columns))
    if (batch.length < batchRows) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

function toRow({ line, cells, width }: Raw, columns: number): CsvRow {
  const row = { line, cells: Array.from({ length: columns }, (_, index) => clean(cells[index] ?? '')) }
  if (width !== columns) return { ...row, fault: `The row has ${width} cells where the header has ${columns}.` }
  if (cells.some((cell) => cell.includes('\0'))) return { ...row, fault: 'A cell holds a NUL character.' }
  return row
}

/** PostgreSQL stores no NUL in a text. */
function clean(cell: string): string {
  return cell.includes('\0') ? cell.replaceAll('\0', '\ufffd') : cell
}

/** A record as it stands in the file. */
interface Raw {
  readonly line: number
  /** No more than the limit of columns, however wide the record is. */
  readonly cells: readonly string[]
  readonly width: number
}

/** The records of the file, header included; those in which every cell is blank are left out. */
function* readRecords(text: string, delimiter: Delimiter): Generator<Raw, void> {
  const stop = delimiter.charCodeAt(0)
  let line = 1
  let at = 0
  let records = 0
  while (at < text.length) {
    if (++records > mostRecords) throw new UnreadableCsv('The file has more than a million rows, blank ones included.')
    const cells: string[] = []
    let width = 0
    let lines = 1
    let blank = true
    do {
      const quoted = text[at] === '"'
      const { cell, end } = quoted ? readQuoted(text, at, stop, line) : readBare(text, at, stop)
      if (cell.length > csvLimits.cellCharacters) throw tooLong(line, width + 1)
      if (quoted) lines += countLines(cell)
      if (++width > mostCells) throw new UnreadableCsv(`The row on line ${line} has more than 10,000 cells.`)
      if (width <= csvLimits.columns) cells.push(cell)
      blank &&= cell === '' || cell.trim() === ''
      at = end + 1
    } while (text.charCodeAt(at - 1) === stop)
    if (text[at - 1] === '\r' && text[at] === '\n') at++
    if (!blank) yield { line, cells, width }
    line += lines
  }
}

/** A cell, and the index of the delimiter or line end that ends it, or of the end of the text. */
interface Cell {
  readonly cell: string
  readonly end: number
}

function readBare(text: string, from: number, stop: number): Cell {
  let end = from
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end)
    if (code === stop || code === 10 || code === 13) break
  }
  return { cell: text.slice(from, end), end }
}

/** What stands between the closing quote and the delimiter, where there should be nothing, belongs to the cell. */
function readQuoted(text: string, from: number, stop: number, line: number): Cell {
  let close = text.indexOf('"', from + 1)
  // Behind twice the longest cell the end does not matter: it is too long, whatever follows.
  const far = from + 2 * csvLimits.cellCharacters + 2
  while (close >= 0 && close < far && text[close + 1] === '"') close = text.indexOf('"', close + 2)
  if (close < 0) throw new UnreadableCsv(`A quote that opens in the row on line ${line} never closes.`)
  const rest = readBare(text, close + 1, stop)
  return { cell: text.slice(from + 1, close).replaceAll('""', '"') + rest.cell, end: rest.end }
}

function tooLong(line: number, column: number): UnreadableCsv {
  const most = csvLimits.cellCharacters.toLocaleString('en')
  return new UnreadableCsv(
    `The cell in the row on line ${line}, column ${column}, is longer than ${most} characters. ` +
      'Is there a quote that never closes?',
  )
}

function countLines(cell: string): number {
  return cell.match(/\r\n|\n|\r/g)?.length ?? 0
}

/** The delimiter that gives the header the most columns, and the first rows as many as the header. */
function guessDelimiter(text: string): Delimiter {
  const start = text.slice(0, 65_536)
  const [best] = ([',', ';', '\t'] as const)
    .map((delimiter) => ({ delimiter, score: scoreDelimiter(start, delimiter) }))
    .sort((one, other) => other.score - one.score)
  return best!.delimiter
}

function scoreDelimiter(start: string, delimiter: Delimiter): number {
  const [header, ...rows] = firstRecords(start, delimiter)
  if (header === undefined || header.width < 2) return 0
  const fitting = rows.filter((row) => row.width === header.width).length
  return header.width * ((1 + fitting) / (1 + rows.length))
}

function firstRecords(start: string, delimiter: Delimiter): Raw[] {
  const records: Raw[] = []
  try {
    for (const record of readRecords(start, delimiter)) if (records.push(record) === 20) break
  } catch (error) {
    // A row that cannot be read is reported by the reading proper; here the rows before it are enough.
    if (!(error instanceof UnreadableCsv)) throw error
  }
  return records
}

/** The decoder takes a byte order mark away. */
function decode(file: Uint8Array): { encoding: CsvFile['encoding']; text: string } {
  const encoding = encodingOf(file)
  return { encoding, text: new TextDecoder(encoding).decode(file) }
}

function encodingOf(file: Uint8Array): CsvFile['encoding'] {
  if (file[0] === 0xff && file[1] === 0xfe) return 'utf-16le'
  if (file[0] === 0xfe && file[1] === 0xff) return 'utf-16be'
  return isUtf8(file) ? 'utf-8' : 'windows-1252'
}

/** Excel and OpenDocument files are ZIP archives; older Excel files are OLE containers. */
function isWorkbook(file: Uint8Array): boolean {
  const mark = new DataView(file.buffer, file.byteOffset, file.byteLength)
  return file.length >= 4 && (mark.getUint32(0) === 0x504b0304 || mark.getUint32(0) === 0xd0cf11e0)
}

/**
 * Writes rows as CSV that spreadsheets open as text: UTF-8 with a byte order mark, CR LF, and no cell that a
 * spreadsheet would take for a formula.
 */
export function writeCsv(rows: readonly (readonly string[])[]): string {
  return `\ufeff${rows.map((row) => `${row.map((cell) => quote(defuse(cell))).join(',')}\r\n`).join('')}`
}

function quote(cell: string): string {
  return /[",\r\n;\t]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

/** What a spreadsheet may run: OWASP's list, full-width forms included, also behind blanks or our own apostrophe. */
const formula = /^'*(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/

/** Puts an apostrophe before a cell that a spreadsheet would run; it shows the rest as text. */
export function defuse(cell: string): string {
  return formula.test(cell) ? `'${cell}` : cell
}

/** Takes back what {@link defuse} added, so that an exported file can be imported again. */
export function revive(cell: string): string {
  return cell.startsWith("'") && formula.test(cell.slice(1)) ? cell.slice(1) : cell
}
