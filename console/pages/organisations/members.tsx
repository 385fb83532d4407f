import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { foundation, type Member, type Members } from '../../foundation.ts'
import { Loaded } from '../../loaded.tsx'
import { useSay } from '../../messages.ts'
import { usePageSearch } from '../../page-link.tsx'
import { paths } from '../../paths.ts'
import { useMay, useOrganisation } from '../../person.ts'
import { useRead, useReadMore, useWrite } from '../../queries.ts'
import { useReport } from '../../report.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirm } from '../../ui/confirm.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { LoadMore } from '../../ui/pagination.tsx'
import { Day } from '../../ui/relative-time.tsx'
import { SearchBox } from '../../ui/search-box.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { useToast } from '../../ui/toast.tsx'
import { GiveRoleDialog } from './give-role.tsx'
import { HandOverDialog } from './hand-over.tsx'
import { Invitations } from './invitations.tsx'
import { InviteDialog } from './invite.tsx'
import { permission, useRoles, useRoleTitle } from './roles.ts'
import { HasFactor, Mandate, ResetFactors } from './second-factor.tsx'
import './organisations.css'

export function MembersPage() {
  const say = useSay()
  const { known, may } = useMay()
  const [{ search = '' }, setSearch] = usePageSearch()
  const members = useReadMore(
    foundation.members,
    (after) => ({ query: { ...(search ? { search } : {}), ...(after ? { after } : {}) } }),
    (answer) => answer.next,
  )
  const organisation = useOrganisation().name
  const [inviting, setInviting] = useState(false)
  // Once there was more than a page there is something to search, also when little was found.
  const [many, setMany] = useState(search !== '')
  if (!many && members.data?.[0]?.next) setMany(true)
  return (
    <section>
      <PageTitle
        title={say('members.title')}
        actions={
          <Button
            look="primary"
            disabledReason={known && !may(permission.invite) && say('invitations.mayNotInvite')}
            onClick={() => setInviting(true)}
          >
            {say('invitations.invite')}
          </Button>
        }
      >
        {organisation}
      </PageTitle>
      {may(permission.secure) && <Demand />}
      {many && (
        <SearchBox label={say('members.search')} value={search} onSearch={(text) => setSearch({ search: text })} />
      )}
      <Loaded of={members} page>
        {(pages) => {
          const data = { ...pages[0]!, members: pages.flatMap((page) => page.members) }
          const more = members.hasNextPage ? () => void members.fetchNextPage() : undefined
          return (
            <>
              <MemberTable data={data} organisation={organisation} search={search} />
              {many && <LoadMore more={more} busy={members.isFetchingNextPage} />}
              <Invitations data={data} />
              <InviteDialog open={inviting} onClose={() => setInviting(false)} />
            </>
          )
        }}
      </Loaded>
    </section>
  )
}

/** For those who may: what is demanded of the members, and how many fall short of it. */
function Demand() {
  return (
    <Loaded of={useRead(foundation.secondFactors)} lines={2}>
      {(factors) => <Mandate factors={factors} />}
    </Loaded>
  )
}

/** What is asked about a member, in a dialog. */
interface Asked {
  readonly what: 'role' | 'ownership'
  readonly member: Member
}

interface Listed {
  readonly data: Members
  readonly organisation: string
  readonly search: string
}

function MemberTable(props: Listed) {
  const { data, organisation, search } = props
  const say = useSay()
  const [asked, setAsked] = useState<Asked>()
  const columns = useColumns(props, setAsked)
  if (data.members.length === 0)
    return <EmptyState title={say('members.noMatch', { search })}>{say('members.noMatchText')}</EmptyState>
  const own = data.you.person
  const close = () => setAsked(undefined)
  return (
    <>
      <Table
        caption={say('members.caption', { organisation })}
        columns={columns}
        rows={data.members}
        rowKey={(member) => member.person}
      />
      {/* Beside the table: inside a cell they would be set as the cell is. */}
      <GiveRoleDialog
        member={asked?.what === 'role' ? asked.member : undefined}
        own={asked?.member.person === own}
        onClose={close}
      />
      <HandOverDialog open={asked?.what === 'ownership'} own={own} onClose={close} />
    </>
  )
}

function useColumns({ data, organisation, search }: Listed, onAsk: (asked: Asked) => void): Column<Member>[] {
  const say = useSay()
  const role = useRoleTitle()
  const isOwn = ({ person }: Member) => person === data.you.person
  return [
    {
      key: 'name',
      title: say('members.name'),
      kind: 'main',
      cell: (member) => (
        <>
          {member.name}
          {isOwn(member) && <span className="tag">{say('word.you')}</span>}
        </>
      ),
    },
    { key: 'address', title: say('members.address'), cell: (member) => member.address ?? '' },
    { key: 'role', title: say('members.role'), cell: (member) => role(member.role) },
    ...(data.you.permissions.includes(permission.secure)
      ? [
          {
            key: 'factor',
            title: say('members.factor'),
            cell: ({ secondFactor }: Member) => <HasFactor has={secondFactor === true} />,
          },
        ]
      : []),
    { key: 'since', title: say('members.since'), kind: 'figures', cell: (member) => <Day at={member.joinedAt} /> },
    {
      key: 'actions',
      title: say('word.actions'),
      kind: 'actions',
      cell: (member) => (
        <span className="member-actions">
          {data.you.permissions.includes(permission.roles) && <ChangeRole member={member} onAsk={onAsk} />}
          {isOwn(member) && member.role === 'owner' && (
            <Button look="quiet" size="small" onClick={() => onAsk({ what: 'ownership', member })}>
              {say('ownership.handOver')}
            </Button>
          )}
          {!isOwn(member) && member.secondFactor && <ResetFactors member={member} />}
          {isOwn(member) ? (
            <Leave alone={data.members.length === 1 && search === ''} organisation={organisation} />
          ) : (
            <Remove member={member} data={data} organisation={organisation} />
          )}
        </span>
      ),
    },
  ]
}

function ChangeRole({ member, onAsk }: { readonly member: Member; readonly onAsk: (asked: Asked) => void }) {
  const say = useSay()
  const { reading } = useRoles()
  const theirs = reading.data?.roles.find(({ key }) => key === member.role)
  return (
    <Button
      look="quiet"
      size="small"
      disabledReason={theirs && !theirs.yours && say('members.mayMore', { name: member.name })}
      aria-label={`${say('members.changeRole')}: ${member.name}`}
      onClick={() => onAsk({ what: 'role', member })}
    >
      {say('members.changeRole')}
    </Button>
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

function Leave({ alone, organisation }: { readonly alone: boolean; readonly organisation: string }) {
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
    <Button look="quiet" size="small" busy={leave.busy} disabledReason={alone && say('members.onlyOne')} onClick={act}>
      {say('members.leave')}
    </Button>
  )
}
