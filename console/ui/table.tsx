import type { ReactNode } from 'react'
import './table.css'

export interface Column<Row> {
  readonly key: string
  readonly title: string
  readonly cell: (row: Row) => ReactNode
  /** `figures` sets them tabular and to the end of the cell; `word` is one that is never cut; `actions` hides the title and goes last. */
  readonly kind?: 'main' | 'text' | 'word' | 'figures' | 'actions'
}

/** Rows and columns; below 40 rem of width each row becomes a card, its main column the heading. */
export function Table<Row>(props: {
  /** Names the table for screen readers. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly rowKey: (row: Row) => string
  /** Newer data are on their way; what is shown may be old. */
  readonly busy?: boolean
}) {
  const { caption, columns, rows, rowKey, busy } = props
  // The roles are spelled out because `display` in the card layout takes the native ones away in some browsers.
  return (
    <div className="table-frame">
      {/* biome-ignore lint/a11y/noRedundantRoles: see above */}
      <table className="table" role="table" aria-busy={busy || undefined}>
        <caption className="hidden-text">{caption}</caption>
        {/* biome-ignore lint/a11y/noRedundantRoles: see above */}
        <thead role="rowgroup">
          {/* biome-ignore lint/a11y/noRedundantRoles: see above */}
          <tr role="row">
            {columns.map(({ key, title, kind = 'text' }) => (
              // biome-ignore lint/a11y/noRedundantRoles: see above
              <th key={key} scope="col" role="columnheader" className={kind}>
                <span className={kind === 'actions' ? 'hidden-text' : undefined}>{title}</span>
              </th>
            ))}
          </tr>
        </thead>
        {/* biome-ignore lint/a11y/noRedundantRoles: see above */}
        <tbody role="rowgroup">
          {rows.map((row) => (
            // biome-ignore lint/a11y/noRedundantRoles: see above
            <tr key={rowKey(row)} role="row">
              {columns.map(({ key, title, cell, kind = 'text' }) => (
                // biome-ignore lint/a11y/noRedundantRoles: see above
                <td key={key} role="cell" className={kind}>
                  {kind !== 'main' && kind !== 'actions' && (
                    <span className="cell-title" aria-hidden="true">
                      {title}
                    </span>
                  )}
                  <span className="cell">{cell(row)}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
