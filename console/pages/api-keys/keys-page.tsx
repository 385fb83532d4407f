import { useState } from 'react'
import { type ApiKey, type ApiKeys, foundation } from '../../foundation.ts'
import { Loaded } from '../../loaded.tsx'
import { useSay } from '../../messages.ts'
import { useMe, useOrganisation } from '../../person.ts'
import { useRead, useWrite } from '../../queries.ts'
import { useReport } from '../../report.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirm } from '../../ui/confirm.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { Day, RelativeTime } from '../../ui/relative-time.tsx'
import { Sign } from '../../ui/sign.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { useToast } from '../../ui/toast.tsx'
import { KeyShownDialog } from './key-shown.tsx'
import { NewKeyDialog } from './new-key.tsx'
import { ReplaceKeyDialog } from './replace-key.tsx'
import './keys-page.css'

/** The API keys of an organisation: made and replaced by their makers, withdrawn by whoever may make any. */
export function KeysPage() {
  const say = useSay()
  const organisation = useOrganisation().name
  const reading = useRead(foundation.keys)
  const [open, setOpen] = useState<'new' | ApiKey>()
  const [shown, setShown] = useState<string>()
  const close = () => setOpen(undefined)
  const show = (key: string) => {
    close()
    setShown(key)
  }
  return (
    <section>
      <PageTitle
        title={say('keys.title')}
        actions={
          <Button look="primary" onClick={() => setOpen('new')}>
            {say('keys.new')}
          </Button>
        }
      >
        {say('keys.lead', { organisation })}
      </PageTitle>
      <Loaded of={reading} page>
        {(data) => (
          <>
            {data.keys.length > 0 ? (
              <KeyTable data={data} busy={reading.isFetching} onReplace={setOpen} />
            ) : (
              <EmptyState title={say('keys.none')}>{say('keys.noneText')}</EmptyState>
            )}
            <p className="quiet-text key-pattern">
              {say('keys.pattern')} <code>{data.pattern}</code>
            </p>
            <NewKeyDialog data={data} open={open === 'new'} onClose={close} onMade={show} />
            <ReplaceKeyDialog replaced={open === 'new' ? undefined : open} onClose={close} onMade={show} />
          </>
        )}
      </Loaded>
      <KeyShownDialog text={shown} onClose={() => setShown(undefined)} />
    </section>
  )
}

function KeyTable(props: {
  readonly data: ApiKeys
  readonly busy: boolean
  readonly onReplace: (key: ApiKey) => void
}) {
  const { data, busy, onReplace } = props
  const say = useSay()
  const own = useMe().data?.person.id
  const columns: Column<ApiKey>[] = [
    { key: 'name', title: say('keys.name'), kind: 'main', cell: (key) => <Named of={key} /> },
    {
      key: 'scopes',
      title: say('keys.scopes'),
      cell: ({ scopes }) => (
        <span className="key-scopes">{scopes.map((name) => data.permissionTitles[name] ?? name).join(' · ')}</span>
      ),
    },
    {
      key: 'maker',
      title: say('keys.maker'),
      cell: ({ maker }) => (
        <>
          {maker.name}
          {maker.person === own && <span className="tag">{say('word.you')}</span>}
        </>
      ),
    },
    {
      key: 'used',
      title: say('keys.used'),
      kind: 'figures',
      cell: ({ usedAt }) => (usedAt === null ? say('keys.never') : <RelativeTime at={usedAt} />),
    },
    { key: 'expires', title: say('keys.expires'), kind: 'figures', cell: ({ expiresAt }) => <Day at={expiresAt} /> },
    {
      key: 'actions',
      title: say('word.actions'),
      kind: 'actions',
      cell: (key) => (
        <span className="key-actions">
          <Replace of={key} isOwn={key.maker.person === own} onReplace={onReplace} />
          <Withdraw of={key} />
        </span>
      ),
    },
  ]
  return <Table caption={say('keys.title')} columns={columns} rows={data.keys} rowKey={({ id }) => id} busy={busy} />
}

/** What it is called, what its text ends in, and whether something is the matter with it. */
function Named({ of: { name, hint, state, rotatedUntil } }: { readonly of: ApiKey }) {
  const say = useSay()
  return (
    <span className="key-named">
      <span>{name}</span>
      <span className="quiet-text figures">{say('keys.hint', { hint })}</span>
      {state !== 'live' && (
        <span className="key-state">
          <Sign kind="care" />
          {say(`keys.state.${state}`)}
        </span>
      )}
      {rotatedUntil !== null && (
        <span className="quiet-text">
          {say('keys.overlap')} <RelativeTime at={rotatedUntil} />
        </span>
      )}
    </span>
  )
}

function Replace(props: { readonly of: ApiKey; readonly isOwn: boolean; readonly onReplace: (key: ApiKey) => void }) {
  const { of, isOwn, onReplace } = props
  const say = useSay()
  const over = of.state === 'expired' || of.state === 'ended'
  return (
    <Button
      look="quiet"
      size="small"
      disabledReason={(!isOwn && say('keys.notYours', { name: of.maker.name })) || (over && say('keys.over'))}
      aria-label={`${say('keys.replace')}: ${of.name}`}
      onClick={() => onReplace(of)}
    >
      {say('keys.replace')}
    </Button>
  )
}

function Withdraw({ of: { id, name } }: { readonly of: ApiKey }) {
  const say = useSay()
  const confirm = useConfirm()
  const toast = useToast()
  const report = useReport()
  const withdraw = useWrite(foundation.withdrawKey)
  const act = async () => {
    const question = {
      title: say('keys.withdrawTitle', { name }),
      text: say('keys.withdrawText'),
      act: say('keys.withdrawAct'),
    }
    if (!(await confirm(question))) return
    await report(withdraw.send({ params: { id } }), () => toast(say('keys.withdrawn', { name })))
  }
  return (
    <Button
      look="quiet"
      size="small"
      busy={withdraw.busy}
      aria-label={`${say('keys.withdraw')}: ${name}`}
      onClick={act}
    >
      {say('keys.withdraw')}
    </Button>
  )
}
