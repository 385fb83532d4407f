import { type ChildProcess, fork } from 'node:child_process'
import path from 'node:path'

export type ContestantName = 'bare' | 'protected' | 'usual' | 'usual-prepared' | 'better-auth' | 'better-auth-shortcut'

export const titles: Readonly<Record<ContestantName, string>> = {
  bare: 'a  bare route',
  protected: 'b  Holdfast',
  usual: 'c  usual way',
  'usual-prepared': "c' prepared",
  'better-auth': 'd  better-auth',
  'better-auth-shortcut': "d' shortcut",
}

export interface DatabaseAddress {
  /** The folder of the socket: the server's own, or that of a proxy that delays. */
  readonly host: string
  readonly port: number
  readonly database: string
}

/** What a contestant's process is told. */
export interface Setup<Name extends string = string> {
  readonly name: Name
  /** The address of its module; left out: the one of this name in `contestants`. */
  readonly module?: string
  /** Where it listens, on 127.0.0.1: sessions are bound to the origin, so it is known before it starts. */
  readonly port: number
  readonly database: DatabaseAddress
  readonly passwords: Readonly<Record<string, string>>
  /** PKCS #8 PEM, for those whose cookies are signed by it. */
  readonly sessionKey: string
  /** For its log. */
  readonly folder: string
}

/** What a contestant's module exports. Resolves when it answers. */
export type StartContestant = (setup: Setup) => Promise<void>

export interface Running<Name extends string = ContestantName> {
  readonly name: Name
  readonly port: number
  readonly processId: number
  stop(): Promise<void>
}

/** As many connections to the database as `pg` opens by itself. Holdfast opens two for each core, and two more. */
export const poolSize = 10

/** Starts a contestant in a process of its own, as it would run in production. Rejects with what it said when it fails. */
export function startContestant<Name extends string>(
  setup: Setup<Name>,
  nodeOptions: readonly string[] = [],
): Promise<Running<Name>> {
  const child = fork(path.join(import.meta.dirname, 'contestant-process.ts'), {
    execArgv: ['--conditions=holdfast-source', ...nodeOptions],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    cwd: setup.folder,
  })
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000)
  })
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${setup.name} ended with ${code}:\n${said}`)))
    child.once('message', () =>
      resolve({ name: setup.name, port: setup.port, processId: child.pid!, stop: () => stop(child) }),
    )
    child.send(setup)
  })
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.disconnect()
  })
}
