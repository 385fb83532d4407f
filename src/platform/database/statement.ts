/** A statement with its values apart, always: the text goes to PostgreSQL by itself, values only as bind parameters. */
export interface Statement<Row = Record<string, unknown>> {
  readonly text: string
  readonly values: readonly unknown[]
  /** Never set; carries the type of a row. */
  readonly row?: Row
}

/** What a typed query builder hands over: anything with Kysely's `compile()`. */
export interface Compilable<Row> {
  compile(): { readonly sql: string; readonly parameters: readonly unknown[]; readonly query: unknown }
  /** Kysely's own marker of the row type. */
  readonly expressionType?: Row | undefined
}

/**
 * Writes a statement: `` sql<Contact>`select * from app.contact where id = ${id}` ``. An interpolated statement becomes
 * part of the text, anything else a bind parameter.
 */
export function sql<Row = Record<string, unknown>>(
  parts: TemplateStringsArray,
  ...inputs: readonly unknown[]
): Statement<Row> {
  const nested = inputs.map((input) => (isStatement(input) ? input : undefined))
  const statement = nested.every((input) => input === undefined || input.values.length === 0)
    ? { text: fixedText(parts, nested), values: inputs.filter((_, index) => nested[index] === undefined) }
    : joinTexts(parts, inputs)
  written.add(statement)
  return statement
}

/** A template whose statements bring no values has one text, however often it is written. */
const fixedTexts = new WeakMap<TemplateStringsArray, { nested: readonly (string | undefined)[]; text: string }>()

function fixedText(parts: TemplateStringsArray, nested: readonly (Statement | undefined)[]): string {
  const known = fixedTexts.get(parts)
  if (known !== undefined && nested.every((input, index) => input?.text === known.nested[index])) return known.text
  const { text } = joinTexts(
    parts,
    nested.map((input) => input ?? null),
  )
  fixedTexts.set(parts, { nested: nested.map((input) => input?.text), text })
  return text
}

function joinTexts(parts: TemplateStringsArray, inputs: readonly unknown[]): { text: string; values: unknown[] } {
  let text = ''
  const values: unknown[] = []
  parts.forEach((part, index) => {
    text += part
    if (index >= inputs.length) return
    const input = inputs[index]
    if (isStatement(input)) {
      text += input.text.replace(/\$(\d+)/g, (_, number) => `$${Number(number) + values.length}`)
      values.push(...input.values)
    } else {
      values.push(input)
      text += `$${values.length}`
    }
  })
  return { text, values }
}

/** Only what `sql` wrote is part of a text: an object that merely looks like a statement is a value. */
const written = new WeakSet<object>()

function isStatement(value: unknown): value is Statement {
  return typeof value === 'object' && value !== null && written.has(value)
}

export function toStatement<Row>(query: Statement<Row> | Compilable<Row>): Statement<Row> {
  if ('text' in query) return query
  const { sql: text, parameters } = query.compile()
  return { text, values: parameters }
}
