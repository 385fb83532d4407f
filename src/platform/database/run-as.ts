import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The user that PostgreSQL runs as, where we are root: it refuses to run as root. */
export interface DatabaseUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** `postgres` where there is one, else `nobody`; undefined when neither exists. */
export function findDatabaseUser(passwd = readFileSync('/etc/passwd', 'utf8')): DatabaseUser | undefined {
  const users = passwd.split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const found = users.find((fields) => fields[0] === name)
    if (found && Number(found[2]) !== 0) return { name, uid: Number(found[2]), gid: Number(found[3]) }
  }
  return undefined
}

/** How every program of PostgreSQL is started: as that user, and with nothing of our environment, which holds secrets. */
export function spawnOptions(user: DatabaseUser | undefined) {
  return {
    ...(user && { uid: user.uid, gid: user.gid }),
    // The folder that we stand in may be closed to that user.
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
  }
}

export interface Ran {
  /** Null when a signal ended it. */
  readonly status: number | null
  /** Both outputs, as they came. */
  readonly output: string
}

/** Runs a program to its end. Rejects when it cannot be started, such as with EACCES. */
export function runAs(user: DatabaseUser | undefined, program: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...spawnOptions(user), stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, output }))
  })
}
