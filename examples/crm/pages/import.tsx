import {
  Button,
  Loaded,
  Notice,
  PageLink,
  PageTitle,
  ProgressBar,
  Skeleton,
  useConfirm,
  useGo,
  usePageParams,
  useRead,
  useReadAnew,
  useReport,
  useToast,
  useWrite,
} from 'holdfast/console'
import { useEffect, useRef, useState } from 'react'
import { client } from '../client.ts'
import { say } from '../messages.ts'
import { ImportMapping, type ImportRead } from './import-mapping.tsx'
import { RejectedRows } from './rejected-rows.tsx'
import './crm.css'

type Import = ImportRead['import']

export function ImportPage() {
  const { import: id } = usePageParams<'/imports/$import'>()
  const [leaving, setLeaving] = useState(false)
  // A file that is being thrown away is not read again: else its last moment would be a page that says it is not there.
  return leaving ? <Skeleton /> : <OpenImport key={id} id={id} onLeaving={setLeaving} />
}

function OpenImport({ id, onLeaving }: { readonly id: string; readonly onLeaving: (leaving: boolean) => void }) {
  const read = useRead(client.readImport, { params: { import: id } })
  useRepeat(read.data?.import.state === 'running', () => read.refetch(), 700)
  useFocusKept(read.data?.import.state)
  return (
    <Loaded of={read} page>
      {(found) => (
        <section>
          <PageTitle
            title={found.import.fileName || say('import.title')}
            actions={found.import.state !== 'running' && <ThrowAway id={id} onLeaving={onLeaving} />}
          >
            {say('import.rows', { count: found.import.rowCount })}
          </PageTitle>
          {found.import.state === 'running' ? (
            <Running of={found.import} />
          ) : found.import.state === 'done' ? (
            <Done of={found} />
          ) : (
            <ImportMapping of={found} />
          )}
        </section>
      )}
    </Loaded>
  )
}

function Running({ of }: { readonly of: Import }) {
  const readAnew = useReadAnew()
  // When this view goes, the import is done or the reader turns to a list that has grown since it was read.
  useEffect(() => () => void readAnew(), [readAnew])
  const report = useReport()
  const start = useWrite(client.startImport)
  const done = of.created + of.updated + of.skipped + of.failed
  const isStuck = Date.now() - Date.parse(of.progressedAt) > 65_000
  return (
    <>
      <ProgressBar label={say('import.progress')} value={done} max={of.rowCount}>
        {say('import.progressWords', { done, all: of.rowCount })}
      </ProgressBar>
      <p className="quiet-text">{say('import.mayLeave')}</p>
      {isStuck && (
        <Notice
          kind="care"
          title={say('import.stuck')}
          actions={
            <Button
              size="small"
              busy={start.busy}
              onClick={() => report(start.send({ params: { import: of.id }, body: {} }), () => undefined)}
            >
              {say('import.again')}
            </Button>
          }
        >
          <p>{say('import.stuckText')}</p>
        </Notice>
      )}
    </>
  )
}

function Done({ of }: { readonly of: ImportRead }) {
  const { created, updated, skipped, failed } = of.import
  return (
    <>
      <Notice
        kind="done"
        title={say('import.done')}
        actions={
          <PageLink look="primary" to="/contacts">
            {say('import.toContacts')}
          </PageLink>
        }
      />
      <dl className="facts figures import-part">
        {(Object.entries({ created, updated, skipped, failed }) as [keyof typeof results, number][]).map(
          ([result, count]) => (
            <Fact key={result} title={results[result]} count={count} />
          ),
        )}
      </dl>
      <RejectedRows title={say('import.failedRows')} rows={of.failed} all={failed} />
      <RejectedRows title={say('import.skippedRows')} rows={of.skipped} all={skipped} />
    </>
  )
}

const results = {
  created: say('import.created'),
  updated: say('import.updated'),
  skipped: say('import.skipped'),
  failed: say('import.failed'),
}

function Fact({ title, count }: { readonly title: string; readonly count: number }) {
  return (
    <>
      <dt>{title}</dt>
      <dd>{count.toLocaleString('en')}</dd>
    </>
  )
}

function ThrowAway({ id, onLeaving }: { readonly id: string; readonly onLeaving: (leaving: boolean) => void }) {
  const confirm = useConfirm()
  const report = useReport()
  const toast = useToast()
  const go = useGo()
  const remove = useWrite(client.deleteImport)
  const act = async () => {
    const question = { title: say('import.deleteTitle'), text: say('import.deleteText'), act: say('import.delete') }
    if (!(await confirm(question))) return
    onLeaving(true)
    await report(remove.send({ params: { import: id } }), () => {
      toast(say('import.deleted'))
      return go({ to: '/imports' }, { replace: true })
    })
    onLeaving(false)
  }
  return (
    <Button look="quiet" busy={remove.busy} onClick={act}>
      {say('import.delete')}
    </Button>
  )
}

/** The button that began the next state has gone, and the focus with it: the page's heading takes it. */
function useFocusKept(state: string | undefined): void {
  const before = useRef(state)
  useEffect(() => {
    if (before.current !== undefined && before.current !== state && document.activeElement === document.body)
      document.querySelector<HTMLElement>('h1')?.focus()
    before.current = state
  }, [state])
}

function useRepeat(isOn: boolean, act: () => unknown, everyMilliseconds: number): void {
  const [beat, setBeat] = useState(0)
  useEffect(() => {
    if (!isOn) return
    const timer = setTimeout(async () => {
      await act()
      setBeat(beat + 1)
    }, everyMilliseconds)
    return () => clearTimeout(timer)
  }, [isOn, beat, everyMilliseconds, act])
}
