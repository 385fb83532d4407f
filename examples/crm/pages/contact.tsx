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
  useOrganisation,
  usePageParams,
  useRead,
  useReport,
  useToast,
  useWrite,
} from 'holdfast/console'
import { useState } from 'react'
import { client } from '../client.ts'
import { say } from '../messages.ts'
import { CompanyField } from './company-field.tsx'
import { companyOfName } from './company-of-name.ts'
import { explainConflict, LastChange, useEdit } from './edit.tsx'

type Contact = Awaited<ReturnType<typeof client.readContact>>

interface Values extends Record<string, string> {
  readonly name: string
  readonly email: string
  readonly phone: string
  readonly jobTitle: string
  readonly company: string
  readonly note: string
}

const titles = {
  name: say('contact.name'),
  email: say('contact.email'),
  phone: say('contact.phone'),
  jobTitle: say('contact.jobTitle'),
  company: say('contact.company'),
  note: say('contact.note'),
}

export function NewContactPage() {
  const organisation = useOrganisation().id
  const go = useGo()
  const toast = useToast()
  const create = useWrite(client.createContact)
  const form = useForm<Values, Contact>({
    values: { name: '', email: '', phone: '', jobTitle: '', company: '', note: '' },
    submit: async ({ company, ...fields }, idempotencyKey) =>
      create.send({ body: { ...fields, companyId: await companyOfName(organisation, company) }, idempotencyKey }),
    done: ({ id, name }) => {
      toast(say('contact.created', { name }))
      return go({ to: '/contacts/$contact', params: { contact: id } }, { replace: true })
    },
  })
  return (
    <section className="narrow">
      <PageTitle title={say('contacts.new')} />
      <ContactForm form={form} act={say('contact.create')} />
    </section>
  )
}

export function ContactPage() {
  const { contact } = usePageParams<'/contacts/$contact'>()
  const [leaving, setLeaving] = useState(false)
  // A contact that is being deleted is not read again: else its last moment would be a page that says it is not there.
  return leaving ? <Skeleton /> : <OpenContact key={contact} id={contact} onLeaving={setLeaving} />
}

function OpenContact({ id, onLeaving }: { readonly id: string; readonly onLeaving: (leaving: boolean) => void }) {
  const read = useRead(client.readContact, { params: { contact: id } })
  return (
    <Loaded of={read} page>
      {(contact) => <EditContact read={contact} onLeaving={onLeaving} />}
    </Loaded>
  )
}

function EditContact({ read, onLeaving }: { readonly read: Contact; readonly onLeaving: (leaving: boolean) => void }) {
  const organisation = useOrganisation().id
  const toast = useToast()
  const { may } = useMay()
  const edit = useWrite(client.editContact)
  const { form, opened, conflict } = useEdit<Values, Contact>({
    read,
    titles,
    valuesOf,
    send: async ({ company, ...fields }, { id, version, companyId, companyName }) => {
      const isSame = company === (companyName ?? '')
      const body = { ...fields, version, companyId: isSame ? companyId : await companyOfName(organisation, company) }
      return edit.send({ params: { contact: id }, body })
    },
    saved: ({ name }) => toast(say('contact.saved', { name })),
  })
  return (
    <section className="narrow">
      <PageTitle
        title={opened.name}
        actions={may('contacts.write') && <DeleteContact contact={opened} onLeaving={onLeaving} />}
      >
        <LastChange row={opened} />
      </PageTitle>
      <ContactForm form={form} act={say('contact.save')} />
      {conflict}
    </section>
  )
}

function ContactForm({ form, act }: { readonly form: FormState<Values>; readonly act: string }) {
  return (
    <Form
      form={form}
      explain={explainConflict}
      actions={
        <>
          <Button look="primary" type="submit" busy={form.busy}>
            {act}
          </Button>
          <PageLink look="button" to="/contacts">
            {say('word.cancel')}
          </PageLink>
        </>
      }
    >
      <TextField {...form.field('name')} label={titles.name} autoComplete="off" maxLength={200} required />
      <TextField {...form.field('email')} label={titles.email} type="email" autoComplete="off" maxLength={254} />
      <TextField {...form.field('phone')} label={titles.phone} type="tel" autoComplete="off" maxLength={50} />
      <CompanyField {...form.field('company')} />
      <TextField {...form.field('jobTitle')} label={titles.jobTitle} autoComplete="off" maxLength={200} />
      <TextArea {...form.field('note')} label={titles.note} maxLength={10_000} />
    </Form>
  )
}

function DeleteContact(props: { readonly contact: Contact; readonly onLeaving: (leaving: boolean) => void }) {
  const { contact, onLeaving } = props
  const { id, name, version } = contact
  const confirm = useConfirm()
  const report = useReport()
  const toast = useToast()
  const go = useGo()
  const remove = useWrite(client.deleteContact)
  const act = async () => {
    const title = say('contact.deleteTitle', { name })
    if (!(await confirm({ title, text: say('contact.deleteText'), act: say('contact.delete') }))) return
    onLeaving(true)
    await report(remove.send({ params: { contact: id }, query: { version } }), () => {
      toast(say('contact.deleted', { name }))
      return go({ to: '/contacts' }, { replace: true })
    })
    onLeaving(false)
  }
  return (
    <Button look="quiet" busy={remove.busy} onClick={act}>
      {say('contact.delete')}
    </Button>
  )
}

function valuesOf({ name, email, phone, jobTitle, companyName, note }: Contact): Values {
  return { name, email, phone, jobTitle, company: companyName ?? '', note }
}
