// Stands between a server and its database, and makes each direction take longer: a simulated distance.
import { connect, createServer, type Socket } from 'node:net'
import path from 'node:path'

export interface DelayJob {
  /** Folders of the database's socket: the real one, and the one that this process makes. */
  readonly to: string
  readonly at: string
  readonly port: number
  /** Milliseconds for one direction. */
  readonly oneWay: number
}

/** The first says where; those after it how far. Each is answered by `ready`. */
export type DelayMessage = DelayJob | Pick<DelayJob, 'oneWay'>

let oneWay = 0

process.once('disconnect', () => process.exit(0))
process.on('message', (message: DelayMessage) => {
  oneWay = message.oneWay
  if ('to' in message) stand(message)
  else process.send!('ready')
})

function stand({ to, at, port }: DelayJob): void {
  const name = `.s.PGSQL.${port}`
  createServer((near) => {
    const far = connect(path.join(to, name))
    pass(near, far)
    pass(far, near)
  }).listen(path.join(at, name), () => process.send!('ready'))
}

interface Parcel {
  readonly due: number
  readonly to: Socket
  readonly bytes: Buffer
}

// All parcels travel for the same time, so that they are due in the order in which they came. Nothing that matters is under way
// when the distance changes.
const underWay: Parcel[] = []

function pass(from: Socket, to: Socket): void {
  from.on('data', (bytes) => {
    underWay.push({ due: performance.now() + oneWay, to, bytes })
    if (underWay.length === 1) setImmediate(deliver)
  })
  from.on('close', () => to.destroy())
  from.on('error', () => to.destroy())
}

/** Asks again at once while anything is under way: timers are too coarse for half a millisecond. */
function deliver(): void {
  while (underWay.length > 0 && underWay[0]!.due <= performance.now()) {
    const { to, bytes } = underWay.shift()!
    to.write(bytes)
  }
  if (underWay.length > 0) setImmediate(deliver)
}
