import table from 'virtual:holdfast-routes'
import { createClient } from 'holdfast/console'
import type { routes } from './routes.ts'

export const client = createClient<typeof routes>(table)
