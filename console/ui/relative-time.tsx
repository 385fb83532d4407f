import { useEffect, useState } from 'react'

const units: readonly (readonly [Intl.RelativeTimeFormatUnit, seconds: number])[] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const absolute = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' })

/** "3 minutes ago", kept up to date; the exact time stands in its title. `at` is an ISO 8601 time. */
export function RelativeTime({ at }: { readonly at: string }) {
  const now = useNow(30_000)
  return (
    <time dateTime={at} title={absolute.format(new Date(at))}>
      {formatRelative(new Date(at), now)}
    </time>
  )
}

/** "20 Nov 2026". `at` is an ISO 8601 time or date. */
export function Day({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={absolute.format(new Date(at))} className="figures">
      {formatDay(at)}
    </time>
  )
}

/** "20 Nov 2026", for a sentence. `at` is an ISO 8601 time or date. */
export function formatDay(at: string): string {
  return day.format(new Date(at))
}

/** In words, to the nearest unit; "now" within three quarters of a minute. */
export function formatRelative(at: Date, now: number): string {
  const seconds = (at.getTime() - now) / 1000
  const [unit, length] = units.find(([, size]) => Math.abs(seconds) >= size * 0.95) ?? ['second', 1]
  if (unit === 'second')
    return Math.abs(seconds) < 45 ? relative.format(0, 'second') : relative.format(Math.sign(seconds), 'minute')
  return relative.format(Math.round(seconds / length), unit)
}

function useNow(everyMilliseconds: number): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMilliseconds)
    return () => clearInterval(timer)
  }, [everyMilliseconds])
  return now
}
