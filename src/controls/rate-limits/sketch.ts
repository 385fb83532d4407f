import { randomFillSync } from 'node:crypto'

/*
 * A count-min sketch with conservative update (Cormode and Muthukrishnan 2005; Estan and Varghese 2002) whose cells hold
 * times instead of counts. A key owns one cell in each of four rows; its value is the smallest of the four. Keys may
 * share cells, so a value can read later than it is, never earlier: where it is full, the limiter is stricter, not laxer.
 * The memory is fixed, whatever number of addresses turns up.
 */

export const rows = 4

/** Cells for one policy: `rows * columns` times in milliseconds. Pages of it that were never written take no memory. */
export type Sketch = Float64Array

/** Where a key's cells are: one column for each row. The same for all sketches of one width. */
export type Columns = Uint32Array

export function newSketch(columns: number): Sketch {
  return new Float64Array(rows * columns)
}

export function readSketch(sketch: Sketch, columns: Columns): number {
  const width = sketch.length / rows
  return Math.min(
    sketch[columns[0]!]!,
    sketch[width + columns[1]!]!,
    sketch[2 * width + columns[2]!]!,
    sketch[3 * width + columns[3]!]!,
  )
}

/** Lifts every cell of the key to `time`; none is ever lowered. */
export function raiseSketch(sketch: Sketch, columns: Columns, time: number): void {
  const width = sketch.length / rows
  for (let row = 0; row < rows; row++) {
    const cell = row * width + columns[row]!
    if (sketch[cell]! < time) sketch[cell] = time
  }
}

/**
 * Names the columns of a key, by tabulation hashing (Zobrist 1970; Pătrașcu and Thorup 2012) over tables of secret random
 * words, new in every process: nobody outside can pick a key that shares its cells with another's.
 */
export type Locator = (key: Uint8Array, length: number, into: Columns) => void

/** Bytes: the network of an address. */
const longestKey = 8

/** `columns` is a power of two. */
export function createLocator(columns: number): Locator {
  if (columns < 2 || (columns & (columns - 1)) !== 0) throw new Error('the number of columns is a power of two')
  const words = randomFillSync(new Uint32Array(longestKey * 256 * rows))
  const mask = columns - 1
  return (key, length, into) => {
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    for (let index = 0; index < length; index++) {
      const word = (index * 256 + key[index]!) * rows
      a ^= words[word]!
      b ^= words[word + 1]!
      c ^= words[word + 2]!
      d ^= words[word + 3]!
    }
    into[0] = a & mask
    into[1] = b & mask
    into[2] = c & mask
    into[3] = d & mask
  }
}
