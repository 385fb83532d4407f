import { useState } from 'react'
import { foundation, type Member } from '../../foundation.ts'
import { Loaded } from '../../loaded.tsx'
import { useSay } from '../../messages.ts'
import { useOrganisation } from '../../person.ts'
import { useRead, useWrite } from '../../queries.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Select } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { SearchBox } from '../../ui/search-box.tsx'
import { useToast } from '../../ui/toast.tsx'
import { type RoleShown, useRoles } from './roles.ts'

/** For owners: another member becomes the owner in one's own place. */
export function HandOverDialog(props: { readonly open: boolean; readonly own: string; readonly onClose: () => void }) {
  const say = useSay()
  return (
    <Dialog open={props.open} title={say('ownership.handOver')} onClose={props.onClose}>
      <Candidates own={props.own} onClose={props.onClose} />
    </Dialog>
  )
}

/** Of a large organisation the first hundred are offered; the search finds the others. */
function Candidates({ own, onClose }: { readonly own: string; readonly onClose: () => void }) {
  const say = useSay()
  const [search, setSearch] = useState('')
  const [many, setMany] = useState(false)
  const members = useRead(foundation.members, { query: search ? { search } : {} })
  const { reading, shown } = useRoles()
  if (!many && members.data?.next) setMany(true)
  return (
    <div className="hand-over">
      <p className="quiet-text">{say('ownership.text')}</p>
      {many && <SearchBox label={say('members.search')} value={search} onSearch={setSearch} />}
      <Loaded of={members}>
        {({ members: found }) => (
          <Loaded of={reading}>
            {() => (
              <HandOverForm
                key={search}
                candidates={found.filter(({ person }) => person !== own)}
                roles={shown.filter(({ role }) => role.yours && role.key !== 'owner')}
                searched={search}
                onClose={onClose}
              />
            )}
          </Loaded>
        )}
      </Loaded>
    </div>
  )
}

function HandOverForm(props: {
  readonly candidates: readonly Member[]
  readonly roles: readonly RoleShown[]
  readonly searched: string
  readonly onClose: () => void
}) {
  const { candidates, roles, searched, onClose } = props
  const say = useSay()
  const toast = useToast()
  const organisation = useOrganisation().name
  const handOver = useWrite(foundation.handOwnershipOver)
  // The strongest that one may keep: whoever hands over seldom wants to lose everything.
  const usual = roles.filter(({ role }) => !role.custom).at(-1) ?? roles[0]
  const form = useForm({
    values: { person: '', keep: usual?.role.key ?? '' },
    submit: (body, idempotencyKey) => handOver.send({ body, idempotencyKey }),
    done: (_, { person }) => {
      const { name = '' } = candidates.find((one) => one.person === person) ?? {}
      toast(say('ownership.done', { name, organisation }))
      onClose()
    },
  })
  if (candidates.length === 0)
    return <p>{searched ? say('members.noMatch', { search: searched }) : say('ownership.nobody')}</p>
  return (
    <Form
      form={form}
      actions={
        <>
          <Button look="danger" type="submit" busy={form.busy}>
            {say('ownership.handOver')}
          </Button>
          <Button onClick={onClose}>{say('word.cancel')}</Button>
        </>
      }
    >
      <Select
        {...form.field('person')}
        label={say('ownership.to')}
        options={[
          { value: '', title: say('ownership.choose') },
          ...candidates.map(({ person, name, address }) => ({ value: person, title: `${name}, ${address}` })),
        ]}
        required
      />
      <Select
        {...form.field('keep')}
        label={say('ownership.keep')}
        options={roles.map(({ role, title }) => ({ value: role.key, title }))}
        required
      />
    </Form>
  )
}
