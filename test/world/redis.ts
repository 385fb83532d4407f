import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createClient } from '@redis/client'

/** Debian's Redis or Valkey, where one is installed. */
export const redisServer: string | undefined = ['/usr/bin/redis-server', '/usr/bin/valkey-server'].find((file) =>
  existsSync(file),
)

export interface Redis {
  /** The absolute path of its Unix socket. */
  readonly socket: string
  readonly pid: number
  /** Ends it at once, as a crash does. `start` begins again, with nothing kept. */
  kill(): Promise<void>
  start(): Promise<void>
  /** It accepts connections, and answers nothing, until `resume`. */
  pause(): void
  resume(): void
  /** All keys and values, as they are stored. */
  contents(): Promise<string>
  stop(): Promise<void>
}

/** A server of our own in a folder of its own, without a port. `more`: further options, such as `--tls-port`. */
export async function startRedis(more: readonly string[] = [], password?: string): Promise<Redis> {
  if (redisServer === undefined) throw new Error('no redis-server is installed')
  const folder = mkdtempSync(path.join(tmpdir(), 'hf-redis-'))
  const socket = path.join(folder, 'redis.sock')
  let child: ChildProcess
  const start = async () => {
    const options = [
      '--port',
      '0',
      '--unixsocket',
      socket,
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'no',
      ...more,
      ...(password === undefined ? [] : ['--requirepass', password]),
    ]
    child = spawn(redisServer!, options, { stdio: 'ignore' })
    await answers(socket, child, password)
  }
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  await start().catch(async (error) => {
    await kill()
    rmSync(folder, { recursive: true })
    throw error
  })
  return {
    socket,
    get pid() {
      return child.pid!
    },
    kill,
    start,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    contents: () => contentsOf(socket),
    async stop() {
      await kill()
      rmSync(folder, { recursive: true })
    },
  }
}

/** Waits until whoever answers on the socket is the process that we started. */
async function answers(socket: string, child: ChildProcess, password: string | undefined): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`)
    const client = createClient({
      socket: { path: socket, tls: false, reconnectStrategy: false },
      ...(password && { password }),
    })
    client.on('error', () => {})
    try {
      await client.connect()
      if ((await client.info('server')).includes(`process_id:${child.pid}\r`)) return
      throw new Error('somebody else answers on the socket')
    } catch (error) {
      if (attempt === 199) throw error
      await new Promise((resolve) => setTimeout(resolve, 25))
    } finally {
      if (client.isOpen) client.destroy()
    }
  }
}

async function contentsOf(socket: string): Promise<string> {
  const client = createClient({ socket: { path: socket, tls: false } })
  client.on('error', () => {})
  await client.connect()
  try {
    const keys = await client.keys('*')
    const values = await Promise.all(keys.map((key) => client.get(key)))
    const left = await Promise.all(keys.map((key) => client.pTTL(key)))
    return JSON.stringify(keys.map((key, index) => [key, values[index], left[index]]))
  } finally {
    client.destroy()
  }
}
