import { defineProduct } from 'holdfast'
import { canary } from './canary.ts'
import { routes } from './routes.ts'

/** Flashcards that come back just before they are forgotten, named after H. Ebbinghaus, who measured forgetting. */
export const study = defineProduct({
  name: 'study',
  title: 'Ebb',
  sentence: 'Flashcards that come back just before you would forget them.',
  people: 'individuals',
  migrations: new URL('./migrations/', import.meta.url),
  routes,
  jobs: {},
  roles: { owner: { title: 'Owner', permissions: ['cards.read', 'cards.write'] } },
  canary,
  securityPage: new URL('./security.md', import.meta.url),
  console: new URL('./console.tsx', import.meta.url),
})
