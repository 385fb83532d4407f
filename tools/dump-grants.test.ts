import { readFile } from 'node:fs/promises'
import { expect, inject, test } from 'vitest'
import { drawManifest } from './dump-grants.ts'

test('manifest.ts is what the migrations make', async () => {
  const manifest = new URL('../src/controls/tenant-isolation/manifest.ts', import.meta.url)
  expect(
    await drawManifest(inject('superuser')),
    'run `node bin/node24.mjs tools/dump-grants.ts`, and review what changed',
  ).toBe(await readFile(manifest, 'utf8'))
}, 60_000)
