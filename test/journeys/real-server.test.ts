import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { debianBinFolder, startThrowAwayCluster } from '../world/cluster.ts'
import { freePorts, holdfast, killTree, type Run, until } from './holdfast-process.ts'

/** A server of one's own, named by DATABASE_URL: Debian's PostgreSQL 15, reached over TCP on this machine. */
describe.skipIf(debianBinFolder === undefined)(
  'with DATABASE_URL (skipped where Debian’s postgresql-15 is not installed)',
  () => {
    let discard: () => Promise<void>
    let door: Server
    let superuser: { host: string; port: number; user: string; password: string }
    let port: number
    let run: Run | undefined
    const folder = mkdtempSync(path.join(tmpdir(), 'hf-real-'))
    const url = (user: string, password: string) =>
      `postgres://${user}:${password}@127.0.0.1:${(door.address() as { port: number }).port}/postgres`

    beforeAll(async () => {
      const started = await startThrowAwayCluster(debianBinFolder)
      discard = started.discard
      superuser = started.cluster.superuser
      // The cluster listens on a socket only; this lets TCP in.
      door = createServer((socket) => {
        const inside = connect(`${superuser.host}/.s.PGSQL.${superuser.port}`)
        socket.pipe(inside).pipe(socket)
        for (const one of [socket, inside]) one.on('error', () => one.destroy())
      })
      await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
      port = await freePorts()
    }, 60_000)
    afterAll(async () => {
      if (run) killTree(run)
      door?.close()
      await discard?.()
      rmSync(folder, { recursive: true, force: true })
    })

    it('names the right that is missing, with the statement that grants it', async () => {
      const client = new pg.Client({ ...superuser, database: 'postgres' })
      await client.connect()
      await client.query(
        "create role small login password 'small'; create role medium login createdb password 'medium'",
      )
      await client.end()
      const small = holdfast(['migrate'], {
        DATABASE_URL: url('small', 'small'),
        HOLDFAST_DATA_DIR: path.join(folder, 'small'),
      })
      expect(await small.ended).toBe(1)
      expect(small.output).toContain('ALTER ROLE small CREATEDB;')
      const medium = holdfast(['migrate'], {
        DATABASE_URL: url('medium', 'medium'),
        HOLDFAST_DATA_DIR: path.join(folder, 'medium'),
      })
      expect(await medium.ended).toBe(1)
      expect(medium.output).toContain('ALTER ROLE medium SUPERUSER;')
      expect(medium.output).not.toContain('    at ')
    }, 60_000)

    it('migrates, starts, attacks itself, and stops', async () => {
      const admin = new pg.Client({ ...superuser, database: 'postgres' })
      await admin.connect()
      await admin.query('drop database if exists holdfast_crm')
      await admin.end()
      const env = {
        DATABASE_URL: url(superuser.user, superuser.password),
        HOLDFAST_DATA_DIR: path.join(folder, 'data'),
        PORT: String(port),
      }
      const migrated = holdfast(['migrate'], env)
      expect(await migrated.ended, migrated.output).toBe(0)
      expect(migrated.output).toMatch(/holdfast_crm: \d+ applied, 0 were there/)
      run = holdfast(['start'], env)
      await until(
        () => run!.output.includes('is ready') || run!.child.exitCode !== null,
        90,
        () => run!.output,
      )
      expect(run.output).toContain('PostgreSQL at 127.0.0.1')
      expect(run.output).not.toContain(superuser.password)
      const proved = holdfast(['prove', 'tenant-isolation/rows-stay-home', 'sessions/revoked-at-once'], env)
      expect(await proved.ended, proved.output).toBe(0)
      run.child.kill('SIGTERM')
      expect(await run.ended).toBe(0)
    }, 240_000)
  },
)
