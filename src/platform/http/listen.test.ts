import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Listening, listen, PortRefused } from './listen.ts'

let listening: Listening
beforeAll(async () => {
  listening = await listen(async (_, peer) => new Response(peer), {
    host: '127.0.0.1',
    port: 0,
    bareHeaders: { 'x-content-type-options': 'nosniff' },
  })
})
afterAll(() => listening.stop())

const open = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(listening.port, '127.0.0.1', () => resolve(socket))
    socket.once('error', reject)
  })

/** Sends raw bytes, and returns all that comes back until the connection ends. */
async function send(bytes: string): Promise<string> {
  const socket = await open()
  let text = ''
  socket.on('data', (data) => {
    text += data
  })
  socket.write(bytes)
  await new Promise((resolve) => socket.on('close', resolve))
  return text
}

it('hands on who is connected', async () => {
  expect(await (await fetch(`http://127.0.0.1:${listening.port}/`)).text()).toBe('127.0.0.1')
})

it.each([
  ['no HTTP', 'nonsense\r\n\r\n', 400],
  ['two lengths', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx', 400],
  ['length and chunks', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\nx', 400],
  ['headers without end', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
  ['an expectation', 'GET / HTTP/1.1\r\nhost: a\r\nexpect: more\r\nconnection: close\r\n\r\n', 417],
])('refuses %s with the headers that every answer has', async (_, bytes, status) => {
  const answer = await send(bytes)
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).toContain('x-content-type-options: nosniff')
})

it('lets one client take no more than its share of connections', async () => {
  const sockets = await Promise.all(Array.from({ length: 430 }, open))
  await expect
    .poll(() => sockets.filter((socket) => socket.destroyed || socket.readableEnded).length, { timeout: 5000 })
    .toBeGreaterThanOrEqual(30)
  // One connection of the tests above may still be open, and counts too.
  expect(sockets.filter((socket) => socket.destroyed || socket.readableEnded).length).toBeLessThanOrEqual(32)
  for (const socket of sockets) socket.destroy()
  // Given back: the next one gets through.
  await expect
    .poll(async () => (await fetch(`http://127.0.0.1:${listening.port}/`).catch(() => undefined))?.status, {
      timeout: 5000,
    })
    .toBe(200)
})

it('names a port that is taken', async () => {
  await expect(listen(async () => new Response(), { host: '127.0.0.1', port: listening.port })).rejects.toThrow(
    PortRefused,
  )
})
