#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runOnNode24 } from './node24.mjs'

// In the repository the sources run as they are; the published package carries built JavaScript.
const built = fileURLToPath(new URL('../dist/src/server/cli.js', import.meta.url))
const source = fileURLToPath(new URL('../src/server/cli.ts', import.meta.url))
runOnNode24(existsSync(source) ? source : built, process.argv.slice(2))
