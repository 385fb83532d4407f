// Nothing but bcrypt: what this machine can do, in a process of its own.
import { hash, verify } from '@node-rs/bcrypt'

export interface BcryptJob {
  readonly cost: number
  /** How many in all, and how many of them at once. */
  readonly count: number
  readonly atOnce: number
}

export interface BcryptResult {
  readonly perSecond: number
}

process.once('disconnect', () => process.exit(0))
process.on('message', (job: BcryptJob) => {
  compareAll(job).then(
    (result) => process.send!(result),
    (error: Error) => process.send!({ error: error.message }),
  )
})

async function compareAll({ cost, count, atOnce }: BcryptJob): Promise<BcryptResult> {
  // As long as what Holdfast hands to bcrypt.
  const typed = 'a'.repeat(64)
  const hashed = await hash(typed, cost)
  let left = count
  const began = performance.now()
  await Promise.all(
    Array.from({ length: Math.min(atOnce, count) }, async () => {
      while (left-- > 0) if (!(await verify(typed, hashed))) throw new Error('bcrypt does not know its own hash')
    }),
  )
  return { perSecond: (count * 1000) / (performance.now() - began) }
}
