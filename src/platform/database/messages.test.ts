import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { parse as parseMessages } from 'pg-protocol'
import { expect, test } from 'vitest'
import { readMessages } from './messages.ts'

const message = (code: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(5)
  head.write(code, 'latin1')
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
const int16 = (value: number) => Buffer.from([value >> 8, value & 255])
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const row = (values: readonly (string | null)[]) =>
  message(
    'D',
    int16(values.length),
    ...values.flatMap((value) =>
      value === null ? [int32(-1)] : [int32(Buffer.byteLength(value)), Buffer.from(value)],
    ),
  )

/** What we hear, in the words of `pg-protocol`. */
function hear(pieces: readonly Buffer[], most = 1_000_000): unknown[] {
  const heard: unknown[] = []
  const read = readMessages(
    {
      row: (values, length) => heard.push({ name: 'dataRow', fields: values, length }),
      complete: (text, length) => heard.push({ name: 'commandComplete', text, length }),
      ready: (status, length) => heard.push({ name: 'readyForQuery', status, length }),
      done: (length) => heard.push({ name: 'done', length }),
      other: (other) => heard.push(other),
    },
    most,
  )
  for (const piece of pieces) read(piece)
  return heard
}

/** What `pg-protocol` hears in the same bytes. */
function hearAsPg(bytes: Buffer): unknown[] {
  const heard: unknown[] = []
  const stream = new EventEmitter()
  parseMessages(stream as unknown as NodeJS.ReadableStream, (one) => {
    const { name, length, ...rest } = one as unknown as Record<string, unknown>
    if (name === 'dataRow') heard.push({ name, fields: rest.fields, length })
    else if (name === 'commandComplete') heard.push({ name, text: rest.text, length })
    else if (name === 'readyForQuery') heard.push({ name, status: rest.status, length })
    else if (/^(bind|parse|close)Complete$/.test(String(name))) heard.push({ name: 'done', length })
    else heard.push(one)
  })
  stream.emit('data', bytes)
  return heard
}

const messages = fc.array(
  fc.oneof(
    fc.array(fc.option(fc.string({ unit: 'grapheme' })), { maxLength: 6 }).map(row),
    fc.constantFrom('SELECT 1', 'RESET', 'INSERT 0 3').map((text) => message('C', Buffer.from(`${text}\0`))),
    fc.constantFrom('I', 'T', 'E').map((status) => message('Z', Buffer.from(status))),
    fc.constantFrom('1', '2', '3', 'n', 'I', 's').map((code) => message(code)),
    fc.string().map((text) => message('E', Buffer.from(`SERROR\0C22P02\0M${text.replaceAll('\0', '')}\0\0`))),
    fc.string().map((text) => message('N', Buffer.from(`SNOTICE\0M${text.replaceAll('\0', '')}\0\0`))),
  ),
  { maxLength: 12 },
)

test('hears what pg-protocol hears, in whatever pieces the bytes come', () => {
  fc.assert(
    fc.property(messages, fc.array(fc.nat(400), { maxLength: 20 }), (all, cuts) => {
      const bytes = Buffer.concat(all)
      const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]
      const pieces = places.slice(1).map((to, index) => bytes.subarray(places[index], to))
      expect(hear(pieces)).toEqual(hearAsPg(bytes))
    }),
  )
})

test('one byte at a time, and a value of many pieces', () => {
  const long = 'ü'.repeat(5_000)
  const bytes = Buffer.concat([row(['plain', null, '']), row([long]), message('Z', Buffer.from('I'))])
  expect(hear([...bytes].map((byte) => Buffer.from([byte])))).toEqual(hearAsPg(bytes))
})

test('what is longer than allowed is refused before it has come', () => {
  const announced = Buffer.concat([Buffer.from('D'), int32(900_000_000)])
  expect(() => hear([announced], 1_000)).toThrow('larger than 1000 bytes')
})

test.each([
  ['a message shorter than its length', Buffer.concat([Buffer.from('Z'), int32(3), Buffer.from('I')])],
  ['a value longer than its message', message('D', int16(1), int32(400), Buffer.from('x'))],
  ['fewer values than announced', message('D', int16(3), int32(1), Buffer.from('x'))],
])('%s is refused', (_, bytes) => {
  expect(() => hear([bytes])).toThrow()
})

test('a value of one row never holds bytes of the next message', () => {
  const bytes = Buffer.concat([message('D', int16(1), int32(3), Buffer.from('x')), row(['secret of the next'])])
  expect(() => hear([bytes])).toThrow('longer than its message')
})
