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
  options: { host: string; port: number },
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
  server.maxConnections = 2000
  server.maxRequestsPerSocket = 10_000
  await opened(server, options)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    stop: () => closed(server),
  }
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
