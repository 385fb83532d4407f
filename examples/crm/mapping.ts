import { z } from 'zod'
import { contactFields } from './contacts.ts'
import { revive } from './csv.ts'
import { line } from './fields.ts'
import { fold } from './words.ts'

/** What a column of a file may hold. `ignore` may stand often, anything else once. */
export const targets = [
  'ignore',
  'name',
  'given-name',
  'family-name',
  'email',
  'phone',
  'company',
  'job-title',
  'note',
] as const
export type Target = (typeof targets)[number]

/** One target for each column of the file, in their order. */
export const mappingSchema = z
  .array(z.enum(targets))
  .min(1)
  .max(100)
  .refine((mapping) => targets.every((target) => target === 'ignore' || count(mapping, target) <= 1), {
    error: 'must give each field one column only',
  })
  .refine(
    (mapping) => (['name', 'given-name', 'family-name', 'email'] as const).some((target) => mapping.includes(target)),
    {
      error: 'must have a column for the name or for the email address',
    },
  )

const importedFields = z.strictObject({ ...contactFields, company: line(200) })
export type ImportedContact = z.output<typeof importedFields>

/** A row of a file as a contact, or why it is none. */
export type Imported = { readonly contact: ImportedContact } | { readonly fault: string }

export function toContact(cells: readonly string[], mapping: readonly Target[]): Imported {
  const cell = (target: Target) => first(cells[mapping.indexOf(target)] ?? '', target)
  const email = cell('email')
  const name = cell('name') || [cell('given-name'), cell('family-name')].filter(Boolean).join(' ') || email
  if (name === '') return { fault: 'There is neither a name nor an email address.' }
  const read = importedFields.safeParse(
    {
      name,
      email,
      phone: cell('phone'),
      jobTitle: cell('job-title'),
      note: cell('note'),
      company: cell('company'),
    },
    {
      error: (issue) => (issue.code === 'too_big' ? `must not be longer than ${issue.maximum} characters` : undefined),
    },
  )
  if (read.success) return { contact: read.data }
  const { path, message } = read.error.issues[0]!
  return { fault: `${columnNames[path[0] as keyof ImportedContact]} ${message}.` }
}

const columnNames: Readonly<Record<keyof ImportedContact, string>> = {
  name: 'Name',
  email: 'E-mail',
  phone: 'Phone',
  jobTitle: 'Job title',
  note: 'Note',
  company: 'Company',
}

/** A cell without what our own export added; on one line, but for notes; of Google's several values, the first. */
function first(cell: string, target: Target): string {
  const text = revive(cell).trim()
  if (target === 'note') return text.replace(/\r\n?/g, '\n')
  return text.split(' ::: ')[0]!.replace(/\s+/g, ' ').trim()
}

/**
 * Names of columns as Google, Outlook, HubSpot, Salesforce, LinkedIn and our own export write them, and plain ones in four
 * languages: folded, letters and digits only, the likeliest first.
 */
const known: Readonly<Record<Exclude<Target, 'ignore'>, readonly string[]>> = {
  name: ['name', 'fullname', 'displayname', 'contactname', 'contact', 'fileas', 'nomcomplet', 'nombrecompleto'],
  'given-name': ['firstname', 'givenname', 'first', 'vorname', 'prenom', 'nombre'],
  'family-name': [
    'lastname',
    'familyname',
    'surname',
    'last',
    'nachname',
    'familienname',
    'nomdefamille',
    'nom',
    'apellidos',
    'apellido',
  ],
  email: [
    'email',
    'emailaddress',
    'email1value',
    'email1address',
    'mail',
    'workemail',
    'primaryemail',
    'emailadresse',
    'adresseemail',
    'courriel',
    'correoelectronico',
    'correo',
    'email2value',
    'email2address',
  ],
  phone: [
    'phone',
    'phonenumber',
    'phone1value',
    'mobilephone',
    'mobilephonenumber',
    'mobile',
    'primaryphone',
    'businessphone',
    'workphone',
    'telephone',
    'telephonenumber',
    'telefon',
    'telefonnummer',
    'mobil',
    'handy',
    'telefono',
    'movil',
    'homephone',
  ],
  company: [
    'company',
    'companyname',
    'organizationname',
    'organisationname',
    'organization1name',
    'organization',
    'organisation',
    'associatedcompany',
    'primaryassociatedcompany',
    'accountname',
    'account',
    'employer',
    'firma',
    'unternehmen',
    'entreprise',
    'societe',
    'empresa',
  ],
  'job-title': [
    'jobtitle',
    'organizationtitle',
    'organisationtitle',
    'organization1title',
    'position',
    'role',
    'berufsbezeichnung',
    'funktion',
    'poste',
    'cargo',
    'puesto',
    'title',
  ],
  note: [
    'note',
    'notes',
    'comments',
    'comment',
    'description',
    'notizen',
    'notiz',
    'bemerkungen',
    'notas',
    'remarques',
  ],
}

/** What the columns probably hold, by their names; what is not known is `ignore`. */
export function guessMapping(columns: readonly string[]): Target[] {
  const names = columns.map((column) => fold(column).replace(/[^\p{L}\p{N}]/gu, ''))
  const mapping: Target[] = columns.map(() => 'ignore')
  for (const [target, candidates] of Object.entries(known) as [Exclude<Target, 'ignore'>, readonly string[]][]) {
    const found = candidates
      .map((name) => names.indexOf(name))
      .find((index) => index >= 0 && mapping[index] === 'ignore')
    if (found !== undefined) mapping[found] = target
  }
  // «Nom» and «Nombre» alone are whole names.
  return mapping.includes('name') ? mapping : wholeName(mapping)
}

function wholeName(mapping: readonly Target[]): Target[] {
  const [given, family] = [mapping.includes('given-name'), mapping.includes('family-name')]
  return mapping.map((target) =>
    (target === 'given-name' && !family) || (target === 'family-name' && !given) ? 'name' : target,
  )
}

function count(mapping: readonly Target[], target: Target): number {
  return mapping.filter((other) => other === target).length
}
