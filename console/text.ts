/** A text, or its forms by number; `{count}` chooses among the forms. */
export type Text = string | { readonly one: string; readonly other: string }

type Names<S extends string> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never
type Forms<T extends Text> = T extends string
  ? Names<T>
  : T extends { other: infer O extends string }
    ? Names<O> | 'count'
    : never
type Values<T extends Text> = { readonly [Name in Forms<T>]: string | number }

/** Says the text of a key. Keys and the values that a text wants are checked by its types. */
export type Say<Catalogue extends Record<string, Text>> = <Key extends keyof Catalogue & string>(
  key: Key,
  ...values: [Forms<Catalogue[Key]>] extends [never] ? [] : [values: Values<Catalogue[Key]>]
) => string

/**
 * Makes a catalogue of messages speak. An app keeps one file of its own:
 *
 *     export const say = createMessages({
 *       'contacts.title': 'Contacts',
 *       'contacts.count': { one: '{count} contact', other: '{count} contacts' },
 *     })
 *     say('contacts.count', { count: 2 })
 */
export function createMessages<const Catalogue extends Record<string, Text>>(catalogue: Catalogue): Say<Catalogue> {
  return (key, ...[values]) => fill(catalogue[key]!, (values ?? {}) as Record<string, string | number>)
}

const plural = new Intl.PluralRules('en')
const numbers = new Intl.NumberFormat('en')

function fill(text: Text, values: Record<string, string | number>): string {
  const chosen = typeof text === 'string' ? text : plural.select(Number(values.count)) === 'one' ? text.one : text.other
  return chosen.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name]
    return typeof value === 'number' ? numbers.format(value) : (value ?? whole)
  })
}
