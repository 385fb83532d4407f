import { Link } from '@tanstack/react-router'
import type { ComponentType } from 'react'
import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import '../../ui/tabs.css'
import { RecoveryNotice } from '../two-factor/recovery.tsx'
import './account-tabs.css'

/** The pages of one's own account, in the order of the tabs. A page gets a line here, and one in router.tsx. */
const tabs = [
  { to: paths.account, title: 'account.tab' },
  { to: paths.factors, title: 'factors.tab' },
  { to: paths.sessions, title: 'sessions.tab' },
] as const

/** A page of one's own account, below the tabs that lead to the others. Each has its own address and its own heading. */
export function withAccountTabs(Page: ComponentType): ComponentType {
  return function AccountPage() {
    const say = useSay()
    return (
      <section className="narrow">
        <nav className="account-tabs" aria-label={say('shell.account')}>
          {tabs.map(({ to, title }) => (
            <Link key={to} to={to} activeOptions={{ exact: true }} className="tab">
              {say(title)}
            </Link>
          ))}
        </nav>
        <RecoveryNotice />
        <Page />
      </section>
    )
  }
}
