/** The rows of the security page that Holdfast was asked to make true. The letter names the chapter. */
export const promiseIds = [
  'T1', 'T2', 'T3', 'E1', 'E2', 'E3', 'E4', 'E5', 'I1', 'I2', 'I3', 'I4', 'A1', 'A2', 'A3', 'A4', 'A5', 'A6', 'A7', 'A8',
  'P1', 'P2', 'P3', 'V1', 'V2', 'V3', 'M1', 'M2', 'M3', 'D1', 'D2', 'D3', 'D4', 'D5', 'B1', 'B2', 'B3', 'B4', 'B5', 'R1',
  'S1', 'S2', 'N1', 'N2', 'N3', 'N4', 'W1', 'U1', 'X1', 'X2',
] as const

export type PromiseId = (typeof promiseIds)[number]
