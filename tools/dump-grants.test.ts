import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { startThrowAwayCluster } from '../test/world/cluster.ts'
import { drawManifest } from './dump-grants.ts'

// A cluster of its own: preparing a database sets the passwords of roles that all databases of a cluster share.
test('manifest.ts is what the migrations make', async () => {
  const { cluster, discard } = await startThrowAwayCluster()
  try {
    const manifest = new URL('../src/controls/tenant-isolation/manifest.ts', import.meta.url)
    expect(
      await drawManifest(cluster.superuser),
      'run `node bin/node24.mjs tools/dump-grants.ts`, and review what changed',
    ).toBe(await readFile(manifest, 'utf8'))
  } finally {
    await discard()
  }
}, 60_000)
