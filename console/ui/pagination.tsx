import { useSay } from '../messages.ts'
import { Button } from './button.tsx'
import './pagination.css'

/** Steps through a list by cursor. A side without a cursor is off, and says so. */
export function Pagination(props: {
  readonly newer: (() => void) | undefined
  readonly older: (() => void) | undefined
  readonly busy?: boolean
}) {
  const say = useSay()
  return (
    <nav className="pagination" aria-label={say('list.pages')}>
      <Button disabledReason={!props.newer && say('list.noNewer')} onClick={props.newer}>
        {say('list.newer')}
      </Button>
      <Button disabledReason={!props.older && say('list.noOlder')} busy={props.busy ?? false} onClick={props.older}>
        {say('list.older')}
      </Button>
    </nav>
  )
}

/** The end of a list that grows. `more` is undefined once all rows are there. */
export function LoadMore(props: { readonly more: (() => void) | undefined; readonly busy?: boolean }) {
  const say = useSay()
  return (
    <div className="pagination">
      {props.more ? (
        <Button busy={props.busy ?? false} onClick={props.more}>
          {say('list.more')}
        </Button>
      ) : (
        <p className="pagination-end">{say('list.all')}</p>
      )}
    </div>
  )
}
