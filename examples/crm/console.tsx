import { startConsole } from 'holdfast/console'
import { say } from './messages.ts'
import { CompaniesPage } from './pages/companies.tsx'
import { CompanyPage, NewCompanyPage } from './pages/company.tsx'
import { ContactPage, NewContactPage } from './pages/contact.tsx'
import { ContactsPage } from './pages/contacts.tsx'
import { ImportPage } from './pages/import.tsx'
import { ImportsPage } from './pages/imports.tsx'

startConsole({
  product: { name: 'crm', title: 'Bight' },
  people: 'organisations',
  pages: [
    { path: '/contacts', title: say('contacts.title'), nav: true, needs: 'contacts.read', component: ContactsPage },
    { path: '/contacts/new', title: say('contacts.new'), needs: 'contacts.write', component: NewContactPage },
    { path: '/contacts/$contact', title: say('contact.title'), needs: 'contacts.read', component: ContactPage },
    { path: '/companies', title: say('companies.title'), nav: true, needs: 'companies.read', component: CompaniesPage },
    { path: '/companies/new', title: say('companies.new'), needs: 'companies.write', component: NewCompanyPage },
    { path: '/companies/$company', title: say('company.title'), needs: 'companies.read', component: CompanyPage },
    { path: '/imports', title: say('imports.title'), nav: true, needs: 'contacts.write', component: ImportsPage },
    { path: '/imports/$import', title: say('import.title'), needs: 'contacts.write', component: ImportPage },
  ],
})
