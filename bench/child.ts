import { fork } from 'node:child_process'
import path from 'node:path'

/** A process of the benchmark's own that answers one message at a time. */
export interface Child<Job, Result> {
  readonly processId: number
  /** Rejects with what the process said, also when it ends. */
  ask(job: Job): Promise<Result>
  /** May be called again. */
  stop(): void
}

export function startChild<Job, Result>(file: string): Child<Job, Result> {
  const child = fork(path.join(import.meta.dirname, file), {
    execArgv: ['--conditions=holdfast-source'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  return {
    processId: child.pid!,
    ask: (job) =>
      new Promise((resolve, reject) => {
        const ended = (code: number | null) => reject(new Error(`${file} ended with ${code}`))
        child.once('exit', ended)
        child.once('message', (answer: Result | { error: string }) => {
          child.off('exit', ended)
          if (typeof answer === 'object' && answer !== null && 'error' in answer) reject(new Error(answer.error))
          else resolve(answer as Result)
        })
        child.send(job as object)
      }),
    stop: () => {
      if (child.connected) child.disconnect()
    },
  }
}
