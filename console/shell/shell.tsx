import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Me } from '../foundation.ts'
import { useSay } from '../messages.ts'
import { PageLink } from '../page-link.tsx'
import { paths } from '../paths.ts'
import { useMay } from '../person.ts'
import { useProduct } from '../product.ts'
import { useOrganisationId } from '../queries.ts'
import { useSignOut } from '../sign-out.ts'
import { Mark } from '../ui/mark.tsx'
import { Menu, MenuItem } from '../ui/menu.tsx'
import { Organisations } from './organisations.tsx'
import './shell.css'

/** Around every page of somebody signed in: mark, organisation, navigation, account. */
export function Shell({ me, children }: { readonly me: Me; readonly children: ReactNode }) {
  const say = useSay()
  const { people } = useProduct()
  const inOrganisation = useOrganisationId() !== undefined
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {say('shell.skip')}
      </a>
      <header className="rail">
        <Brand />
        {people === 'organisations' && me.organisations.length > 0 && <Organisations me={me} />}
        {inOrganisation && <Navigation />}
        <Account me={me} />
      </header>
      <main id="content" className="content">
        {children}
      </main>
    </div>
  )
}

function Brand() {
  const { product } = useProduct()
  return (
    <Link to={paths.home} className="brand">
      <Mark />
      <span>{product.title}</span>
    </Link>
  )
}

function Navigation() {
  const say = useSay()
  const { may } = useMay()
  const { pages, people } = useProduct()
  return (
    <nav className="pages" aria-label={say('shell.pages')}>
      <ul>
        {pages
          .filter((page) => page.nav && may(page.needs))
          .map((page) => (
            <li key={page.path}>
              <PageLink to={page.path}>{page.title}</PageLink>
            </li>
          ))}
        {people === 'organisations' && may('members.read') && (
          <li>
            <PageLink to={paths.members}>{say('shell.members')}</PageLink>
          </li>
        )}
      </ul>
    </nav>
  )
}

function Account({ me }: { readonly me: Me }) {
  const say = useSay()
  const signOut = useSignOut()
  return (
    <div className="account">
      <Menu
        label={`${me.person.name}: ${say('shell.account')}`}
        className="account-button"
        button={
          <>
            <span className="initial" data-initial={[...me.person.name.trim()][0]?.toUpperCase() ?? '·'} />
            <span className="account-name">{me.person.name}</span>
          </>
        }
      >
        <p className="menu-heading">{me.person.address}</p>
        <Link className="menu-item" to={paths.account}>
          {say('shell.account')}
        </Link>
        <Link className="menu-item" to={paths.session}>
          {say('shell.session')}
        </Link>
        <a className="menu-item" href={paths.security}>
          {say('shell.security')}
        </a>
        <MenuItem onSelect={signOut}>{say('shell.signOut')}</MenuItem>
      </Menu>
    </div>
  )
}
