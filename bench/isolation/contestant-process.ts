// The process of one contestant: told by its parent which one it is, and ended by it.
import type { Setup, StartContestant } from './contestant.ts'

process.once('disconnect', () => process.exit(0))
process.once('message', async (setup: Setup) => {
  const { start } = (await import(setup.module ?? `./contestants/${setup.name}.ts`)) as { start: StartContestant }
  await start(setup)
  process.send!('ready')
})
