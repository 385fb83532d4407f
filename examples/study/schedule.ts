/** How well a card was remembered, in the four steps that a person can tell apart. */
export const grades = ['again', 'hard', 'good', 'easy'] as const
export type Grade = (typeof grades)[number]

/** What is known of one person's memory of one card. */
export interface Memory {
  /** Successful reviews in a row. 0 for a new card, and again after a lapse. */
  readonly repetitions: number
  /** SM-2's E-factor in hundredths: never below 130; 250 for a new card. */
  readonly easePercent: number
  /** Days until the card comes back. 0: today. */
  readonly intervalDays: number
}

export const unseen: Memory = { repetitions: 0, easePercent: 250, intervalDays: 0 }

/** Ten years. SM-2 has no end; a card that comes back after this is as good as kept. */
export const longestIntervalDays = 3650

/** SM-2's response qualities (0 to 5) for our four steps: below 3 is a lapse. */
const quality: Readonly<Record<Grade, number>> = { again: 1, hard: 3, good: 4, easy: 5 }

/**
 * SM-2, as P. A. Woźniak published it (1990, https://super-memory.com/english/ol/sm2.htm): 1 day, then 6, then each
 * interval is the last one times the E-factor, rounded up. A lapse begins again with the E-factor unchanged and stays
 * due today, which is SM-2's rule that a session goes on until every card has been remembered.
 */
export function schedule(memory: Memory, grade: Grade): Memory {
  const q = quality[grade]
  if (q < 3) return { repetitions: 0, easePercent: memory.easePercent, intervalDays: 0 }
  const easePercent = Math.max(130, memory.easePercent + 10 - (5 - q) * (8 + (5 - q) * 2))
  const repetitions = memory.repetitions + 1
  return { repetitions, easePercent, intervalDays: interval(repetitions, memory.intervalDays, easePercent) }
}

function interval(repetitions: number, lastDays: number, easePercent: number): number {
  if (repetitions === 1) return 1
  if (repetitions === 2) return 6
  return Math.min(longestIntervalDays, Math.ceil((lastDays * easePercent) / 100))
}
