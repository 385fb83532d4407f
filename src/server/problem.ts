import { unverified } from '../controls/accounts/refusals.ts'
import { opensNothing } from '../controls/api-keys/api-keys.ts'
import { noSession } from '../controls/sessions/refusals.ts'
import {
  factorNotEnrolled,
  factorNotShown,
  keyLacksFactor,
  permissionMissing,
  showAgain,
} from '../controls/tenant-isolation/refusals.ts'
import { Refusal, type RefusalKind } from '../kernel/refusal.ts'
import { DatabaseBusy } from '../platform/database/login.ts'
import { kinds } from '../platform/http/refusals.ts'

/** The one table of what the database refuses: SQLSTATE → what the caller is told. What is not here becomes a 500. */
const refusalOf: Readonly<Record<string, RefusalKind>> = {
  HF401: noSession,
  HF403: permissionMissing,
  HF404: kinds.notFound,
  HF406: keyLacksFactor,
  HF412: unverified,
  HF422: kinds.valueRefused,
  HF427: factorNotShown,
  HF428: factorNotEnrolled,
  HF429: kinds.tooMany,
  HF440: showAgain,
  // Two people at once, or a reference to what was deleted meanwhile: the caller's to resolve, not a fault of ours.
  '23503': kinds.referenceMissing,
  '23505': kinds.existsAlready,
  '23514': kinds.valueRefused,
  '40001': kinds.busy,
  '40P01': kinds.busy,
  '53300': kinds.busy,
  '55P03': kinds.busy,
  '57014': kinds.busy,
  '57P01': kinds.busy,
  '57P03': kinds.busy,
  ECONNREFUSED: kinds.busy,
  ECONNRESET: kinds.busy,
  ENOENT: kinds.busy,
}

/** Any error as a refusal, and whether it was unforeseen (the log then gets its stack). `byKey`: a key came, and no session. */
export function asRefusal(error: unknown, byKey = false): { refusal: Refusal; unforeseen: boolean } {
  if (error instanceof Refusal) return { refusal: error, unforeseen: false }
  if (error instanceof DatabaseBusy)
    return { refusal: new Refusal(kinds.busy, { headers: { 'retry-after': '2' } }), unforeseen: false }
  const kind = refusalOf[(error as { code?: string } | null)?.code ?? '']
  if (kind === noSession && byKey) return { refusal: opensNothing(error), unforeseen: false }
  if (kind === kinds.busy)
    return { refusal: new Refusal(kind, { headers: { 'retry-after': '2' }, cause: error }), unforeseen: true }
  if (kind !== undefined) return { refusal: new Refusal(kind, { cause: error }), unforeseen: false }
  return { refusal: new Refusal(kinds.unexpected, { cause: error }), unforeseen: true }
}

/** RFC 9457 problem details. `type` leads to the page of error codes; nothing of the cause is in it. */
export function problemBody(refusal: Refusal, requestId: string): string {
  return JSON.stringify({
    type: `/errors#${refusal.kind.code.replace('/', '-')}`,
    title: refusal.kind.title,
    status: refusal.kind.status,
    code: refusal.kind.code,
    ...(refusal.fields.length > 0 ? { fields: refusal.fields } : {}),
    ...refusal.extra,
    requestId,
  })
}
