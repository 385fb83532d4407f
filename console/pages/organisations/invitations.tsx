import { foundation, type Invitation, type Members } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { useWrite } from '../../queries.ts'
import { useReport } from '../../report.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirm } from '../../ui/confirm.tsx'
import { Day } from '../../ui/relative-time.tsx'
import { Table } from '../../ui/table.tsx'
import { useToast } from '../../ui/toast.tsx'
import { permission, useRoleTitle } from './roles.ts'

/** Those who were invited and have not come yet. Nothing at all where there are none. */
export function Invitations({ data }: { readonly data: Members }) {
  const say = useSay()
  const role = useRoleTitle()
  const may = data.you.permissions.includes(permission.invite)
  if (data.invitations.length === 0) return null
  return (
    <section className="invitations">
      <h2>{say('invitations.title')}</h2>
      <Table
        caption={say('invitations.caption')}
        rows={data.invitations}
        rowKey={({ id }) => id}
        columns={[
          { key: 'address', title: say('invitations.address'), kind: 'main', cell: ({ address }) => address },
          { key: 'role', title: say('invitations.role'), cell: (invitation) => role(invitation.role) },
          {
            key: 'expires',
            title: say('invitations.expires'),
            kind: 'figures',
            cell: ({ expiresAt }) => <Day at={expiresAt} />,
          },
          {
            key: 'actions',
            title: say('word.actions'),
            kind: 'actions',
            cell: (invitation) => (
              <span className="member-actions">
                <Resend invitation={invitation} may={may} />
                <Withdraw invitation={invitation} may={may} />
              </span>
            ),
          },
        ]}
      />
    </section>
  )
}

function Resend({ invitation, may }: { readonly invitation: Invitation; readonly may: boolean }) {
  const say = useSay()
  const toast = useToast()
  const report = useReport()
  const resend = useWrite(foundation.resendInvitation)
  const { id, address } = invitation
  return (
    <Button
      look="quiet"
      size="small"
      busy={resend.busy}
      disabledReason={!may && say('invitations.mayNotInvite')}
      aria-label={`${say('invitations.resend')}: ${address}`}
      onClick={() =>
        report(resend.send({ params: { id }, body: {} }), () => toast(say('invitations.resent', { address })))
      }
    >
      {say('invitations.resend')}
    </Button>
  )
}

function Withdraw({ invitation, may }: { readonly invitation: Invitation; readonly may: boolean }) {
  const say = useSay()
  const confirm = useConfirm()
  const toast = useToast()
  const report = useReport()
  const withdraw = useWrite(foundation.withdrawInvitation)
  const { id, address } = invitation
  const act = async () => {
    const question = {
      title: say('invitations.withdrawTitle', { address }),
      text: say('invitations.withdrawText'),
      act: say('invitations.withdraw'),
    }
    if (!(await confirm(question))) return
    await report(withdraw.send({ params: { id } }), () => toast(say('invitations.withdrawn', { address })))
  }
  return (
    <Button
      look="quiet"
      size="small"
      busy={withdraw.busy}
      disabledReason={!may && say('invitations.mayNotInvite')}
      aria-label={`${say('invitations.withdraw')}: ${address}`}
      onClick={act}
    >
      {say('invitations.withdraw')}
    </Button>
  )
}
