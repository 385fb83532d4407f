import { createHmac } from 'node:crypto'
import { isIP } from 'node:net'
import type { CommandParser } from '@redis/client'
import { type Asked, inTime, longestMillis, type Store, type Taken } from './store.ts'

/** Where Redis or Valkey is, and how it is reached. Over TLS its certificate and name are verified, always. */
export interface RedisPlace {
  /** A host name or address, or the absolute path of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly user?: string
  readonly password?: string
  readonly database?: number
  /** PEM; without it the authorities that Node knows. */
  readonly ca?: string
}

/**
 * In Redis 7 or Valkey. `key`: 32 secret bytes, the same in all processes of one product and in no other's: buckets are stored as
 * their HMAC. Connects in the background and again after each loss; meanwhile every `take` rejects. The server needs
 * `maxmemory-policy noeviction`: what it throws out is a quota that is whole again.
 */
export async function redisStore(place: RedisPlace, key: Uint8Array, log: (error: unknown) => void): Promise<Store> {
  // Half a second and 26 MB, for whoever counts here alone.
  const { createClient, defineScript } = await import('@redis/client')
  const client = createClient({
    socket: socketOf(place),
    ...(place.user === undefined ? {} : { username: place.user }),
    ...(place.password === undefined ? {} : { password: place.password }),
    ...(place.database === undefined ? {} : { database: place.database }),
    // A request that cannot be counted now is refused now: none waits for a server that may come back.
    disableOfflineQueue: true,
    pingInterval: 2000,
    commandsQueueMaxLength: 10_000,
    scripts: { gcra: defineScript(gcra) },
  })
  let wasTold = false
  client.on('error', (error) => {
    if (!wasTold) log(error)
    wasTold = true
  })
  client.on('ready', () => {
    wasTold = false
  })
  // Rejects only when it is closed before it was ever connected; every loss comes by the event above.
  const connecting = client.connect().catch(() => {})

  const takeOne = async ({ bucket, limit, spend }: Asked, exact: boolean): Promise<Taken> => {
    const hashed = createHmac('sha256', key).update(bucket).digest('base64url')
    const answer = await client.gcra(`holdfast:${hashed}`, limit.quota, limit.windowSeconds, spend, exact)
    const [granted, remaining, wait] = answer as unknown as [number, number, number]
    return { granted: granted === 1, remaining, waitMillis: wait / 1000 }
  }
  return {
    take: (asked, exact) => inTime(Promise.all(asked.map((one) => takeOne(one, exact)))),
    async close() {
      client.destroy()
      await connecting
    },
  }
}

function socketOf({ host, port, tls, ca }: RedisPlace) {
  const common = {
    connectTimeout: longestMillis,
    // A machine that has vanished says nothing: after so long without an answer to a ping it is given up.
    socketTimeout: 5000,
    reconnectStrategy: (retries: number) => Math.min(50 * 2 ** Math.min(retries, 6), 2000),
  }
  const name = isIP(host) === 0 ? { servername: host } : {}
  if (host.startsWith('/')) return { ...common, path: host, tls: false as const }
  return tls
    ? { ...common, host, port, tls: true as const, rejectUnauthorized: true, ...name, ...(ca && { ca }) }
    : { ...common, host, port }
}

/** The same steps as holdfast.take_quota, by Redis's own clock. Times are whole microseconds, exact in Lua's numbers. */
const gcra = {
  NUMBER_OF_KEYS: 1,
  SCRIPT: `
    local quota, seconds, spend, exact = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
    local time = redis.call('TIME')
    local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
    local step = math.max(1, math.floor(seconds * 1000000 / quota))
    local span = step * quota
    local restored = math.max(now, math.min(tonumber(redis.call('GET', KEYS[1]) or 0), now + 2 * span))
    local granted = not exact or restored + step <= now + span
    if granted and spend > 0 then
      restored = math.min(restored + spend * step, now + 2 * span)
      redis.call('SET', KEYS[1], string.format('%.0f', restored), 'PX', math.ceil((restored - now) / 1000) + 1000)
    end
    return { granted and 1 or 0, math.max(0, math.floor((now + span - restored) / step)), math.max(0, restored + step - span - now) }`,
  parseCommand(
    parser: CommandParser,
    bucket: string,
    quota: number,
    windowSeconds: number,
    spend: number,
    exact: boolean,
  ) {
    parser.pushKey(bucket)
    parser.push(String(quota), String(windowSeconds), String(exact ? 1 : spend), exact ? '1' : '0')
  },
  transformReply: undefined as unknown as () => unknown,
}
