const hour = 3_600_000

/**
 * The part of a person's day that matters here. `dayEnds` is their next midnight (RFC 3339), since only their browser
 * knows the time zone; without it the day ends now. Cards due before `until` are due today; reviews since `from` are
 * done today. A midnight that cannot be true is cut to what can. `until` is less than a day away whatever the clocks
 * do, so that a card that was answered now, and comes back in a day, never comes back today.
 */
export function studyDay(dayEnds?: string, now: Date = new Date()): { from: string; until: string } {
  const claimed = dayEnds === undefined ? now.getTime() : Date.parse(dayEnds)
  const midnight = Math.min(Math.max(claimed, now.getTime()), now.getTime() + 24 * hour)
  const until = Math.min(midnight, now.getTime() + 23 * hour)
  return { from: new Date(midnight - 24 * hour).toISOString(), until: new Date(until).toISOString() }
}
