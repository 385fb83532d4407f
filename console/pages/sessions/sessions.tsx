import { foundation, type OwnSession } from '../../foundation.ts'
import { Loaded } from '../../loaded.tsx'
import { useSay } from '../../messages.ts'
import { useRead, useWrite } from '../../queries.ts'
import { useReport } from '../../report.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirm } from '../../ui/confirm.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { RelativeTime } from '../../ui/relative-time.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Where one is signed in, and the way to end it there. */
export function SessionsPage() {
  const say = useSay()
  const sessions = useRead(foundation.ownSessions)
  const others = sessions.data?.sessions.filter(({ current }) => !current).length
  return (
    <>
      <PageTitle title={say('sessions.title')} actions={<EndOthers count={others} />}>
        {say('sessions.text')}
      </PageTitle>
      <Loaded of={sessions} page>
        {(data) => <SessionTable sessions={data.sessions} busy={sessions.isFetching} />}
      </Loaded>
      <p className="quiet-text">{say('sessions.place')}</p>
    </>
  )
}

function SessionTable({ sessions, busy }: { readonly sessions: readonly OwnSession[]; readonly busy: boolean }) {
  const say = useSay()
  const columns: Column<OwnSession>[] = [
    {
      key: 'device',
      title: say('sessions.device'),
      kind: 'main',
      cell: ({ device, current }) => (
        <>
          {device || say('sessions.unknownDevice')}
          {current && <span className="tag">{say('sessions.this')}</span>}
        </>
      ),
    },
    {
      key: 'address',
      title: say('sessions.address'),
      cell: ({ address }) => address || say('sessions.unknownAddress'),
    },
    {
      key: 'used',
      title: say('sessions.used'),
      kind: 'figures',
      cell: ({ usedAt, current }) => (current ? say('sessions.now') : <RelativeTime at={usedAt} />),
    },
    {
      key: 'started',
      title: say('sessions.started'),
      kind: 'figures',
      cell: ({ startedAt }) => <RelativeTime at={startedAt} />,
    },
    {
      key: 'actions',
      title: say('word.actions'),
      kind: 'actions',
      cell: (session) => (session.current ? null : <End session={session} />),
    },
  ]
  return (
    <Table
      caption={say('sessions.title')}
      columns={columns}
      rows={sessions}
      rowKey={({ session }) => session}
      busy={busy}
    />
  )
}

function End({ session: { session, device, address } }: { readonly session: OwnSession }) {
  const say = useSay()
  const confirm = useConfirm()
  const toast = useToast()
  const report = useReport()
  const end = useWrite(foundation.endOwnSession)
  const named = device || say('sessions.unknownDevice')
  const act = async () => {
    const question = {
      title: say('sessions.endTitle', { device: named }),
      text: say('sessions.endText'),
      act: say('sessions.end'),
    }
    if (!(await confirm(question))) return
    await report(end.send({ params: { session } }), () => toast(say('sessions.ended', { device: named })))
  }
  return (
    <Button
      look="quiet"
      size="small"
      busy={end.busy}
      aria-label={`${say('sessions.end')}: ${named}, ${address || say('sessions.unknownAddress')}`}
      onClick={act}
    >
      {say('sessions.end')}
    </Button>
  )
}

function EndOthers({ count }: { readonly count: number | undefined }) {
  const say = useSay()
  const confirm = useConfirm()
  const toast = useToast()
  const report = useReport()
  const end = useWrite(foundation.endOtherSessions)
  const act = async () => {
    const question = {
      title: say('sessions.endOthersTitle'),
      text: say('sessions.endOthersText'),
      act: say('sessions.endOthers'),
    }
    if (!(await confirm(question))) return
    await report(end.send({ body: {} }), ({ ended }) => toast(say('sessions.endedOthers', { count: ended })))
  }
  return (
    <Button busy={end.busy} disabledReason={count === 0 && say('sessions.noOthers')} onClick={act}>
      {say('sessions.endOthers')}
    </Button>
  )
}
