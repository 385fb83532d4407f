// A client in a process of its own: keep-alive connections over raw sockets, each with one request under way. It reads no more
// of an answer than where it ends and whether it is a 200, so that it takes as little as it can of the cores that it shares.
import { connect, type Socket } from 'node:net'
import { everyTenantOnce, type Shape, type Traffic, writeRequest } from './isolation/traffic.ts'

export interface LoadJob {
  readonly port: number
  readonly connections: number
  readonly traffic: Traffic
  /** `everyTenant`: one request for each tenant, whatever time that takes. */
  readonly shape: Shape | 'everyTenant'
  readonly seconds: number
  /** Milliseconds at the start that are not counted. */
  readonly leadIn: number
}

export interface LoadResult {
  readonly requests: number
  readonly perSecond: number
  /** Milliseconds from the first byte sent to the last received. */
  readonly p50: number
  readonly p99: number
  readonly mean: number
  /** Milliseconds of CPU of this client. */
  readonly cpu: number
}

process.once('disconnect', () => process.exit(0))
process.on('message', (job: LoadJob) => {
  load(job).then(
    (result) => process.send!(result),
    (error: Error) => process.send!({ error: error.message }),
  )
})

async function load(job: LoadJob): Promise<LoadResult> {
  const { traffic, shape, port } = job
  const host = `localhost:${port}`
  const everyone = shape === 'everyTenant' ? everyTenantOnce(traffic, host) : undefined
  const next = (): string | undefined =>
    everyone === undefined
      ? writeRequest(traffic, shape as Shape, host, Math.random)
      : everyone.next().value || undefined
  const began = performance.now()
  const from = began + job.leadIn
  const until = everyone === undefined ? from + job.seconds * 1000 : Number.POSITIVE_INFINITY
  const latencies: number[] = []
  let cpu: NodeJS.CpuUsage | undefined
  const finished = (sent: number, now: number) => {
    if (now < from) return
    cpu ??= process.cpuUsage()
    if (now <= until) latencies.push(now - sent)
  }
  const lane = { port, next: () => (performance.now() < until ? next() : undefined), finished }
  await Promise.all(Array.from({ length: job.connections }, () => keepAsking(lane)))
  const spent = process.cpuUsage(cpu)
  return { ...summarise(latencies, Math.min(until, performance.now()) - from), cpu: (spent.user + spent.system) / 1000 }
}

interface Lane {
  readonly port: number
  /** Undefined when it is over. */
  next(): string | undefined
  finished(sent: number, now: number): void
}

function keepAsking({ port, next, finished }: Lane): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0
    const ask = (socket: Socket) => {
      const request = next()
      if (request === undefined) {
        socket.destroy()
        return resolve()
      }
      sent = performance.now()
      socket.write(request, 'latin1')
    }
    const open = () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      const answers = readAnswers((closes) => {
        finished(sent, performance.now())
        if (!closes) return ask(socket)
        socket.removeAllListeners('close').destroy()
        open()
      })
      socket.on('connect', () => ask(socket))
      socket.on('data', (chunk: Buffer) => {
        const fault = answers(chunk)
        if (fault === undefined) return
        socket.destroy()
        reject(new Error(fault))
      })
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the server closed the connection')))
    }
    open()
  })
}

/** Calls back at the end of each answer; returns what is wrong with one that is not a 200 of known length. */
function readAnswers(ended: (closes: boolean) => void): (chunk: Buffer) => string | undefined {
  let head = ''
  let missing = -1
  let closes = false
  return (chunk) => {
    let body = chunk.length
    if (missing < 0) {
      const end = chunk.indexOf('\r\n\r\n')
      if (end < 0) {
        head += chunk.toString('latin1')
        return head.length > 16_384 ? 'an answer without an end to its head' : undefined
      }
      head += chunk.toString('latin1', 0, end)
      if (!head.startsWith('HTTP/1.1 200')) return `answered ${head.slice(0, 400)}`
      missing = contentLengthOf(head)
      if (Number.isNaN(missing)) return `an answer of unknown length: ${head.slice(0, 400)}`
      closes = head.includes('onnection: close')
      head = ''
      body = chunk.length - end - 4
    }
    missing -= body
    if (missing > 0) return undefined
    if (missing < 0) return 'more came than was asked for'
    missing = -1
    ended(closes)
    return undefined
  }
}

/** In the two spellings that Node's servers use; patterns that ignore case cost more than all the rest. */
function contentLengthOf(head: string): number {
  const at = Math.max(head.lastIndexOf('\nContent-Length: '), head.lastIndexOf('\ncontent-length: '))
  return at < 0 ? Number.NaN : Number.parseInt(head.slice(at + 17), 10)
}

function summarise(latencies: number[], milliseconds: number): Omit<LoadResult, 'cpu'> {
  const sorted = Float64Array.from(latencies).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return {
    requests: sorted.length,
    perSecond: (sorted.length / milliseconds) * 1000,
    p50: at(0.5),
    p99: at(0.99),
    mean: sorted.reduce((sum, one) => sum + one, 0) / sorted.length,
  }
}
