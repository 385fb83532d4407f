/** What a form holds, by field. */
export type Values = Readonly<Record<string, string>>
export type Side = 'mine' | 'theirs'

export interface Difference {
  readonly field: string
  readonly mine: string
  readonly theirs: string
  /** Whose value is likelier wanted: that of the side that changed it; mine where both did. */
  readonly likelier: Side
}

/** Where two people's edits of the same row differ. `opened`: the values from which both began. */
export function differences(opened: Values, mine: Values, theirs: Values): Difference[] {
  return Object.keys(mine)
    .filter((field) => mine[field] !== theirs[field])
    .map((field) => ({
      field,
      mine: mine[field]!,
      theirs: theirs[field]!,
      likelier: mine[field] === opened[field] ? 'theirs' : 'mine',
    }))
}

/** The values to save, field by field as chosen; where they do not differ, both have them. */
export function choose<V extends Values>(
  mine: V,
  found: readonly Difference[],
  chosen: Readonly<Record<string, Side>>,
): V {
  const theirs = found.filter(({ field, likelier }) => (chosen[field] ?? likelier) === 'theirs')
  return { ...mine, ...Object.fromEntries(theirs.map(({ field, theirs: value }) => [field, value])) }
}
