import { type ReactNode, useState } from 'react'
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
              <KeyList data={data} busy={reading.isFetching} onReplace={setOpen} />
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

function KeyList(props: { readonly data: ApiKeys; readonly busy: boolean; readonly onReplace: (key: ApiKey) => void }) {
  const { data, busy, onReplace } = props
  const say = useSay()
  return (
    <ul className="keys" aria-label={say('keys.title')} aria-busy={busy || undefined}>
      {data.keys.map((key) => (
        <KeyItem key={key.id} of={key} titles={data.permissionTitles} onReplace={onReplace} />
      ))}
    </ul>
  )
}

function KeyItem(props: {
  readonly of: ApiKey
  readonly titles: ApiKeys['permissionTitles']
  readonly onReplace: (key: ApiKey) => void
}) {
  const { of, titles, onReplace } = props
  const say = useSay()
  const isOwn = useMe().data?.person.id === of.maker.person
  return (
    <li>
      <header>
        <h2>{of.name}</h2>
        <State of={of} />
      </header>
      <dl className="key-facts">
        <Fact title={say('keys.hint')}>
          <code>{of.hint}</code>
        </Fact>
        <Fact title={say('keys.maker')}>
          {of.maker.name}
          {isOwn && <span className="tag">{say('word.you')}</span>}
        </Fact>
        <Fact title={say('keys.used')}>{of.usedAt === null ? say('keys.never') : <RelativeTime at={of.usedAt} />}</Fact>
        <Fact title={say('keys.expires')}>
          <Day at={of.expiresAt} />
        </Fact>
        {of.rotatedUntil !== null && (
          <Fact title={say('keys.overlap')}>
            <RelativeTime at={of.rotatedUntil} />
          </Fact>
        )}
      </dl>
      <ul className="key-may" aria-label={say('keys.scopes')}>
        {of.scopes.map((name) => (
          <li key={name}>{titles[name] ?? name}</li>
        ))}
      </ul>
      <div className="key-actions">
        <Replace of={of} isOwn={isOwn} onReplace={onReplace} />
        <Withdraw of={of} />
      </div>
    </li>
  )
}

function Fact({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** By word and shape, where something is the matter with it. */
function State({ of: { state } }: { readonly of: ApiKey }) {
  const say = useSay()
  if (state === 'live') return null
  return (
    <p className="key-state">
      <Sign kind="care" />
      {say(`keys.state.${state}`)}
    </p>
  )
}

function Replace(props: { readonly of: ApiKey; readonly isOwn: boolean; readonly onReplace: (key: ApiKey) => void }) {
  const { of, isOwn, onReplace } = props
  const say = useSay()
  const over = of.state === 'expired' || of.state === 'ended'
  return (
    <Button
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
