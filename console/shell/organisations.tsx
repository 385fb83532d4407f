import { Link } from '@tanstack/react-router'
import type { Me } from '../foundation.ts'
import { useSay } from '../messages.ts'
import { pageAddress, paths } from '../paths.ts'
import { useFirstPage } from '../person.ts'
import { useOrganisationId } from '../queries.ts'
import { Menu } from '../ui/menu.tsx'

/** Switches by going to another address: the tab beside this one stays where it is. */
export function Organisations({ me }: { readonly me: Me }) {
  const say = useSay()
  const here = useOrganisationId()
  const firstPage = useFirstPage()
  const current = me.organisations.find(({ id }) => id === here)
  return (
    <Menu
      className="organisations-button"
      label={`${current?.name ?? say('shell.organisations')}: ${say('shell.switch')}`}
      button={
        <>
          <span className="organisations-name">{current?.name ?? say('shell.organisations')}</span>
          <svg className="chevrons" viewBox="0 0 12 16" aria-hidden="true">
            <path d="M2.5 6 6 2.5 9.5 6M2.5 10 6 13.5 9.5 10" />
          </svg>
        </>
      }
    >
      <p className="menu-heading">{say('shell.organisations')}</p>
      {me.organisations.map((organisation) => (
        <Link
          key={organisation.id}
          className="menu-item"
          to={pageAddress('organisations', organisation.id, firstPage)}
          aria-current={organisation.id === here ? 'true' : undefined}
        >
          {organisation.name}
        </Link>
      ))}
      <Link className="menu-item apart" to={paths.newOrganisation}>
        {say('shell.newOrganisation')}
      </Link>
    </Menu>
  )
}
