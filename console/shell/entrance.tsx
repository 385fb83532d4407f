import { Link, Outlet } from '@tanstack/react-router'
import { useSay } from '../messages.ts'
import { paths } from '../paths.ts'
import { useProduct } from '../product.ts'
import { Mark } from '../ui/mark.tsx'
import './entrance.css'
import './shell.css'

/** The way in: everything before somebody is signed in, beside a word on what the product promises. */
export function Entrance() {
  const say = useSay()
  const { product } = useProduct()
  return (
    <div className="entrance">
      <header className="entrance-side">
        <Mark />
        <Link to={paths.home} className="brand">
          <Mark size={34} />
          <span>{product.title}</span>
        </Link>
        <div className="entrance-promise">
          <p>{say('entrance.promise')}</p>
          <a href={paths.security}>{say('entrance.security')}</a>
        </div>
      </header>
      <main id="content" className="entrance-main">
        <Outlet />
      </main>
    </div>
  )
}
