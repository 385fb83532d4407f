import {
  type Column,
  FileField,
  Loaded,
  Notice,
  PageLink,
  PageTitle,
  Problem,
  ProblemNotice,
  ProgressBar,
  RelativeTime,
  Table,
  useGo,
  useRead,
  useWrite,
} from 'holdfast/console'
import { type DragEvent, useState } from 'react'
import { client } from '../client.ts'
import { say } from '../messages.ts'
import './crm.css'

type Import = Awaited<ReturnType<typeof client.listImports>>['imports'][number]

const mostBytes = 20 * 1024 * 1024

export function ImportsPage() {
  return (
    <section>
      <PageTitle title={say('imports.title')}>{say('imports.lead')}</PageTitle>
      <Upload />
      <RecentImports />
    </section>
  )
}

/** A file by choice or by drop; what is wrong with it is said here, and the field stays for the next one. */
function Upload() {
  const go = useGo()
  const upload = useWrite(client.uploadImport)
  const [uploading, setUploading] = useState<string>()
  const [problem, setProblem] = useState<Problem>()
  const [isTooLarge, setTooLarge] = useState(false)
  const [isOver, setOver] = useState(false)

  const take = async (file: File | undefined) => {
    if (!file || uploading !== undefined) return
    setProblem(undefined)
    setTooLarge(file.size > mostBytes)
    if (file.size > mostBytes) return
    setUploading(file.name)
    try {
      const { id } = await upload.send({
        query: { name: file.name.slice(-200) },
        file: file.slice(0, file.size, 'text/csv'),
      })
      await go({ to: '/imports/$import', params: { import: id } })
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      setProblem(error)
    } finally {
      setUploading(undefined)
    }
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    void take(event.dataTransfer.files[0])
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is for the mouse; the field inside does the same by keyboard
    <div
      className={isOver ? 'drop over' : 'drop'}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      {uploading === undefined ? (
        <FileField
          name="file"
          label={say('imports.file')}
          hint={isOver ? say('imports.drop') : say('imports.fileHint')}
          accept=".csv,text/csv"
          error={isTooLarge ? say('imports.tooLarge') : undefined}
          onFile={(file) => void take(file)}
        />
      ) : (
        <ProgressBar label={say('imports.uploading', { name: uploading })} />
      )}
      {problem && <Refused problem={problem} />}
    </div>
  )
}

function Refused({ problem }: { readonly problem: Problem }) {
  if (problem.code !== 'crm/file-unreadable') return <ProblemNotice problem={problem} />
  return (
    <Notice kind="broken" title={say('imports.refused')}>
      {problem.fields.map(({ reason }) => (
        <p key={reason}>{reason}</p>
      ))}
    </Notice>
  )
}

function RecentImports() {
  const read = useRead(client.listImports)
  return (
    <Loaded of={read}>
      {({ imports }) =>
        imports.length > 0 && (
          <section className="import-part">
            <h2>{say('imports.recent')}</h2>
            <Table caption={say('imports.recent')} columns={columns} rows={imports} rowKey={({ id }) => id} />
          </section>
        )
      }
    </Loaded>
  )
}

const columns: Column<Import>[] = [
  {
    key: 'file',
    title: say('imports.fileName'),
    kind: 'main',
    cell: ({ id, fileName }) => (
      <PageLink to="/imports/$import" params={{ import: id }}>
        {fileName || say('imports.unnamed')}
      </PageLink>
    ),
  },
  { key: 'state', title: say('imports.state'), cell: ({ state }) => say(`state.${state}`) },
  { key: 'rows', title: say('imports.rows'), kind: 'figures', cell: ({ rowCount }) => rowCount.toLocaleString('en') },
  { key: 'at', title: say('imports.at'), cell: ({ uploadedAt }) => <RelativeTime at={uploadedAt} /> },
]
