import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { guessMapping, mappingSchema, type Target, targets, toContact } from './mapping.ts'

/** Which column is taken for what. */
function guessed(header: string): Partial<Record<Target, string>> {
  const columns = header.split(',')
  const found = guessMapping(columns).map((target, index) => [target, columns[index]!] as const)
  return Object.fromEntries(found.filter(([target]) => target !== 'ignore'))
}

describe('columns guessed by their names', () => {
  test('Google Contacts', () => {
    expect(
      guessed(
        'First Name,Middle Name,Last Name,Phonetic First Name,Nickname,File As,Organization Name,Organization Title,Organization Department,Birthday,Notes,Photo,Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value',
      ),
    ).toMatchObject({
      'given-name': 'First Name',
      'family-name': 'Last Name',
      email: 'E-mail 1 - Value',
      phone: 'Phone 1 - Value',
      company: 'Organization Name',
      'job-title': 'Organization Title',
      note: 'Notes',
    })
  })

  test('Google Contacts, as it was before', () => {
    expect(
      guessed(
        'Name,Given Name,Additional Name,Family Name,Notes,E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,Organization 1 - Name,Organization 1 - Title',
      ),
    ).toEqual({
      name: 'Name',
      'given-name': 'Given Name',
      'family-name': 'Family Name',
      email: 'E-mail 1 - Value',
      phone: 'Phone 1 - Value',
      company: 'Organization 1 - Name',
      'job-title': 'Organization 1 - Title',
      note: 'Notes',
    })
  })

  test('Outlook, whose «Title» is no job', () => {
    expect(
      guessed(
        'Title,First Name,Middle Name,Last Name,Suffix,Company,Department,Job Title,Business Phone,Home Phone,Mobile Phone,E-mail Address,E-mail Display Name,Notes',
      ),
    ).toEqual({
      'given-name': 'First Name',
      'family-name': 'Last Name',
      email: 'E-mail Address',
      phone: 'Mobile Phone',
      company: 'Company',
      'job-title': 'Job Title',
      note: 'Notes',
    })
  })

  test('HubSpot', () => {
    expect(
      guessed('Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Primary Associated Company,Job Title'),
    ).toEqual({
      'given-name': 'First Name',
      'family-name': 'Last Name',
      email: 'Email',
      phone: 'Phone Number',
      company: 'Primary Associated Company',
      'job-title': 'Job Title',
    })
  })

  test('our own export, and others’ languages', () => {
    expect(guessMapping(['Name', 'E-mail', 'Phone', 'Company', 'Job title', 'Note'])).not.toContain('ignore')
    expect(guessed('Vorname,Nachname,E-Mail-Adresse,Firma,Telefon')).toMatchObject({
      'given-name': 'Vorname',
      email: 'E-Mail-Adresse',
    })
    expect(guessed('Nom,Prénom,Courriel,Société')).toMatchObject({ 'family-name': 'Nom', company: 'Société' })
    expect(guessed('Nombre,Correo electrónico')).toEqual({ name: 'Nombre', email: 'Correo electrónico' })
  })

  test('whatever the names, no field comes from two columns', () => {
    const name = fc.oneof(
      fc.string(),
      fc.constantFrom('Name', 'E-mail', 'Email', 'Phone', 'First Name', 'Nom', 'Nombre'),
    )
    fc.assert(
      fc.property(fc.array(name), (columns) => {
        const mapping = guessMapping(columns)
        expect(mapping).toHaveLength(columns.length)
        for (const target of targets)
          if (target !== 'ignore') expect(mapping.filter((other) => other === target).length).toBeLessThan(2)
      }),
    )
  })
})

describe('a row as a contact', () => {
  const mapping: Target[] = ['given-name', 'family-name', 'email', 'phone', 'company', 'note']
  const read = (...cells: string[]) => toContact(cells, mapping)

  test('trimmed, on one line, and with the name put together', () => {
    expect(read(' Ada ', 'Love\nlace', 'ada@example.org', '+44 1', ' Analytical  Engines', 'one\r\ntwo')).toEqual({
      contact: {
        name: 'Ada Love lace',
        email: 'ada@example.org',
        phone: '+44 1',
        jobTitle: '',
        note: 'one\ntwo',
        company: 'Analytical Engines',
      },
    })
  })

  test('what an export defused is whole again', () => {
    expect(read('Ada', '', '', "'+44 20 7946", '', "'=1+1")).toMatchObject({
      contact: { phone: '+44 20 7946', note: '=1+1' },
    })
  })

  test('the first of several values, as Google writes them', () => {
    expect(read('', '', 'a@example.org ::: b@example.org', '', '', '')).toMatchObject({
      contact: { name: 'a@example.org', email: 'a@example.org' },
    })
  })

  test.each([
    [['', ' ', '', '1', '', ''], 'There is neither a name nor an email address.'],
    [['Ada', '', 'ada', '', '', ''], /^E-mail must be an email address/],
    [['x'.repeat(201), '', '', '', '', ''], /^Name must not be longer than 200/],
    [['Ada', '', '', '1'.repeat(51), '', ''], /^Phone must not/],
    [['Ada', '', '', '', 'x'.repeat(201), ''], /^Company must not/],
  ])('%j is refused', (cells, fault) => {
    const found = toContact(cells, mapping)
    expect('fault' in found && found.fault).toMatch(fault)
  })
})

test('a mapping names each field once, and something to call the contact by', () => {
  expect(mappingSchema.safeParse(['name', 'ignore', 'ignore']).success).toBe(true)
  expect(mappingSchema.safeParse(['email']).success).toBe(true)
  for (const refused of [['name', 'name'], ['phone'], [], ['surname'], Array(101).fill('ignore')])
    expect(mappingSchema.safeParse(refused).success).toBe(false)
})
