import { type ApiKeys, presentKey } from '../controls/api-keys/api-keys.ts'
import type { Login } from '../platform/database/login.ts'
import type { Stages } from './pipeline.ts'

/** What the pipeline does about API keys beside entry itself. What could not be noted is told to `failed`, and fails no request. */
export function createKeyStages(parts: {
  readonly keys: ApiKeys
  readonly app: Login
  readonly failed: (error: unknown) => void
}): Pick<Stages, 'presentKey' | 'noteUse'> {
  const { keys, app, failed } = parts
  return {
    presentKey: (route, headers) => presentKey(keys, route, headers),

    async noteUse(key) {
      try {
        await keys.noteUse(app, key)
      } catch (error) {
        // The answer stands. The next use is due as well, and is noted then.
        failed(error)
      }
    },
  }
}
