import { existsSync } from 'node:fs'
import pg from 'pg'
import { expect, inject, test } from 'vitest'
import { debianBinFolder, startThrowAwayCluster } from './cluster.ts'

test('the cluster of this run takes the superuser, and no one without a password', async () => {
  const client = new pg.Client({ ...inject('superuser'), database: 'postgres' })
  await client.connect()
  const { rows } = await client.query(`select rolsuper, current_setting('fsync') as fsync from pg_roles
    where rolname = current_user`)
  await client.end()
  expect(rows).toEqual([{ rolsuper: true, fsync: 'off' }])
})

test.skipIf(!debianBinFolder)("a second one of Debian's version can stand beside it", async () => {
  const { cluster, discard } = await startThrowAwayCluster(debianBinFolder)
  expect(cluster.version).toMatch(/^15\./)
  expect(cluster.superuser.host).not.toBe(inject('superuser').host)
  await discard()
  expect(existsSync(cluster.superuser.host)).toBe(false)
})
