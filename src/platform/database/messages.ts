import { isAscii } from 'node:buffer'
import { EventEmitter } from 'node:events'
import { parse as parseMessages } from 'pg-protocol'

/** What the server sends in answer to nearly every request; whatever else comes goes to `other`, as `pg-protocol` reads it. */
export interface Listener {
  /** A row's values as text, in the order of the columns; null for NULL. */
  row(values: (string | null)[], bytes: number): void
  /** `SELECT 1`, `RESET`. */
  complete(command: string, bytes: number): void
  /** `I` idle, `T` a transaction is open, `E` a failed transaction is open. */
  ready(status: string, bytes: number): void
  /** A statement was parsed, bound or closed: nothing to read. */
  done(bytes: number): void
  other(message: { readonly name: string; readonly length: number }): void
}

const headerLength = 5

/**
 * Returns what takes the bytes of the server, in whatever pieces they come. Throws for a message that says that it is longer
 * than `mostBytes`, before it has come; for one that contradicts its own length; and lets the listener's errors through. It is
 * not to be used again then, and neither is the connection.
 */
export function readMessages(listener: Listener, mostBytes: number): (chunk: Buffer) => void {
  const rare = new EventEmitter()
  parseMessages(rare as unknown as NodeJS.ReadableStream, (message) => listener.other(message))
  /** Pieces that do not make a message yet, how many bytes they are, and how many it takes to go on. */
  let pieces: Buffer[] = []
  let have = 0
  let need = headerLength

  return (chunk) => {
    pieces.push(chunk)
    have += chunk.length
    if (have < need) return
    const bytes = pieces.length === 1 ? chunk : Buffer.concat(pieces)
    const ascii = isAscii(bytes)
    let at = 0
    need = headerLength
    while (at + headerLength <= bytes.length) {
      const length = bytes.readUInt32BE(at + 1)
      if (length < 4) throw new Error('the server sent a message that is shorter than its length')
      if (length > mostBytes) throw new Error(`the answer is larger than ${mostBytes} bytes`)
      if (at + 1 + length > bytes.length) {
        need = 1 + length
        break
      }
      read(bytes, at, at + 1 + length, length, ascii)
      at += 1 + length
    }
    pieces = at === bytes.length ? [] : [bytes.subarray(at)]
    have = bytes.length - at
  }

  function read(bytes: Buffer, at: number, end: number, length: number, ascii: boolean): void {
    const from = at + headerLength
    switch (bytes[at]) {
      case code.dataRow:
        return listener.row(readRow(bytes, from, end, ascii), length)
      case code.commandComplete:
        return listener.complete(bytes.toString('latin1', from, end - 1), length)
      case code.readyForQuery:
        return listener.ready(String.fromCharCode(bytes[from] ?? 0), length)
      case code.bindComplete:
      case code.parseComplete:
      case code.closeComplete:
        return listener.done(length)
      default:
        rare.emit('data', bytes.subarray(at, end))
    }
  }
}

const code = {
  dataRow: 0x44,
  commandComplete: 0x43,
  readyForQuery: 0x5a,
  bindComplete: 0x32,
  parseComplete: 0x31,
  closeComplete: 0x33,
} as const

/** Of a row in ASCII all values are cut out of one string: to make a string costs more than to read it. */
function readRow(bytes: Buffer, from: number, end: number, ascii: boolean): (string | null)[] {
  const text = ascii ? bytes.toString('latin1', from, end) : undefined
  const count = bytes.readUInt16BE(from)
  const values: (string | null)[] = new Array(count)
  let at = from + 2
  for (let index = 0; index < count; index++) {
    const length = bytes.readInt32BE(at)
    at += 4
    if (length < 0) {
      values[index] = null
      continue
    }
    const next = at + length
    if (next > end) throw new Error('the server sent a value that is longer than its message')
    values[index] = text === undefined ? bytes.toString('utf8', at, next) : text.slice(at - from, next - from)
    at = next
  }
  return values
}
