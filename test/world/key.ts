import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { type Company, tellOf } from './company.ts'
import type { Visitor, World } from './world.ts'

export interface Made {
  readonly id: string
  readonly key: string
}

/** A key of `who`, made by the front door. */
export async function makeKey(
  company: Pick<Company, 'ask'>,
  who: Visitor,
  scopes: readonly string[],
  days = 30,
): Promise<Made> {
  const answer = await company.ask(who, 'POST', '/keys', { name: 'Nightly report', scopes, days })
  expect(answer.status).toBe(201)
  return (await answer.json()) as Made
}

/** As a program asks: no cookie, and none of what browsers add. `path`: whole. */
export function byKey(
  world: Pick<World, 'origin'>,
  key: string,
  path: string,
  init: { readonly method?: string; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Response> {
  return fetch(new URL(path, world.origin), {
    method: init.method ?? 'GET',
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${key}`,
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...init.headers,
    },
    ...(init.body === undefined ? {} : { body: typeof init.body === 'string' ? init.body : JSON.stringify(init.body) }),
  })
}

/** The status of a request by a key, and the code of a refusal. */
export async function toldByKey(...asked: Parameters<typeof byKey>): Promise<string> {
  return tellOf(await byKey(...asked))
}

/** D, which whoever has a key can compute from it. */
export function entryOfKey(key: string): Buffer {
  return createHash('sha256').update('holdfast-entry-1').update(key).digest()
}

/**
 * As the superuser, on tables of organisations: the triggers that record a change ask who it was, so this is somebody's, and in
 * `organisation`. No values: write them out.
 */
export function inPlace(world: Pick<World, 'superuser'>, organisation: string, text: string) {
  const context = `h${organisation.replaceAll('-', '')}${'f'.repeat(32)}00`
  return world.superuser(`begin; select set_config('backtrace_functions', '${context}', true); ${text}; commit`)
}
