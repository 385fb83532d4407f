const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** `2 min ago`. What lies ahead, by clocks that differ, is `just now`. */
export function ago(then: Date, now: Date): string {
  const elapsed = now.getTime() - then.getTime()
  if (elapsed < 10_000) return 'just now'
  return `${lasting(elapsed)} ago`
}

/** `2 min`, `3 h`, `5 days`: in the largest unit of which there is one, cut off. */
export function lasting(milliseconds: number): string {
  if (milliseconds < minute) return `${Math.floor(milliseconds / 1000)} s`
  if (milliseconds < hour) return `${Math.floor(milliseconds / minute)} min`
  if (milliseconds < 2 * day) return `${Math.floor(milliseconds / hour)} h`
  return `${Math.floor(milliseconds / day)} days`
}

/** `20 Nov 2026` for `2026-11-20`. */
export function dayInWords(date: string): string {
  return dayFormat.format(new Date(`${date}T00:00:00Z`))
}

/** `20 Nov 2026, 09:30 UTC` */
export function instantInWords(instant: Date): string {
  return `${dayFormat.format(instant)}, ${timeFormat.format(instant)} UTC`
}

/** `1,204` */
export function figure(count: number): string {
  return countFormat.format(count)
}

/** `1 claim`, `2 claims`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${figure(count)} ${count === 1 ? one : many}`
}

const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' })
const timeFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: 'UTC' })
const countFormat = new Intl.NumberFormat('en-GB')
