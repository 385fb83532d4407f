import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { foundation, type Me } from '../../foundation.ts'
import { Loaded } from '../../loaded.tsx'
import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import { useMe } from '../../person.ts'
import type { Problem } from '../../problem.ts'
import { useRead, useReadAnew, useWrite } from '../../queries.ts'
import { useReport } from '../../report.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirm } from '../../ui/confirm.tsx'
import { TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { ProblemNotice } from '../../ui/problem-notice.tsx'
import { useToast } from '../../ui/toast.tsx'
import './account.css'

/** One's own account: name, address, password, and the way out. */
export function AccountPage() {
  const say = useSay()
  const me = useMe().data
  if (!me) return null
  return (
    <>
      <PageTitle title={say('account.title')} />
      <div className="account-parts">
        <Name me={me} />
        <Address me={me} />
        <Password me={me} />
        <Deletion me={me} />
      </div>
    </>
  )
}

function Name({ me }: { readonly me: Me }) {
  const say = useSay()
  const toast = useToast()
  const readAnew = useReadAnew()
  const form = useForm({
    values: { name: me.person.name },
    submit: (body) => foundation.rename({ body }),
    done: async (_, values) => {
      form.reset(values)
      toast(say('account.nameSaved'))
      await readAnew()
    },
  })
  return (
    <section aria-labelledby="account-name">
      <h2 id="account-name">{say('account.nameTitle')}</h2>
      <Form
        form={form}
        actions={
          <Button type="submit" busy={form.busy}>
            {say('account.saveName')}
          </Button>
        }
      >
        <TextField {...form.field('name')} label={say('account.name')} autoComplete="name" maxLength={200} required />
      </Form>
    </section>
  )
}

function Address({ me }: { readonly me: Me }) {
  const say = useSay()
  const reading = useRead(foundation.account)
  const readAnew = useReadAnew()
  const form = useForm({
    values: { address: '' },
    submit: (body) => foundation.askAddressChange({ body }),
    done: async () => {
      form.reset({ address: '' })
      await readAnew()
    },
  })
  return (
    <section aria-labelledby="account-address">
      <h2 id="account-address">{say('account.addressTitle')}</h2>
      <p className="quiet-text">{say('account.addressNow', { address: me.person.address })}</p>
      <Loaded of={reading} lines={1}>
        {({ addressChange }) => addressChange && <Waiting change={addressChange} />}
      </Loaded>
      <Form
        form={form}
        actions={
          <Button type="submit" busy={form.busy}>
            {say('account.changeAddress')}
          </Button>
        }
      >
        <TextField
          {...form.field('address')}
          label={say('account.newAddress')}
          type="email"
          autoComplete="email"
          required
        />
      </Form>
    </section>
  )
}

function Waiting({
  change,
}: {
  readonly change: { readonly address: string; readonly waitsFor: 'both' | 'new' | 'old' }
}) {
  const say = useSay()
  const toast = useToast()
  const report = useReport()
  const drop = useWrite(foundation.dropAddressChange)
  const { address, waitsFor } = change
  const texts = {
    both: say('account.waitsBoth', { address }),
    new: say('account.waitsNew', { address }),
    old: say('account.waitsOld'),
  }
  const giveUp = () => report(drop.send(), () => toast(say('account.dropped')))
  return (
    <Notice
      kind="care"
      title={say('account.waitsTitle', { address })}
      actions={
        <Button busy={drop.busy} onClick={giveUp}>
          {say('account.dropChange')}
        </Button>
      }
    >
      <p>{texts[waitsFor]}</p>
    </Notice>
  )
}

function Password({ me }: { readonly me: Me }) {
  const say = useSay()
  const toast = useToast()
  const form = useForm({
    values: { current: '', password: '' },
    submit: (body) => foundation.changePassword({ body }),
    done: () => {
      form.reset({ current: '', password: '' })
      toast(say('account.passwordChanged'))
    },
  })
  return (
    <section aria-labelledby="account-password">
      <h2 id="account-password">{say('account.passwordTitle')}</h2>
      <p className="quiet-text">{say('account.passwordText')}</p>
      <Form
        form={form}
        actions={
          <Button type="submit" busy={form.busy}>
            {say('account.changePassword')}
          </Button>
        }
      >
        {/* For password managers: whose password this is. */}
        <input type="text" name="username" autoComplete="username" value={me.person.address} readOnly hidden />
        <TextField
          {...form.field('current')}
          label={say('account.current')}
          type="password"
          autoComplete="current-password"
          required
        />
        <TextField
          {...form.field('password')}
          label={say('newPassword.label')}
          hint={say('signUp.passwordHint')}
          type="password"
          autoComplete="new-password"
          required
        />
      </Form>
    </section>
  )
}

function Deletion({ me }: { readonly me: Me }) {
  const say = useSay()
  const confirm = useConfirm()
  const toast = useToast()
  const navigate = useNavigate()
  const readAnew = useReadAnew()
  const [problem, setProblem] = useState<Problem>()
  const [busy, setBusy] = useState(false)
  const close = async () => {
    const sure = await confirm({
      title: say('account.deleteQuestion'),
      text: say('account.deleteText'),
      act: say('account.delete'),
    })
    if (!sure) return
    setBusy(true)
    try {
      await foundation.closeAccount({ body: {} })
      toast(say('account.closed'))
      await navigate({ to: paths.signIn })
      await readAnew()
    } catch (refused) {
      setProblem(refused as Problem)
    } finally {
      setBusy(false)
    }
  }
  return (
    <section aria-labelledby="account-delete">
      <h2 id="account-delete">{say('account.deleteTitle')}</h2>
      <p className="quiet-text">{say('account.deleteText')}</p>
      {problem && <OwnerNeeded problem={problem} me={me} />}
      <div className="form-actions">
        <Button look="danger" busy={busy} onClick={close}>
          {say('account.delete')}
        </Button>
      </div>
    </section>
  )
}

/** Names the organisations that stand in the way, and leads there; any other problem as ever. */
function OwnerNeeded({ problem, me }: { readonly problem: Problem; readonly me: Me }) {
  const say = useSay()
  if (problem.code !== 'accounts/owner-needed') return <ProblemNotice problem={problem} />
  const ids = problem.extra.organisations as readonly string[]
  const mine = me.organisations.filter(({ id }) => ids.includes(id))
  return (
    <Notice kind="broken" title={say('account.ownerNeeded')}>
      <p>{say('account.ownerNeededText')}</p>
      <ul>
        {mine.map(({ id, name }) => (
          <li key={id}>
            <a href={`/o/${id}${paths.members}`}>{name}</a>
          </li>
        ))}
      </ul>
    </Notice>
  )
}
