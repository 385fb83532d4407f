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
  usePageSearch,
  useReadMore,
} from 'holdfast/console'
import { client } from '../client.ts'
import { say } from '../messages.ts'

type Listed = Awaited<ReturnType<typeof client.listCompanies>>['companies'][number]

export function CompaniesPage() {
  const [{ search = '' }, setSearch] = usePageSearch()
  const { may } = useMay()
  const companies = useReadMore(
    client.listCompanies,
    (cursor) => ({ query: { q: search, ...(cursor ? { cursor } : {}) } }),
    (answer) => answer.next,
  )
  return (
    <section>
      <PageTitle title={say('companies.title')} actions={may('companies.write') && <NewCompanyLink />} />
      <SearchBox label={say('companies.search')} value={search} onSearch={(text) => setSearch({ search: text })} />
      <Loaded of={companies}>
        {(pages) => {
          const rows = pages.flatMap((page) => page.companies)
          if (rows.length === 0) return search ? <NoMatch search={search} /> : <NoCompanies />
          return (
            <>
              <Table
                caption={say('companies.title')}
                columns={columns}
                rows={rows}
                rowKey={({ id }) => id}
                busy={companies.isFetching}
              />
              <LoadMore
                more={companies.hasNextPage ? () => void companies.fetchNextPage() : undefined}
                busy={companies.isFetchingNextPage}
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
    title: say('company.name'),
    kind: 'main',
    cell: ({ id, name }) => (
      <PageLink to="/companies/$company" params={{ company: id }}>
        {name}
      </PageLink>
    ),
  },
  { key: 'website', title: say('company.website'), cell: ({ website }) => website },
]

function NewCompanyLink() {
  return (
    <PageLink look="primary" to="/companies/new">
      {say('companies.new')}
    </PageLink>
  )
}

function NoCompanies() {
  const { may } = useMay()
  return (
    <EmptyState title={say('companies.none')} action={may('companies.write') && <NewCompanyLink />}>
      {say('companies.noneText')}
    </EmptyState>
  )
}

function NoMatch({ search }: { readonly search: string }) {
  return (
    <EmptyState
      title={say('companies.noMatch', { search })}
      action={
        <PageLink look="button" to="/companies">
          {say('contacts.clear')}
        </PageLink>
      }
    >
      {say('companies.noMatchText')}
    </EmptyState>
  )
}
