import { Button, type Column, Notice, ProblemNotice, Select, Table, useWrite } from 'holdfast/console'
import { useState } from 'react'
import { client } from '../client.ts'
import { say } from '../messages.ts'
import { RejectedRows } from './rejected-rows.tsx'
import './crm.css'

export type ImportRead = Awaited<ReturnType<typeof client.readImport>>
type Target = ImportRead['import']['mapping'][number]
type Duplicates = ImportRead['import']['duplicates']
type Checked = Awaited<ReturnType<typeof client.mapImport>>

const targets: readonly Target[] = [
  'ignore',
  'name',
  'given-name',
  'family-name',
  'email',
  'phone',
  'company',
  'job-title',
  'note',
]
/** A contact can be called by one of these. */
const namedBy: readonly Target[] = ['name', 'given-name', 'family-name', 'email']
const duplicateChoices: readonly Duplicates[] = ['skip', 'update', 'create']

/** What the columns hold, the check of all rows, and the start. A change takes the check back. */
export function ImportMapping({ of }: { readonly of: ImportRead }) {
  const { id, columns } = of.import
  const [mapping, setMapping] = useState(of.import.mapping)
  const [duplicates, setDuplicates] = useState(of.import.duplicates)
  const [checked, setChecked] = useState<Checked>()
  const check = useWrite(client.mapImport)
  const start = useWrite(client.startImport)
  const change = (at: number, target: Target) => {
    setChecked(undefined)
    // A field comes from one column: the one chosen last.
    setMapping(
      mapping.map((now, index) => (index === at ? target : now === target && target !== 'ignore' ? 'ignore' : now)),
    )
  }
  const runCheck = async () => {
    setChecked(undefined)
    setChecked(await check.send({ params: { import: id }, body: { mapping, duplicates } }).catch(() => undefined))
  }
  const problem = check.problem ?? start.problem
  return (
    <>
      <section className="import-part">
        <h2>{say('import.columns')}</h2>
        <p className="quiet-text">{say('import.columnsText')}</p>
        <div className="mapping">
          {columns.map((column, at) => (
            <Select
              // biome-ignore lint/suspicious/noArrayIndexKey: a file may name two columns alike; their order never changes
              key={at}
              name={`column-${at}`}
              label={column}
              hint={sampleOf(of, at)}
              value={mapping[at]!}
              onValue={(target) => change(at, target as Target)}
              options={targets.map((target) => ({ value: target, title: say(`target.${target}`) }))}
              required
            />
          ))}
        </div>
        <Select
          name="duplicates"
          label={say('import.duplicates')}
          hint={say('import.duplicatesHint')}
          value={duplicates}
          onValue={(choice) => {
            setChecked(undefined)
            setDuplicates(choice as Duplicates)
          }}
          options={duplicateChoices.map((choice) => ({ value: choice, title: say(`duplicates.${choice}`) }))}
          required
        />
      </section>
      <Preview of={of} mapping={mapping} />
      <section className="import-part">
        {problem && <ProblemNotice problem={problem} />}
        {checked && <Result of={checked} />}
        <div className="form-actions after-choices">
          {checked && checked.good > 0 && (
            <Button
              look="primary"
              busy={start.busy}
              onClick={() => void start.send({ params: { import: id }, body: {} }).catch(() => undefined)}
            >
              {say('import.start', { count: checked.good })}
            </Button>
          )}
          <Button
            look={checked ? 'plain' : 'primary'}
            busy={check.busy}
            disabledReason={!namedBy.some((target) => mapping.includes(target)) && say('import.nameNeeded')}
            onClick={() => void runCheck()}
          >
            {checked ? say('import.recheck') : say('import.check')}
          </Button>
        </div>
      </section>
      {checked && <RejectedRows title={say('import.faults')} rows={checked.faults} all={checked.faulty} />}
    </>
  )
}

function Result({ of }: { readonly of: Checked }) {
  if (of.good === 0) return <Notice kind="broken" title={say('import.nothing')} />
  return (
    <Notice kind={of.faulty === 0 ? 'done' : 'care'} title={say('import.checked', { count: of.good })}>
      {of.duplicate > 0 && <p>{say('import.duplicate', { count: of.duplicate })}.</p>}
      {of.faulty > 0 && <p>{say('import.faulty', { count: of.faulty })}.</p>}
    </Notice>
  )
}

/** The first rows under the fields that they would go to. */
function Preview({ of, mapping }: { readonly of: ImportRead; readonly mapping: readonly Target[] }) {
  const fields: Column<ImportRead['sample'][number]>[] = targets
    .filter((target) => target !== 'ignore' && mapping.includes(target))
    .map((target) => ({
      key: target,
      title: say(`target.${target}`),
      cell: ({ cells }) => <span className="preview-cell">{cells[mapping.indexOf(target)]}</span>,
    }))
  const line: Column<ImportRead['sample'][number]> = {
    key: 'line',
    title: say('import.line'),
    kind: 'figures',
    cell: ({ line: at }) => at,
  }
  if (fields.length === 0) return null
  return (
    <section className="import-part">
      <h2>{say('import.preview')}</h2>
      <Table
        caption={say('import.preview')}
        columns={[line, ...fields]}
        rows={of.sample}
        rowKey={({ line: at }) => String(at)}
      />
    </section>
  )
}

function sampleOf(of: ImportRead, column: number): string | undefined {
  const values = [...new Set(of.sample.map(({ cells }) => cells[column]?.trim() ?? ''))].filter(Boolean).slice(0, 3)
  return values.length > 0 ? `${say('import.sample')} ${values.join(' · ')}` : undefined
}
