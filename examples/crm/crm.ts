import { defineProduct } from 'holdfast'
import { canary } from './canary.ts'
import { contactsImport } from './contacts-import.ts'
import { routes } from './routes.ts'

const work = ['contacts.read', 'contacts.write', 'companies.read', 'companies.write', 'members.read']

/** Companies and contacts of a small firm. A bight is a bend in a coast, and the slack of a rope that others make fast to. */
export const crm = defineProduct({
  name: 'crm',
  title: 'Bight',
  sentence: 'Companies and contacts, shared by the people of a firm.',
  people: 'organisations',
  migrations: new URL('./migrations/', import.meta.url),
  routes,
  jobs: { 'contacts-import': contactsImport },
  roles: {
    owner: {
      title: 'Owner',
      permissions: [...work, 'members.invite', 'members.remove', 'organisation.secure', 'events.read'],
    },
    admin: {
      title: 'Administrator',
      permissions: [...work, 'members.invite', 'members.remove', 'organisation.secure', 'events.read'],
    },
    member: { title: 'Member', permissions: work },
  },
  canary,
  securityPage: new URL('./security.md', import.meta.url),
  console: new URL('./console.tsx', import.meta.url),
})
