import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { afterEach, expect, test, vi } from 'vitest'
import { findChromium, findLaunchOptions, listChromiumFlags } from './chromium.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('the Chromium that is found draws a page', async () => {
  const browser = await chromium.launch(await findLaunchOptions())
  try {
    const page = await browser.newPage({ viewport: { width: 64, height: 48 } })
    await page.goto('data:text/html,<title>kelp</title><body style="background:%23f00">')
    expect(await page.title()).toBe('kelp')
    const picture = await page.screenshot()
    expect(picture.subarray(1, 4).toString()).toBe('PNG')
    expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([64, 48])
  } finally {
    await browser.close()
  }
})

test('HOLDFAST_CHROMIUM is used alone, and refused when it does not start', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'hf-chromium-'))
  const stub = path.join(folder, 'chromium')
  vi.stubEnv('HOLDFAST_CHROMIUM', stub)
  await expect(findChromium()).rejects.toThrow(`HOLDFAST_CHROMIUM names ${stub}`)
  writeFileSync(stub, '#!/bin/sh\necho Install it with snap\n')
  chmodSync(stub, 0o755)
  await expect(findChromium()).rejects.toThrow(`HOLDFAST_CHROMIUM names ${stub}`)
  writeFileSync(stub, '#!/bin/sh\necho Chromium 156.0\n')
  expect(await findChromium()).toBe(stub)
  rmSync(folder, { recursive: true })
})

test.runIf(process.geteuid?.() === 0)('as root there is no sandbox', () => {
  expect(listChromiumFlags()).toContain('--no-sandbox')
})
