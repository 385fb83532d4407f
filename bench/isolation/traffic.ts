/** Who asks for what. The same rows, addresses and organisations for every contestant; only the cookie differs. */
export interface Traffic {
  readonly tenants: number
  readonly rows: number
  /** One for each tenant, as it stands in the Cookie header; absent for a contestant that asks for none. An answer may renew one. */
  readonly cookies?: string[]
}

export interface Ask {
  /** The request as it is sent. */
  readonly text: string
  /** Whose. */
  readonly tenant?: number
}

export type Shape = 'pointRead' | 'list50'

export const shapes: readonly Shape[] = ['pointRead', 'list50']

/** Row `number` belongs to tenant `number` modulo the number of tenants: rows lie mixed, as time mixes them. */
export function rowId(number: number): string {
  return `00000000-0000-7000-8000-${hex(number)}`
}

export function organisationId(tenant: number): string {
  return `00000000-0000-7000-9000-${hex(tenant)}`
}

export function personId(tenant: number): string {
  return `00000000-0000-7000-a000-${hex(tenant)}`
}

/** One request of a random tenant, for one of its own rows or for its newest fifty. */
export function writeRequest(traffic: Traffic, shape: Shape, host: string, random: () => number): Ask {
  return requestOf(traffic, shape, host, Math.floor(random() * traffic.tenants), random)
}

/** One request of each tenant, in turn: nobody is new to the server afterwards. */
export function* everyTenantOnce(traffic: Traffic, host: string): Generator<Ask> {
  for (let tenant = 0; tenant < traffic.tenants; tenant++) yield requestOf(traffic, 'pointRead', host, tenant, () => 0)
}

function requestOf(
  { tenants, rows, cookies }: Traffic,
  shape: Shape,
  host: string,
  tenant: number,
  random: () => number,
): Ask {
  const own = Math.floor(rows / tenants)
  const path = `/api/o/${organisationId(tenant)}/items${
    shape === 'pointRead' ? `/${rowId(Math.floor(random() * own) * tenants + tenant)}` : ''
  }`
  const cookie = cookies === undefined ? '' : `Cookie: ${cookies[tenant]}\r\n`
  return {
    tenant,
    text: `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\nUser-Agent: holdfast-bench\r\n${cookie}\r\n`,
  }
}

function hex(number: number): string {
  return number.toString(16).padStart(12, '0')
}
