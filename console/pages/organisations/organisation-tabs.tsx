import { Link } from '@tanstack/react-router'
import type { ComponentType } from 'react'
import { useSay } from '../../messages.ts'
import { usePageAddress } from '../../page-link.tsx'
import { paths } from '../../paths.ts'
import { useMay } from '../../person.ts'
import '../../ui/tabs.css'
import '../accounts/account-tabs.css'
import { permission } from './roles.ts'

/** The pages about an organisation, in the order of the tabs. A page gets a line here, and one in router.tsx. */
const tabs = [
  { to: paths.members, title: 'members.title', needs: permission.read },
  { to: paths.roles, title: 'roles.title', needs: permission.roles },
  { to: paths.keys, title: 'keys.title', needs: permission.keys },
] as const

/** A page about the organisation, below the tabs that lead to those of the others that one may see. */
export function withOrganisationTabs(Page: ComponentType): ComponentType {
  return function OrganisationPage() {
    const say = useSay()
    const address = usePageAddress()
    const { may } = useMay()
    const seen = tabs.filter(({ needs }) => may(needs))
    return (
      <>
        {seen.length > 1 && (
          <nav className="account-tabs" aria-label={say('shell.organisation')}>
            {seen.map(({ to, title }) => (
              <Link key={to} to={address({ to })} activeOptions={{ exact: true, includeSearch: false }} className="tab">
                {say(title)}
              </Link>
            ))}
          </nav>
        )}
        <Page />
      </>
    )
  }
}
