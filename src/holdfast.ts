/** What an app's developer uses. Everything else is private, and free to change. */

export { address, id, integer, integerText, text } from './controls/input-validation/fields.ts'
export type { LoginRole } from './controls/tenant-isolation/bootstrap.ts'
export { newId } from './kernel/id.ts'
export { Refusal, type RefusalKind } from './kernel/refusal.ts'
export { type Compilable, type Statement, sql } from './platform/database/statement.ts'
export { notFound } from './platform/http/refusals.ts'
export {
  type Caller,
  type Limit,
  open,
  type Reply,
  type Route,
  type Routes,
  read,
  session,
  type Transaction,
  write,
} from './platform/http/route.ts'
export { type Mailer, openSmtp } from './platform/mail/smtp.ts'
export { createFoundation, type Foundation, type FoundationOptions } from './server/foundation.ts'
export { prepareDatabase } from './server/migrations.ts'
export { defineProduct, type Job, type Product } from './server/product.ts'
export { type RunningProver, startProver } from './server/prover-client.ts'
