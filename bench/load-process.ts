// A client in a process of its own: keep-alive connections over raw sockets, each with one request under way. It reads no more
// of an answer than where it ends and whether it is a 200, so that it takes as little as it can of the cores that it shares.
import { connect, type Socket } from 'node:net'
import { type Ask, everyTenantOnce, type Shape, type Traffic, writeRequest } from './isolation/traffic.ts'

export interface LoadJob {
  readonly port: number
  readonly connections: number
  readonly traffic: Traffic
  /** `everyTenant`: one request for each tenant, whatever time that takes. */
  readonly shape: Shape | 'everyTenant'
  /** Sent as they are instead, in turn, from a random one on. */
  readonly requests?: readonly string[]
  /** How many are sent in all, whatever time that takes; left out: as many as `seconds` allow. */
  readonly count?: number
  readonly seconds: number
  /** Milliseconds at the start that are not counted. */
  readonly leadIn: number
  /**
   * All connections together send at this rate, not as fast as they can. A request whose connection was still busy when it was
   * due is timed from then: whoever waited is not forgotten.
   */
  readonly perSecond?: number
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
  /** Cookies that came meanwhile, by tenant. */
  readonly renewed: readonly (readonly [tenant: number, cookie: string])[]
}

process.once('disconnect', () => process.exit(0))
process.on('message', (job: LoadJob) => {
  load(job).then(
    (result) => process.send!(result),
    (error: Error) => process.send!({ error: error.message }),
  )
})

async function load(job: LoadJob): Promise<LoadResult> {
  const { traffic, connections, perSecond } = job
  const began = performance.now()
  const from = began + job.leadIn
  const isCounted = job.shape === 'everyTenant' || job.count !== undefined
  const until = isCounted ? Number.POSITIVE_INFINITY : from + job.seconds * 1000
  const next = requestsOf(job)
  const latencies: number[] = []
  const renewed = new Map<number, string>()
  let cpu: NodeJS.CpuUsage | undefined
  const finished = (sent: number, now: number) => {
    if (now < from) return
    cpu ??= process.cpuUsage()
    if (now <= until) latencies.push(now - sent)
  }
  const renew = (tenant: number, cookie: string) => {
    traffic.cookies![tenant] = cookie
    renewed.set(tenant, cookie)
  }
  const lanes = Array.from({ length: connections }, (_, at): Lane => {
    let count = 0
    return {
      port: job.port,
      next: () => (performance.now() < until ? next() : undefined),
      due: () => (perSecond === undefined ? undefined : began + ((count++ * connections + at) * 1000) / perSecond),
      finished,
      renew,
    }
  })
  await Promise.all(lanes.map(keepAsking))
  const spent = process.cpuUsage(cpu)
  return {
    ...summarise(latencies, Math.min(until, performance.now()) - from),
    cpu: (spent.user + spent.system) / 1000,
    renewed: [...renewed],
  }
}

/** Undefined when it is over. */
function requestsOf({ traffic, shape, port, requests, count }: LoadJob): () => Ask | undefined {
  const host = `localhost:${port}`
  const limited = (ask: () => Ask) => {
    let left = count ?? Number.POSITIVE_INFINITY
    return () => (left-- > 0 ? ask() : undefined)
  }
  if (requests !== undefined) {
    let at = Math.floor(Math.random() * requests.length)
    return limited(() => ({ text: requests[at++ % requests.length]! }))
  }
  if (shape !== 'everyTenant') return limited(() => writeRequest(traffic, shape, host, Math.random))
  const everyone = everyTenantOnce(traffic, host)
  return () => everyone.next().value || undefined
}

interface Lane {
  readonly port: number
  /** Undefined when it is over. */
  next(): Ask | undefined
  /** When the next one has to be sent; undefined: at once. */
  due(): number | undefined
  finished(sent: number, now: number): void
  renew(tenant: number, cookie: string): void
}

function keepAsking({ port, next, due, finished, renew }: Lane): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0
    let tenant: number | undefined
    const send = (socket: Socket, from?: number) => {
      const asked = next()
      if (asked === undefined) {
        socket.removeAllListeners('close').destroy()
        return resolve()
      }
      tenant = asked.tenant
      sent = from ?? performance.now()
      socket.write(asked.text, 'latin1')
    }
    const ask = (socket: Socket) => {
      const at = due()
      const wait = at === undefined ? 0 : at - performance.now()
      // A timer that is late is this client's fault; a connection that was busy is not.
      if (wait > 0) setTimeout(send, wait, socket)
      else send(socket, at)
    }
    const open = () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      const answers = readAnswers((closes, cookie) => {
        finished(sent, performance.now())
        if (cookie !== undefined && tenant !== undefined) renew(tenant, cookie)
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
function readAnswers(
  ended: (closes: boolean, cookie: string | undefined) => void,
): (chunk: Buffer) => string | undefined {
  let head = ''
  let missing = -1
  let closes = false
  let cookie: string | undefined
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
      cookie = head.includes('\nset-cookie: ') ? /\nset-cookie: ([^;\r]+)/.exec(head)![1] : undefined
      head = ''
      body = chunk.length - end - 4
    }
    missing -= body
    if (missing > 0) return undefined
    if (missing < 0) return 'more came than was asked for'
    missing = -1
    ended(closes, cookie)
    return undefined
  }
}

/** In the two spellings that Node's servers use; patterns that ignore case cost more than all the rest. */
function contentLengthOf(head: string): number {
  const at = Math.max(head.lastIndexOf('\nContent-Length: '), head.lastIndexOf('\ncontent-length: '))
  return at < 0 ? Number.NaN : Number.parseInt(head.slice(at + 17), 10)
}

function summarise(latencies: number[], milliseconds: number): Omit<LoadResult, 'cpu' | 'renewed'> {
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
