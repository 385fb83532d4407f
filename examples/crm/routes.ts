import { createCompany, deleteCompany, editCompany, listCompanies, readCompany } from './companies.ts'
import { createContact, deleteContact, editContact, exportContacts, listContacts, readContact } from './contacts.ts'
import { deleteImport, listImports, mapImport, readImport, startImport, uploadImport } from './contacts-import.ts'

export const routes = {
  listContacts,
  readContact,
  createContact,
  editContact,
  deleteContact,
  exportContacts,
  listCompanies,
  readCompany,
  createCompany,
  editCompany,
  deleteCompany,
  listImports,
  uploadImport,
  readImport,
  mapImport,
  startImport,
  deleteImport,
}
