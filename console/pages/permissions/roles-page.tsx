import { useState } from 'react'
import { foundation, type Roles } from '../../foundation.ts'
import { Loaded } from '../../loaded.tsx'
import { useSay } from '../../messages.ts'
import { useOrganisation } from '../../person.ts'
import { useWrite } from '../../queries.ts'
import { useReport } from '../../report.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirm } from '../../ui/confirm.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { useToast } from '../../ui/toast.tsx'
import { type RoleShown, useRoles } from '../organisations/roles.ts'
import { RoleForm } from './role-form.tsx'
import './roles-page.css'

/** The roles of an organisation: its own, which are made and changed here, and the product's, which are not. */
export function RolesPage() {
  const say = useSay()
  const organisation = useOrganisation().name
  const { reading, shown } = useRoles()
  const [edited, setEdited] = useState<RoleShown | 'new'>()
  const close = () => setEdited(undefined)
  const make = (
    <Button look="primary" onClick={() => setEdited('new')}>
      {say('roles.new')}
    </Button>
  )
  const own = shown.filter(({ role }) => role.custom)
  return (
    <section>
      <PageTitle title={say('roles.title')} actions={make}>
        {say('roles.lead', { organisation })}
      </PageTitle>
      <Loaded of={reading} page>
        {(data) => (
          <>
            <section className="roles" aria-labelledby="own-roles">
              <h2 id="own-roles">{say('roles.own')}</h2>
              {own.length > 0 ? (
                <ul>
                  {own.map((one) => (
                    <RoleItem key={one.role.key} shown={one} onChange={() => setEdited(one)} />
                  ))}
                </ul>
              ) : (
                <EmptyState title={say('roles.none')}>{say('roles.noneText')}</EmptyState>
              )}
            </section>
            <section className="roles" aria-labelledby="product-roles">
              <h2 id="product-roles">{say('roles.product')}</h2>
              <ul>
                {shown
                  .filter(({ role }) => !role.custom)
                  .map((one) => (
                    <RoleItem key={one.role.key} shown={one} />
                  ))}
              </ul>
            </section>
            <RoleDialog data={data} edited={edited} onClose={close} />
          </>
        )}
      </Loaded>
    </section>
  )
}

function RoleDialog(props: {
  readonly data: Roles
  readonly edited: RoleShown | 'new' | undefined
  readonly onClose: () => void
}) {
  const { data, edited, onClose } = props
  const say = useSay()
  const shown = edited === 'new' ? undefined : edited
  const title = shown ? say('roles.changeTitle', { role: shown.title }) : say('roles.newTitle')
  return (
    <Dialog open={edited !== undefined} title={title} onClose={onClose}>
      <RoleForm data={data} role={shown?.role} onClose={onClose} />
    </Dialog>
  )
}

/** `onChange`: for a role of one's own. */
function RoleItem({ shown, onChange }: { readonly shown: RoleShown; readonly onChange?: () => void }) {
  const say = useSay()
  const { role, title, hint, may } = shown
  return (
    <li>
      <header>
        <h3>
          {title}
          {role.secondFactor && <span className="tag">{say('roles.factor')}</span>}
        </h3>
        <p className="quiet-text figures">
          {say('roles.members', { count: role.members })}
          {role.open > 0 && ` · ${say('roles.open', { count: role.open })}`}
        </p>
      </header>
      {hint && <p>{hint}.</p>}
      <ul className="role-may" aria-label={say('roles.may', { role: title })}>
        {may.map((permission) => (
          <li key={permission}>{permission}</li>
        ))}
      </ul>
      {onChange && (
        <div className="role-actions">
          <Button
            size="small"
            disabledReason={!role.yours && say('roles.mayMore')}
            aria-label={`${say('roles.change')}: ${title}`}
            onClick={onChange}
          >
            {say('roles.change')}
          </Button>
          <DeleteRole shown={shown} />
        </div>
      )}
    </li>
  )
}

function DeleteRole({ shown }: { readonly shown: RoleShown }) {
  const say = useSay()
  const confirm = useConfirm()
  const toast = useToast()
  const report = useReport()
  const remove = useWrite(foundation.deleteRole)
  const { role, title } = shown
  const act = async () => {
    const text = say('roles.deleteText')
    const question = { title: say('roles.deleteTitle', { role: title }), text, act: say('roles.deleteAct') }
    if (!(await confirm(question))) return
    await report(remove.send({ params: { id: role.key } }), () => toast(say('roles.deleted', { role: title })))
  }
  const inUse = role.members + role.open > 0
  return (
    <Button
      look="quiet"
      size="small"
      busy={remove.busy}
      disabledReason={(!role.yours && say('roles.mayMore')) || (inUse && say('roles.inUse'))}
      aria-label={`${say('roles.delete')}: ${title}`}
      onClick={act}
    >
      {say('roles.delete')}
    </Button>
  )
}
