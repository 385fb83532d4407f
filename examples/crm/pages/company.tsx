import {
  Button,
  Form,
  type FormState,
  Loaded,
  PageLink,
  PageTitle,
  Skeleton,
  TextArea,
  TextField,
  useConfirm,
  useForm,
  useGo,
  useMay,
  usePageParams,
  useRead,
  useReport,
  useToast,
  useWrite,
} from 'holdfast/console'
import { useState } from 'react'
import { client } from '../client.ts'
import { say } from '../messages.ts'
import { explainConflict, LastChange, useEdit } from './edit.tsx'

type Company = Awaited<ReturnType<typeof client.readCompany>>

interface Values extends Record<string, string> {
  readonly name: string
  readonly website: string
  readonly note: string
}

const titles = { name: say('company.name'), website: say('company.website'), note: say('company.note') }

export function NewCompanyPage() {
  const go = useGo()
  const toast = useToast()
  const create = useWrite(client.createCompany)
  const form = useForm<Values, Company>({
    values: { name: '', website: '', note: '' },
    submit: (body, idempotencyKey) => create.send({ body, idempotencyKey }),
    done: ({ id, name }) => {
      toast(say('company.created', { name }))
      return go({ to: '/companies/$company', params: { company: id } }, { replace: true })
    },
  })
  return (
    <section className="narrow">
      <PageTitle title={say('companies.new')} />
      <CompanyForm form={form} act={say('company.create')} />
    </section>
  )
}

export function CompanyPage() {
  const { company } = usePageParams<'/companies/$company'>()
  const [leaving, setLeaving] = useState(false)
  // A company that is being deleted is not read again: else its last moment would be a page that says it is not there.
  return leaving ? <Skeleton /> : <OpenCompany key={company} id={company} onLeaving={setLeaving} />
}

function OpenCompany({ id, onLeaving }: { readonly id: string; readonly onLeaving: (leaving: boolean) => void }) {
  const read = useRead(client.readCompany, { params: { company: id } })
  return (
    <Loaded of={read} page>
      {(company) => <EditCompany read={company} onLeaving={onLeaving} />}
    </Loaded>
  )
}

function EditCompany({ read, onLeaving }: { readonly read: Company; readonly onLeaving: (leaving: boolean) => void }) {
  const toast = useToast()
  const { may } = useMay()
  const edit = useWrite(client.editCompany)
  const { form, opened, conflict } = useEdit<Values, Company>({
    read,
    titles,
    valuesOf,
    send: (fields, { id, version }) => edit.send({ params: { company: id }, body: { ...fields, version } }),
    saved: ({ name }) => toast(say('company.saved', { name })),
  })
  return (
    <section className="narrow">
      <PageTitle
        title={opened.name}
        actions={
          <>
            <PageLink look="button" to="/contacts" search={{ search: opened.name }}>
              {say('company.contacts')}
            </PageLink>
            {may('companies.write') && <DeleteCompany company={opened} onLeaving={onLeaving} />}
          </>
        }
      >
        <LastChange row={opened} />
      </PageTitle>
      <CompanyForm form={form} act={say('company.save')} />
      {conflict}
    </section>
  )
}

function CompanyForm({ form, act }: { readonly form: FormState<Values>; readonly act: string }) {
  return (
    <Form
      form={form}
      explain={explainConflict}
      actions={
        <>
          <Button look="primary" type="submit" busy={form.busy}>
            {act}
          </Button>
          <PageLink look="button" to="/companies">
            {say('word.cancel')}
          </PageLink>
        </>
      }
    >
      <TextField {...form.field('name')} label={titles.name} autoComplete="off" maxLength={200} required />
      <TextField {...form.field('website')} label={titles.website} autoComplete="off" maxLength={300} />
      <TextArea {...form.field('note')} label={titles.note} maxLength={10_000} />
    </Form>
  )
}

function DeleteCompany(props: { readonly company: Company; readonly onLeaving: (leaving: boolean) => void }) {
  const { company, onLeaving } = props
  const { id, name, version } = company
  const confirm = useConfirm()
  const report = useReport()
  const toast = useToast()
  const go = useGo()
  const remove = useWrite(client.deleteCompany)
  const act = async () => {
    const title = say('company.deleteTitle', { name })
    if (!(await confirm({ title, text: say('company.deleteText'), act: say('company.delete') }))) return
    onLeaving(true)
    await report(remove.send({ params: { company: id }, query: { version } }), () => {
      toast(say('company.deleted', { name }))
      return go({ to: '/companies' }, { replace: true })
    })
    onLeaving(false)
  }
  return (
    <Button look="quiet" busy={remove.busy} onClick={act}>
      {say('company.delete')}
    </Button>
  )
}

function valuesOf({ name, website, note }: Company): Values {
  return { name, website, note }
}
