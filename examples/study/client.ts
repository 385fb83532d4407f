import table from 'virtual:holdfast-routes'
import { createClient } from 'holdfast/console'
import type { routes } from './routes.ts'

export const client = createClient<typeof routes>(table)

/** The next midnight here, which the server cannot know: what is due before it is due today. */
export function dayEnds(): string {
  const midnight = new Date()
  midnight.setHours(24, 0, 0, 0)
  return midnight.toISOString()
}
