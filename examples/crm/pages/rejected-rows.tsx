import { Table } from 'holdfast/console'
import { say } from '../messages.ts'

/** Rows that were not used, with their lines; nothing where there are none. */
export function RejectedRows(props: {
  readonly title: string
  readonly rows: readonly { readonly line: number; readonly reason: string }[]
  readonly all: number
}) {
  const { title, rows, all } = props
  if (rows.length === 0) return null
  return (
    <section className="import-part">
      <h2>{title}</h2>
      {all > rows.length && <p className="quiet-text">{say('import.firstFaults', { count: rows.length })}</p>}
      <Table
        caption={title}
        rows={rows}
        rowKey={({ line }) => String(line)}
        columns={[
          { key: 'line', title: say('import.line'), kind: 'figures', cell: ({ line }) => line },
          { key: 'reason', title: say('import.reason'), cell: ({ reason }) => reason },
        ]}
      />
    </section>
  )
}
