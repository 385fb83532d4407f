import { describe, expect, test } from 'vitest'
import { promiseIds } from '../kernel/promises.ts'
import { askedOn, promises } from './promises.ts'

describe('the registry of promises', () => {
  test('has every row once, in the order of the kernel', () => {
    expect(Object.keys(promises)).toEqual([...promiseIds])
  })

  test('says that only the rows of this version are whole', () => {
    expect(promiseIds.filter((id) => promises[id].missing === undefined)).toEqual([
      'I1',
      'I2',
      'I3',
      'I4',
      'A1',
      'A2',
      'A3',
      'A4',
      'A5',
      'A6',
    ])
  })

  test('names sections that the two pages have', () => {
    for (const id of promiseIds)
      for (const place of promises[id].asked) expect(place).toMatch(/^(C[1-9]?|G([1-9]|10|11)?)$/)
  })

  test('gives each page its rows in the order of its sections', () => {
    expect(askedOn('G')).toEqual(
      'T1 T2 E1 E2 E3 E5 I1 A1 A3 A4 A5 A6 A7 D1 D4 R1 X2 M1 M2 M3 D2 D3 D5 B1 B2 B3 P1 P2 X1 S1 N3 N4 W1'.split(' '),
    )
    expect(askedOn('C')).toEqual(
      'T1 T3 B1 B3 B4 B5 X1 X2 T2 E1 E2 E3 E5 A1 A2 A3 P1 P2 P3 I1 I3 A8 A6 V1 V2 V3 D2 N3 N1 N2 N4 W1'.split(' '),
    )
  })

  test('is written for people: one sentence each, and a note that ends like one', () => {
    for (const id of promiseIds) {
      expect(promises[id].sentence).toMatch(/^[A-Z].*\.$/)
      if (promises[id].missing !== undefined) expect(promises[id].missing).toMatch(/^[A-Z].*\.$/)
    }
  })
})
