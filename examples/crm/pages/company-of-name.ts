import { Problem } from 'holdfast/console'
import { client } from '../client.ts'

/** The id of the company of this name, which is made where there is none. Null for an empty name. Throws `Problem`. */
export async function companyOfName(organisation: string, name: string): Promise<string | null> {
  const wanted = name.trim()
  if (wanted === '') return null
  const known = await findCompany(organisation, wanted)
  if (known) return known
  try {
    const body = { name: wanted, website: '', note: '' }
    return (await client.createCompany({ organisation, body })).id
  } catch (error) {
    // Somebody else made it in this moment, or it is written with other accents or capitals.
    if (error instanceof Problem && error.code === 'crm/company-exists')
      return (error.extra.existing as { id: string }).id
    throw error
  }
}

async function findCompany(organisation: string, name: string): Promise<string | undefined> {
  const { companies } = await client.listCompanies({ organisation, query: { q: name } })
  return companies.find((company) => company.name === name)?.id
}
