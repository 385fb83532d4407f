import { defineProduct } from 'holdfast'
import { canary } from './canary.ts'
import { contactsImport } from './contacts-import.ts'
import { routes } from './routes.ts'

const look = ['contacts.read', 'companies.read', 'members.read']
const work = [...look, 'contacts.write', 'companies.write']
const manage = ['members.invite', 'members.remove', 'organisation.secure', 'roles.manage', 'keys.manage', 'events.read']

/** Companies and contacts of a small firm. A bight is a bend in a coast, and the slack of a rope that others make fast to. */
export const crm = defineProduct({
  name: 'crm',
  title: 'Bight',
  keyPrefix: 'bight',
  sentence: 'Companies and contacts, shared by the people of a firm.',
  people: 'organisations',
  migrations: new URL('./migrations/', import.meta.url),
  routes,
  jobs: { 'contacts-import': contactsImport },
  roles: {
    owner: { title: 'Owner', permissions: [...work, ...manage] },
    admin: { title: 'Administrator', permissions: [...work, ...manage] },
    member: { title: 'Member', permissions: work },
    viewer: { title: 'Viewer', permissions: look },
  },
  permissionTitles: {
    'contacts.read': 'See contacts',
    'contacts.write': 'Add, change, import and delete contacts',
    'companies.read': 'See companies',
    'companies.write': 'Add, change and delete companies',
  },
  canary,
  securityPage: new URL('./security.md', import.meta.url),
  console: new URL('./console.tsx', import.meta.url),
})
