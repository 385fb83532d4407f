import type { Problem } from '../../problem.ts'
import { Notice } from '../../ui/notice.tsx'

/** The server's own sentence says what to do, where the usual one for its status would not. */
export function explainRefused({ code, title }: Problem) {
  return code.startsWith('api-keys/') ? <Notice kind="broken" title={title} /> : undefined
}
