import { createServer, type Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'

export interface Listening {
  readonly port: number
  /** Takes no new connections, lets requests under way end for up to three seconds. */
  stop(): Promise<void>
}

/** The port is taken, or may not be used; the message says which, and what to do. */
export class PortRefused extends Error {}

/** Listens with limits on everything that a slow or flooding client could hold on to. `port` 0 takes a free one. */
export async function listen(
  handle: (request: Request, peer: string) => Promise<Response>,
  options: {
    readonly host: string
    readonly port: number
    /** What the listener's own refusals carry (400, 417, 431), which are sent before there is a request. */
    readonly bareHeaders?: Readonly<Record<string, string>>
    /** Who may open as many connections as all together: trusted proxies. */
    readonly isProxy?: (peer: string) => boolean
  },
): Promise<Listening> {
  const respond = getRequestListener(
    (request, env) =>
      handle(
        request,
        (env as { incoming: { socket: { remoteAddress?: string } } }).incoming.socket.remoteAddress ?? '',
      ),
    { overrideGlobalObjects: false },
  )
  const server = createServer(
    {
      maxHeaderSize: 16 * 1024,
      headersTimeout: 10_000,
      requestTimeout: 60_000,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: 2_000,
    },
    respond,
  )
  server.maxConnections = mostConnections
  limitPeers(server, options.isProxy ?? (() => false))
  refuseBarely(server, options.bareHeaders ?? {})
  server.maxRequestsPerSocket = 10_000
  await opened(server, options)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    stop: () => closed(server),
  }
}

const mostConnections = 2000
/** One client that holds connections open must not take them from everybody. */
const mostOfOnePeer = 400

function limitPeers(server: Server, isProxy: (peer: string) => boolean): void {
  const open = new Map<string, number>()
  server.on('connection', (socket) => {
    const peer = socket.remoteAddress ?? ''
    const count = (open.get(peer) ?? 0) + 1
    if (count > mostOfOnePeer && !isProxy(peer)) {
      socket.destroy()
      return
    }
    open.set(peer, count)
    socket.once('close', () => {
      const left = open.get(peer)! - 1
      if (left > 0) open.set(peer, left)
      else open.delete(peer)
    })
  })
}

/** What is no request gets no more than a status and the headers that every answer has. */
function refuseBarely(server: Server, headers: Readonly<Record<string, string>>): void {
  const lines = Object.entries({ ...headers, 'content-length': '0', connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const status =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? '408 Request Timeout'
          : '400 Bad Request'
    socket.end([`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n'))
  })
  server.on('checkExpectation', (_, response) => {
    response.writeHead(417, { ...headers, 'content-length': '0' }).end()
  })
}

function opened(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        reject(new PortRefused(`port ${port} on ${host} is in use by another program: stop it, or set PORT to another`))
      else if (error.code === 'EACCES')
        reject(new PortRefused(`port ${port} may not be used by this user: set PORT to one above 1023`))
      else reject(error)
    })
    server.listen(port, host, resolve)
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const hurry = setTimeout(() => server.closeAllConnections(), 3000)
    server.close(() => {
      clearTimeout(hurry)
      resolve()
    })
    server.closeIdleConnections()
  })
}
