import { parse as parseByPeer } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvLimits, defuse, openCsv, revive, UnreadableCsv, writeCsv } from './csv.ts'

const bytes = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding)
const rowsOf = (file: Uint8Array) => [...openCsv(file).batches].flat()
const cellsOf = (text: string) => rowsOf(bytes(text)).map((row) => row.cells)

describe('what is read', () => {
  test('quotes, doubled quotes, delimiters and line ends inside quotes', () => {
    expect(cellsOf('a,b\n"1,""2""","x\r\ny"\n')).toEqual([['1,"2"', 'x\r\ny']])
  })

  test('the line on which each row begins, whatever ends the lines', () => {
    const file = bytes('a,b\r\n1,2\r\n\r\n3,"x\r\ny\nz"\r5,6\n7,8')
    expect(rowsOf(file).map((row) => row.line)).toEqual([2, 4, 7, 8])
  })

  test.each([
    ['UTF-8', bytes('name\nJürgen'), 'utf-8'],
    ['UTF-8 with a byte order mark', bytes('\ufeffname\nJürgen'), 'utf-8'],
    ['UTF-16 as Excel writes it', bytes('\ufeffname\nJürgen', 'utf16le'), 'utf-16le'],
    ['UTF-16, most significant byte first', bytes('\ufeffname\nJürgen', 'utf16le').swap16(), 'utf-16be'],
    ['Latin-1', bytes('name\nJürgen', 'latin1'), 'windows-1252'],
  ])('%s', (_, file, encoding) => {
    const csv = openCsv(file)
    expect(csv.encoding).toBe(encoding)
    expect(csv.columns).toEqual(['name'])
    expect([...csv.batches].flat().map((row) => row.cells)).toEqual([['Jürgen']])
  })

  test('the euro sign of Windows-1252', () => {
    expect(rowsOf(Buffer.from([0x61, 0x0a, 0x80, 0xe9]))[0]!.cells).toEqual(['€é'])
  })

  test.each([',', ';', '\t'])('%j as the delimiter', (delimiter) => {
    const file = ['name', 'amount', 'city']
      .join(delimiter)
      .concat('\n', ['"Ada; L, Lovelace"', '1.5', 'London'].join(delimiter))
    expect(openCsv(bytes(file)).delimiter).toBe(delimiter)
  })

  test('semicolons although every row holds decimal commas', () => {
    expect(cellsOf('name;amount;rate\nA;1,5;2,5\nB;3,5;4,5')[1]).toEqual(['B', '3,5', '4,5'])
  })

  test('a header alone has no rows; its empty names are numbered', () => {
    const csv = openCsv(bytes('name,,  \n'))
    expect(csv.columns).toEqual(['name', 'Column 2', 'Column 3'])
    expect([...csv.batches]).toEqual([])
  })

  test('rows in which every cell is blank are left out', () => {
    expect(cellsOf('a,b\n,\n  , \n1,2\n\n\n')).toEqual([['1', '2']])
  })

  test('batches of 1,000', () => {
    const csv = openCsv(bytes(`a\n${'x\n'.repeat(2500)}`))
    expect([...csv.batches].map((batch) => batch.length)).toEqual([1000, 1000, 500])
  })
})

describe('rows at fault', () => {
  test('ragged rows carry their line and are as wide as the header', () => {
    expect(rowsOf(bytes('a,b\n1\n1,2\n1,2,3\n'))).toEqual([
      { line: 2, cells: ['1', ''], fault: 'The row has 1 cells where the header has 2.' },
      { line: 3, cells: ['1', '2'] },
      { line: 4, cells: ['1', '2'], fault: 'The row has 3 cells where the header has 2.' },
    ])
  })

  test('NUL characters never come out', () => {
    const [row] = rowsOf(bytes('a,b\n1,x\0y\n'))
    expect(row).toEqual({ line: 2, cells: ['1', 'x\ufffdy'], fault: 'A cell holds a NUL character.' })
  })

  test('a quote inside a bare cell is an ordinary character', () => {
    expect(cellsOf('a,b\nthe "Duke",6" pipe\n')).toEqual([['the "Duke"', '6" pipe']])
  })

  test('what follows a closing quote belongs to its cell', () => {
    expect(cellsOf('a,b\n"Bob" Smith,x\n')).toEqual([['Bob Smith', 'x']])
  })
})

describe('files that are refused whole', () => {
  const refusal = (file: Uint8Array): string => {
    try {
      rowsOf(file)
    } catch (error) {
      if (error instanceof UnreadableCsv) return error.message
      throw error
    }
    return 'not refused'
  }

  test.each([
    ['nothing', bytes('')],
    ['a byte order mark', bytes('\ufeff')],
    ['blanks', bytes('\n\n  \n,,,\n')],
  ])('%s', (_, file) => {
    expect(refusal(file)).toBe('The file is empty.')
  })

  test('a workbook', () => {
    expect(refusal(Buffer.from('504b030414000600', 'hex'))).toMatch(/Save it as CSV/)
    expect(refusal(Buffer.from('d0cf11e0a1b11ae1', 'hex'))).toMatch(/Save it as CSV/)
  })

  test('a quote that never closes', () => {
    expect(refusal(bytes('a,b\n1,2\n3,"x\ny\n'))).toBe('A quote that opens in the row on line 3 never closes.')
  })

  test('a cell of a million characters', () => {
    expect(refusal(bytes(`a,b\n1,${'x'.repeat(1_000_000)}`))).toMatch(/line 2, column 2, is longer than 10,000/)
    expect(refusal(bytes(`a,b\n1,"${'x'.repeat(1_000_000)}"`))).toMatch(/line 2, column 2, is longer than 10,000/)
  })

  test('one column, row or byte too many; at the limit all is well', () => {
    const wide = (columns: number) => bytes(`${'a,'.repeat(columns - 1)}a\n`)
    expect(refusal(wide(101))).toBe('The file has 101 columns; the most is 100.')
    expect(refusal(wide(100))).toBe('not refused')
    expect(refusal(bytes(`a\n${'x\n'.repeat(100_001)}`))).toBe('The file has more than 100,000 rows.')
    expect(refusal(bytes(`a\n${'x\n'.repeat(100_000)}`))).toBe('not refused')
    expect(refusal(Buffer.alloc(csvLimits.bytes + 1, 'a,b\n'))).toBe('The file is larger than 20 MB.')
  })
})

describe('properties', () => {
  const cell = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('"', ',', ';', '\t', '\n', '\r', ' ', 'a', '=', "'", '+', '@') }),
  )
  const clean = cell.map((text) => text.toWellFormed().replaceAll('\0', ''))
  const table = fc
    .integer({ min: 2, max: 5 })
    .chain((width) => fc.array(fc.array(clean, { minLength: width, maxLength: width }), { maxLength: 8 }))

  test('what is written is read again, and nothing that was written runs', () => {
    fc.assert(
      fc.property(table, (rows) => {
        const header = rows[0]?.map((_, index) => `column${index}`) ?? ['only']
        const read = rowsOf(bytes(writeCsv([header, ...rows])))
        for (const { cells } of read) for (const written of cells) expect(written).not.toMatch(/^\s*[=+\-@]/)
        expect(read.map(({ cells }) => cells.map(revive))).toEqual(
          rows.filter((row) => row.some((text) => defuse(text).trim() !== '')),
        )
      }),
    )
  })

  test('defusing is undone exactly, for every cell', () => {
    fc.assert(fc.property(cell, (text) => revive(defuse(text)) === text))
  })

  test('reads what another parser reads, wherever that one is strict', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'é', ' ', ',', '"', '\n', '\r\n', ';') })
    const quoted = word.map((text) => `"${text.replaceAll('"', '""')}"`)
    const bare = fc.string({ unit: fc.constantFrom('a', 'é', ' ', ';') })
    const row = fc.array(fc.oneof(quoted, bare), { minLength: 3, maxLength: 3 }).map((cells) => cells.join(','))
    fc.assert(
      fc.property(fc.array(row), fc.constantFrom('\n', '\r\n', '\r'), (rows, end) => {
        const text = ['h,h,h', ...rows].join(end)
        const record_delimiter = ['\r\n', '\n', '\r']
        const [, ...theirs] = parseByPeer(text, { record_delimiter, skip_empty_lines: true }) as string[][]
        expect(cellsOf(text)).toEqual(theirs.filter((cells) => cells.some((found) => found.trim() !== '')))
      }),
    )
  })

  test('no bytes make it throw anything but a refusal, or lose the width', () => {
    const bits = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', '\0', ';'), maxLength: 200 })
        .map((text) => bytes(text)),
    )
    fc.assert(
      fc.property(bits, (file) => {
        try {
          const csv = openCsv(file)
          for (const { cells } of [...csv.batches].flat()) {
            expect(cells.length).toBe(csv.columns.length)
            expect(cells.join('')).not.toContain('\0')
          }
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableCsv)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('20 MB of anything within two seconds', () => {
  const full = csvLimits.bytes
  const contact = `Jane,Doe,"Doe, Ltd",jane@example.org,"${'a note of two lines\n'.repeat(2)}${'x'.repeat(120)}"\n`
  test.each([
    ['contacts', Buffer.alloc(99_000 * contact.length, contact)],
    ['a hundred columns', Buffer.alloc(full, bytes(`${'1,'.repeat(99)}1\n`))],
    ['delimiters', Buffer.alloc(full, ',')],
    ['line ends', Buffer.concat([bytes('a,b\n'), Buffer.alloc(full - 4, '\n')])],
    ['quotes', Buffer.alloc(full, '"')],
    ['a quote before everything', Buffer.concat([bytes('"'), Buffer.alloc(full - 1, 'a,b\n')])],
    ['quotes and delimiters', Buffer.alloc(full, '"a,')],
    ['NUL', Buffer.alloc(full, 0)],
    ['ragged rows', Buffer.concat([bytes('a,b\n'), Buffer.alloc(full - 4, `${'x'.repeat(300)}\n`)])],
    ['Latin-1', Buffer.alloc(full, bytes(`${'ü'.repeat(150)},${'ü'.repeat(150)}\n`, 'latin1'))],
  ])('%s', (_, file) => {
    // Of this thread: a busy machine must not fail it.
    const started = process.threadCpuUsage()
    try {
      for (const batch of openCsv(file).batches) expect(batch.length).toBeLessThanOrEqual(1000)
    } catch (error) {
      expect(error).toBeInstanceOf(UnreadableCsv)
    }
    const { user, system } = process.threadCpuUsage(started)
    expect((user + system) / 1000).toBeLessThan(2000)
  })
})

describe('a file that was made to be slow is given up early, since nobody is answered meanwhile', () => {
  const full = csvLimits.bytes
  test.each([
    ['a header of commas', Buffer.alloc(full, ',')],
    ['a row of quoted nothings', Buffer.concat([bytes('a,b\n'), Buffer.alloc(full - 4, '"",')])],
    ['one cell of quotes', Buffer.concat([bytes('a,b\n'), Buffer.alloc(full - 4, '"')])],
    ['line ends', Buffer.concat([bytes('a,b\n'), Buffer.alloc(full - 4, '\n')])],
  ])('%s', (_, file) => {
    const started = process.threadCpuUsage()
    expect(() => [...openCsv(file).batches]).toThrow(UnreadableCsv)
    const { user, system } = process.threadCpuUsage(started)
    expect((user + system) / 1000).toBeLessThan(500)
  })

  test('a cell of ten thousand quotes is none of them', () => {
    expect(cellsOf(`a,b\n"${'""'.repeat(10_000)}",x\n`)).toEqual([['"'.repeat(10_000), 'x']])
  })
})
