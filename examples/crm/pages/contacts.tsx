import {
  type Column,
  EmptyState,
  Loaded,
  LoadMore,
  PageLink,
  PageTitle,
  SearchBox,
  Table,
  useMay,
  useOrganisation,
  usePageSearch,
  useReadMore,
} from 'holdfast/console'
import { client } from '../client.ts'
import { say } from '../messages.ts'

type Listed = Awaited<ReturnType<typeof client.listContacts>>['contacts'][number]

export function ContactsPage() {
  const [{ search = '' }, setSearch] = usePageSearch()
  const organisation = useOrganisation().id
  const { may } = useMay()
  const contacts = useReadMore(
    client.listContacts,
    (cursor) => ({ query: { q: search, ...(cursor ? { cursor } : {}) } }),
    (answer) => answer.next,
  )
  return (
    <section>
      <PageTitle
        title={say('contacts.title')}
        actions={
          <>
            <a
              className="button plain usual"
              href={client.exportContacts.address({ organisation })}
              download
              aria-label={say('contacts.exportHint')}
            >
              {say('contacts.export')}
            </a>
            {may('contacts.write') && <NewContactLink />}
          </>
        }
      />
      <SearchBox label={say('contacts.search')} value={search} onSearch={(text) => setSearch({ search: text })} />
      <Loaded of={contacts}>
        {(pages) => {
          const rows = pages.flatMap((page) => page.contacts)
          if (rows.length === 0) return search ? <NoMatch search={search} /> : <NoContacts />
          return (
            <>
              <Table
                caption={say('contacts.title')}
                columns={columns}
                rows={rows}
                rowKey={({ id }) => id}
                busy={contacts.isFetching}
              />
              <LoadMore
                more={contacts.hasNextPage ? () => void contacts.fetchNextPage() : undefined}
                busy={contacts.isFetchingNextPage}
              />
            </>
          )
        }}
      </Loaded>
    </section>
  )
}

const columns: Column<Listed>[] = [
  {
    key: 'name',
    title: say('contact.name'),
    kind: 'main',
    cell: ({ id, name }) => (
      <PageLink to="/contacts/$contact" params={{ contact: id }}>
        {name}
      </PageLink>
    ),
  },
  {
    key: 'company',
    title: say('contact.company'),
    cell: ({ companyId, companyName }) =>
      companyId && (
        <PageLink to="/companies/$company" params={{ company: companyId }}>
          {companyName}
        </PageLink>
      ),
  },
  { key: 'jobTitle', title: say('contact.jobTitle'), cell: ({ jobTitle }) => jobTitle },
  {
    key: 'email',
    title: say('contact.email'),
    cell: ({ email }) => email && <a href={`mailto:${encodeURIComponent(email).replace('%40', '@')}`}>{email}</a>,
  },
  {
    key: 'phone',
    title: say('contact.phone'),
    kind: 'figures',
    cell: ({ phone }) => phone && <a href={`tel:${phone.replace(/[^\d+]/g, '')}`}>{phone}</a>,
  },
]

function NewContactLink() {
  return (
    <PageLink look="primary" to="/contacts/new">
      {say('contacts.new')}
    </PageLink>
  )
}

function NoContacts() {
  const { may } = useMay()
  return (
    <EmptyState
      title={say('contacts.none')}
      action={
        may('contacts.write') && (
          <>
            <NewContactLink />{' '}
            <PageLink look="button" to="/imports">
              {say('contacts.import')}
            </PageLink>
          </>
        )
      }
    >
      {say('contacts.noneText')}
    </EmptyState>
  )
}

function NoMatch({ search }: { readonly search: string }) {
  return (
    <EmptyState
      title={say('contacts.noMatch', { search })}
      action={
        <PageLink look="button" to="/contacts">
          {say('contacts.clear')}
        </PageLink>
      }
    >
      {say('contacts.noMatchText')}
    </EmptyState>
  )
}
