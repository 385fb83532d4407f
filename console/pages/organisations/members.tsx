import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { foundation, type Member, type Members } from '../../foundation.ts'
import { Loaded } from '../../loaded.tsx'
import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import { useMembers, useOrganisation } from '../../person.ts'
import { useRead, useWrite } from '../../queries.ts'
import { useReport } from '../../report.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirm } from '../../ui/confirm.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { Day } from '../../ui/relative-time.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { useToast } from '../../ui/toast.tsx'
import { Invitations } from './invitations.tsx'
import { InviteDialog } from './invite.tsx'
import { permission, useRoleTitle } from './roles.ts'
import { HasFactor, Mandate, ResetFactors } from './second-factor.tsx'
import './organisations.css'

export function MembersPage() {
  const say = useSay()
  const members = useMembers()
  const organisation = useOrganisation()
  const [inviting, setInviting] = useState(false)
  const may = members.data?.you.permissions.includes(permission.invite) ?? false
  return (
    <section>
      <PageTitle
        title={say('members.title')}
        actions={
          <Button
            look="primary"
            disabledReason={members.data && !may && say('invitations.mayNotInvite')}
            onClick={() => setInviting(true)}
          >
            {say('invitations.invite')}
          </Button>
        }
      >
        {organisation.name}
      </PageTitle>
      <Loaded of={members} page>
        {(data) => (
          <>
            {data.you.permissions.includes(permission.secure) ? (
              <SecuredMembers data={data} organisation={organisation.name} />
            ) : (
              <MemberTable data={data} organisation={organisation.name} />
            )}
            <Invitations data={data} />
            <InviteDialog open={inviting} role={data.you.role} onClose={() => setInviting(false)} />
          </>
        )}
      </Loaded>
    </section>
  )
}

/** For those who may: what is demanded of the members, and who falls short of it. */
function SecuredMembers({ data, organisation }: { readonly data: Members; readonly organisation: string }) {
  const reading = useRead(foundation.secondFactors)
  return (
    <>
      <Loaded of={reading} lines={2}>
        {(factors) => <Mandate factors={factors} own={data.you.person} />}
      </Loaded>
      <MemberTable data={data} organisation={organisation} without={reading.data?.without} />
    </>
  )
}

function MemberTable(props: {
  readonly data: Members
  readonly organisation: string
  /** Who has no second factor. Absent where that is not for one's eyes. */
  readonly without?: readonly string[] | undefined
}) {
  const { data, organisation, without } = props
  const say = useSay()
  const role = useRoleTitle()
  const columns: Column<Member>[] = [
    {
      key: 'name',
      title: say('members.name'),
      kind: 'main',
      cell: (member) => (
        <>
          {member.name}
          {member.person === data.you.person && <span className="tag">{say('word.you')}</span>}
        </>
      ),
    },
    { key: 'address', title: say('members.address'), cell: (member) => member.address ?? '' },
    { key: 'role', title: say('members.role'), kind: 'word', cell: (member) => role(member.role) },
    ...(without === undefined
      ? []
      : [
          {
            key: 'factor',
            title: say('members.factor'),
            cell: ({ person }: Member) => <HasFactor has={!without.includes(person)} />,
          },
        ]),
    { key: 'since', title: say('members.since'), kind: 'figures', cell: (member) => <Day at={member.joinedAt} /> },
    {
      key: 'actions',
      title: say('word.actions'),
      kind: 'actions',
      cell: (member) =>
        member.person === data.you.person ? (
          <Leave data={data} organisation={organisation} />
        ) : (
          <span className="member-actions">
            {without !== undefined && !without.includes(member.person) && <ResetFactors member={member} />}
            <Remove member={member} data={data} organisation={organisation} />
          </span>
        ),
    },
  ]
  return (
    <Table
      caption={say('members.caption', { organisation })}
      columns={columns}
      rows={data.members}
      rowKey={(member) => member.person}
    />
  )
}

function Remove(props: { readonly member: Member; readonly data: Members; readonly organisation: string }) {
  const { member, data, organisation } = props
  const say = useSay()
  const confirm = useConfirm()
  const toast = useToast()
  const report = useReport()
  const remove = useWrite(foundation.removeMember)
  const { name, person } = member
  const act = async () => {
    const text = say('members.removeText', { name, organisation })
    if (!(await confirm({ title: say('members.removeTitle', { name }), text, act: say('members.remove') }))) return
    await report(remove.send({ params: { person } }), () => toast(say('members.removed', { name })))
  }
  return (
    <Button
      look="quiet"
      size="small"
      busy={remove.busy}
      disabledReason={!data.you.permissions.includes(permission.remove) && say('members.mayNotRemove')}
      aria-label={`${say('members.remove')}: ${name}`}
      onClick={act}
    >
      {say('members.remove')}
    </Button>
  )
}

function Leave({ data, organisation }: { readonly data: Members; readonly organisation: string }) {
  const say = useSay()
  const confirm = useConfirm()
  const toast = useToast()
  const report = useReport()
  const navigate = useNavigate()
  const leave = useWrite(foundation.leave)
  const act = async () => {
    const text = say('members.leaveText')
    if (!(await confirm({ title: say('members.leaveTitle', { organisation }), text, act: say('members.leave') })))
      return
    await report(leave.send({ body: {} }), () => {
      toast(say('members.left', { organisation }))
      return navigate({ to: paths.home })
    })
  }
  return (
    <Button
      look="quiet"
      size="small"
      busy={leave.busy}
      disabledReason={data.members.length === 1 && say('members.onlyOne')}
      onClick={act}
    >
      {say('members.leave')}
    </Button>
  )
}
