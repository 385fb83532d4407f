import { Link, Outlet } from '@tanstack/react-router'
import { paths } from '../paths.ts'
import { useProduct } from '../product.ts'
import { Mark } from '../ui/mark.tsx'
import { SecurityWord } from './security-word.tsx'
import './entrance.css'
import './shell.css'

/** The way in: everything before somebody is signed in, beside a word on what the product promises. */
export function Entrance() {
  const { product } = useProduct()
  return (
    <div className="entrance">
      <header className="entrance-side">
        <Mark />
        <Link to={paths.home} className="brand">
          <Mark size={34} />
          <span>{product.title}</span>
        </Link>
        <SecurityWord />
      </header>
      <main id="content" className="entrance-main">
        <Outlet />
      </main>
    </div>
  )
}
