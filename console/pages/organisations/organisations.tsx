import { Link } from '@tanstack/react-router'
import { useSay } from '../../messages.ts'
import { pageAddress, paths } from '../../paths.ts'
import { useFirstPage, useMe } from '../../person.ts'
import { PageTitle } from '../../ui/page-title.tsx'
import { useRoleWords } from './roles.ts'
import './organisations.css'

/** Where somebody in several organisations chooses one. Nothing remembers the choice but the address. */
export function OrganisationsPage() {
  const say = useSay()
  const words = useRoleWords()
  const firstPage = useFirstPage()
  const organisations = useMe().data?.organisations ?? []
  return (
    <section>
      <PageTitle
        title={say('organisations.title')}
        actions={
          <Link className="button plain usual" to={paths.newOrganisation}>
            {say('organisations.new')}
          </Link>
        }
      >
        {say('organisations.choose')}
      </PageTitle>
      <ul className="organisation-list">
        {organisations.map((organisation) => (
          <li key={organisation.id}>
            <Link to={pageAddress('organisations', organisation.id, firstPage)}>{organisation.name}</Link>
            <span>{words.find(({ name }) => name === organisation.role)?.title ?? organisation.roleName}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
