import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'

const root = path.join(import.meta.dirname, '..')
const out = path.join(root, 'dist')

/** What the sources read at run time beside themselves: SQL, style sheets, the words of the controls, common passwords. */
const kept = /\.(sql|css|md|json|bin)$/

// The published package is built JavaScript: Node does not run TypeScript below node_modules.
rmSync(out, { recursive: true, force: true })
execFileSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
let copied = 0
for (const folder of ['src', 'console', 'docs'])
  for (const entry of readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (!entry.isFile() || !kept.test(entry.name) || file.includes(`${path.sep}built${path.sep}`)) continue
    cpSync(file, path.join(out, path.relative(root, file)))
    copied++
  }
process.stdout.write(`built dist/, with ${copied} files beside the code\n`)
