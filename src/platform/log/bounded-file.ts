import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

/** A log file of bounded size: full, it becomes `<file>.1`, the one before that `<file>.2`, and so on; the oldest goes. */
export interface BoundedFile {
  readonly file: string
  /** Returns when the operating system has the text: a process killed right after loses nothing. */
  write(text: string | Uint8Array): void
  close(): void
}

/**
 * Appends to `file`, mode 0600. At most `maxBytes` × (`olderFiles` + 1) are kept; `olderFiles` is 1 or more. What is no file,
 * such as a pipe or /dev/null, is written to and never moved: root would otherwise put a file in the place of the device.
 */
export function openBoundedFile(file: string, maxBytes = 5_000_000, olderFiles = 1): BoundedFile {
  let descriptor = openSync(file, 'a', 0o600)
  const opened = fstatSync(descriptor)
  let bytes = opened.size
  return {
    file,
    write(text) {
      const data = typeof text === 'string' ? Buffer.from(text) : text
      if (opened.isFile() && bytes > 0 && bytes + data.length > maxBytes) {
        closeSync(descriptor)
        moveOn(file, olderFiles)
        descriptor = openSync(file, 'a', 0o600)
        bytes = 0
      }
      for (let from = 0; from < data.length; ) from += writeSync(descriptor, data, from)
      bytes += data.length
    },
    close: () => closeSync(descriptor),
  }
}

function moveOn(file: string, olderFiles: number): void {
  for (let number = olderFiles; number > 0; number--) {
    try {
      renameSync(number === 1 ? file : `${file}.${number - 1}`, `${file}.${number}`)
    } catch (error) {
      // Not all of them exist yet.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}
