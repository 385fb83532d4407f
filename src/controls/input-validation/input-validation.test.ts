import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Refusal } from '../../kernel/refusal.ts'
import { open, type Route, type Routes, read, write } from '../../platform/http/route.ts'
import { text } from './fields.ts'
import { checkRoutes, nothing, readFile, readJson, readQuery, validate } from './input-validation.ts'

function post(
  body: BodyInit | null,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Request {
  return new Request('http://localhost/api/x', { method: 'POST', headers, body })
}

async function refusalOf(work: () => unknown): Promise<Refusal> {
  try {
    await work()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('nothing was refused')
}

const codeOf = async (work: () => unknown) => (await refusalOf(work)).kind.code

describe('readJson', () => {
  test('takes whatever is JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ noUnicodeString: false, maxDepth: 5 }), async (value) => {
        const text = JSON.stringify(value)
        fc.pre(!text.includes('__proto__') && !text.includes('\\u0000') && !text.includes('\\ud'))
        expect(await readJson(post(text), 1_000_000)).toEqual(JSON.parse(text))
      }),
    )
  })

  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
    'takes the type %s',
    async (type) => {
      expect(await readJson(post('{}', { 'content-type': type }), 100)).toEqual({})
    },
  )

  test.each<Record<string, string>>([
    {},
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/jsonp' },
    { 'content-type': 'text/plain; application/json' },
    { 'content-type': 'application/json, text/plain' },
    { 'content-type': 'application/json; charset=utf-16' },
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  ])('415 for %j', async (headers) => {
    const refusal = await refusalOf(() => readJson(post(Buffer.from('{}'), headers), 100))
    expect(refusal.kind).toMatchObject({ code: 'input-validation/wrong-content-type', status: 415 })
    expect(refusal.extra).toEqual({ accepted: ['application/json'] })
  })

  test('refuses a declared length before it reads, and counts what comes undeclared', async () => {
    const declared = post('{"a":1}', { 'content-type': 'application/json', 'content-length': '7' })
    expect(await codeOf(() => readJson(declared, 6))).toBe('input-validation/body-too-large')
    expect(declared.bodyUsed).toBe(false)
    expect(await codeOf(() => readJson(post('{"a":1}'), 6))).toBe('input-validation/body-too-large')
    expect(await readJson(post('{"a":1}'), 7)).toEqual({ a: 1 })
    const lying = post('{"a":1}', { 'content-type': 'application/json', 'content-length': '2' })
    expect(await codeOf(() => readJson(lying, 6))).toBe('input-validation/body-too-large')
  })

  test('an endless body is read up to the limit and one chunk', async () => {
    let sent = 0
    const stream = new ReadableStream({
      pull(controller) {
        sent += 1000
        controller.enqueue(new Uint8Array(1000).fill(0x20))
      },
    })
    const endless = new Request('http://localhost/', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: stream,
      duplex: 'half',
    } as RequestInit)
    expect(await codeOf(() => readJson(endless, 10_000))).toBe('input-validation/body-too-large')
    expect(sent).toBeLessThan(15_000)
  })

  test('a body that breaks off is refused, with the cause for the log only', async () => {
    const stream = new ReadableStream({ pull: () => Promise.reject(new Error('secret cause')) })
    const broken = new Request('http://localhost/', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: stream,
      duplex: 'half',
    } as RequestInit)
    const refusal = await refusalOf(() => readJson(broken, 100))
    expect(refusal.kind.code).toBe('input-validation/body-cut-short')
    expect(refusal.cause).toMatchObject({ message: 'secret cause' })
  })

  test.each([
    '',
    ' ',
    '{',
    '{"a"',
    '{"a":}',
    '{"a":1,}',
    "{'a':1}",
    '{}{}',
    'nul',
    'NaN',
    '\ufeff{}',
    '// x\n{}',
    '"\t"',
    ']',
    '}{',
    '"',
  ])('malformed: %j', async (body) => {
    const refusal = await refusalOf(() => readJson(post(body), 100))
    expect(refusal.kind).toMatchObject({ code: 'input-validation/malformed-json', status: 400 })
  })

  test.each([[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]])(
    'malformed: bytes that are not UTF-8, %j %j %j %j',
    async (...bytes) => {
      const body = Uint8Array.from([0x22, ...bytes.filter((byte) => byte !== undefined), 0x22])
      expect((await refusalOf(() => readJson(post(body), 100))).fields).toEqual([
        { pointer: '/body', reason: 'must be UTF-8' },
      ])
    },
  )

  test('32 levels, not 33, and a million brackets do not matter', async () => {
    expect(await readJson(post('['.repeat(32) + ']'.repeat(32)), 100)).toBeDefined()
    const tooDeep = [
      '['.repeat(33) + ']'.repeat(33),
      '['.repeat(1_000_000),
      '{"a":'.repeat(1_000_000),
      '[{"a":'.repeat(300_000),
    ]
    for (const body of tooDeep) {
      const started = performance.now()
      expect((await refusalOf(() => readJson(post(body), 10_000_000))).fields[0]?.reason).toContain('32 levels')
      expect(performance.now() - started).toBeLessThan(3000)
    }
    expect(await readJson(post(JSON.stringify('['.repeat(1000))), 2000)).toBe('['.repeat(1000))
    expect(await readJson(post(JSON.stringify('\\"{['.repeat(100))), 2000)).toBe('\\"{['.repeat(100))
  })

  test.each([
    ['{"a":1,"a":2}', '/body/a'],
    ['{"a":1,"\\u0061":2}', '/body/a'],
    ['{"x":[{"b":{"c":1,"d":{},"c":3}}]}', '/body/x/(name)/b/c'],
    ['{"a":{"b":1},"c":{"b":1},"a":":"}', '/body/a'],
    ['{"\\"":1,"\\"" : 2}', '/body/(name)'],
    ['{"":1,"":2}', '/body/(name)'],
  ])('a name twice in one object: %s at %s', async (body, pointer) => {
    const refusal = await refusalOf(() => readJson(post(body), 1000))
    expect(refusal.fields).toEqual([{ pointer, reason: 'names a field twice' }])
  })

  test.each(['{"a":{"b":1},"b":{"a":1}}', '{"a":":","b":"\\":","c":[{"a":1},{"a":1}]}', '{"a":"\\\\","b":1}'])(
    'the same name in two objects is well: %s',
    async (body) => {
      expect(await readJson(post(body), 1000)).toEqual(JSON.parse(body))
    },
  )

  test('a name twice is found wherever it stands', async () => {
    const object = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1, maxKeys: 5 })
    await fc.assert(
      fc.asyncProperty(object, fc.nat(), async (value, which) => {
        const names = Object.keys(value).filter((name) => name !== '__proto__')
        fc.pre(names.length > 0)
        const text = JSON.stringify(value)
        fc.pre(!/__proto__|\\u0000|\\ud/.test(text))
        const again = JSON.stringify(names[which % names.length])
        const refusal = await refusalOf(() => readJson(post(`[${text.slice(0, -1)},${again}:0}]`), 100_000))
        expect(refusal.kind.code).toBe('input-validation/malformed-json')
      }),
    )
  })

  test.each([
    ['{"name":"a\\u0000b"}', '/body/name', 'must not contain the character NUL'],
    ['{"list":[1,{"x":"\\ud800"}]}', '/body/list/1/x', 'must be well-formed Unicode'],
    ['"\\udc00\\ud800"', '/body', 'must be well-formed Unicode'],
    ['{"a\\u0000":1}', '/body/(name)', 'must not contain the character NUL'],
    ['{"\\ud800":1}', '/body/(name)', 'must be well-formed Unicode'],
    ['{"x":{"__proto__":{"admin":true}}}', '/body/x/__proto__', 'is a reserved name'],
    ['{"\\u005f_proto__":1}', '/body/__proto__', 'is a reserved name'],
  ])('%s is refused at %s', async (body, pointer, reason) => {
    const refusal = await refusalOf(() => readJson(post(body), 1000))
    expect(refusal.kind).toMatchObject({ code: 'input-validation/invalid-fields', status: 400 })
    expect(refusal.fields).toEqual([{ pointer, reason }])
  })

  test('a whole surrogate pair is a character', async () => {
    expect(await readJson(post('"\\ud83d\\ude00"'), 100)).toBe('😀')
  })
})

describe('readFile', () => {
  const csv = { types: ['text/csv'], maxBytes: 10 }
  test('takes the bytes as they are', async () => {
    const bytes = Uint8Array.of(0xff, 0, 0xfe)
    expect(new Uint8Array(await readFile(post(bytes, { 'content-type': 'text/csv; header=present' }), csv))).toEqual(
      bytes,
    )
  })

  test('refuses another type, and one byte too many', async () => {
    expect(await codeOf(() => readFile(post('x', { 'content-type': 'text/html' }), csv))).toBe(
      'input-validation/wrong-content-type',
    )
    const refusal = await refusalOf(() => readFile(post('x'.repeat(11), { 'content-type': 'text/csv' }), csv))
    expect(refusal).toMatchObject({ kind: { status: 413 }, extra: { maxBytes: 10 } })
  })
})

describe('readQuery', () => {
  test.each<[string, Record<string, string>]>([
    ['http://h/p', {}],
    ['http://h/p?', {}],
    ['/p?a=1&b=x+y%20z%26', { a: '1', b: 'x y z&' }],
    ['/p?a&b=&c==d#e?f=g', { a: '', b: '', c: '=d' }],
    ['/p?%61=%C3%A9%F0%9F%98%80', { a: 'é😀' }],
    ['/p?constructor=1&toString=2', { constructor: '1', toString: '2' } as unknown as Record<string, string>],
  ])('%s', (url, expected) => {
    expect({ ...readQuery(url) }).toEqual(expected)
  })

  test.each([
    ['?a=1&a=1', '/query/a', 'must not stand twice'],
    ['?a=1&%61=2', '/query/a', 'must not stand twice'],
    ['?a=%00', '/query/a', 'must not contain the character NUL'],
    ['?a%00=1', '/query/(name)', 'must not contain the character NUL'],
    ['?a=%ff', '/query', 'must be percent-encoded UTF-8'],
    ['?a=%', '/query', 'must be percent-encoded UTF-8'],
    ['?a=%ED%A0%80', '/query', 'must be percent-encoded UTF-8'],
    ['?__proto__=1', '/query/__proto__', 'is a reserved name'],
    [`?${'a=1&'.repeat(70)}`, '/query', 'must not have more than 64 parameters'],
  ])('%s is refused at %s', async (query, pointer, reason) => {
    const refusal = await refusalOf(() => readQuery(`http://h/p${query}`))
    expect(refusal.kind).toMatchObject({ code: 'input-validation/malformed-query', status: 400 })
    expect(refusal.fields).toEqual([{ pointer, reason }])
  })

  test('agrees with URLSearchParams on all that it takes', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ unit: 'grapheme', maxLength: 9 }), { maxKeys: 5 }),
        (wanted) => {
          fc.pre(
            !JSON.stringify(wanted).includes('\\u0000') &&
              !Object.hasOwn(wanted, '__proto__') &&
              !Object.hasOwn(wanted, ''),
          )
          const url = `http://h/p?${new URLSearchParams(wanted)}`
          expect({ ...readQuery(url) }).toEqual(Object.fromEntries(new URL(url).searchParams))
        },
      ),
    )
  })
})

describe('validate', () => {
  const contact = z.strictObject({
    name: text({ max: 5 }),
    age: z.int().min(1).optional(),
    tags: z
      .array(z.enum(['a', 'b']))
      .max(2)
      .optional(),
  })

  test('gives back what the schema makes of it', () => {
    expect(validate(contact, { name: ' Ada ' }, 'body')).toEqual({ name: 'Ada' })
    expect(validate(z.strictObject({ a: z.string() }), readQuery('/p?a=1'), 'query')).toEqual({ a: '1' })
  })

  test.each<[unknown, [string, string][]]>([
    [undefined, [['/body', 'is required']]],
    [[], [['/body', 'must be an object']]],
    [{}, [['/body/name', 'is required']]],
    [{ name: 7 }, [['/body/name', 'must be text']]],
    [{ name: ' ' }, [['/body/name', 'must not be empty']]],
    [{ name: 'Secret' }, [['/body/name', 'must not be more than 5 characters long']]],
    [{ name: 'a\nb' }, [['/body/name', 'must not contain control characters']]],
    [{ name: 'Ada', age: '7' }, [['/body/age', 'must be a number']]],
    [{ name: 'Ada', age: 0 }, [['/body/age', 'must be at least 1']]],
    [{ name: 'Ada', age: 1.5 }, [['/body/age', 'must be a whole number']]],
    [{ name: 'Ada', tags: ['a', 'c'] }, [['/body/tags/1', 'must be one of: a, b']]],
    [{ name: 'Ada', tags: ['a', 'a', 'a'] }, [['/body/tags', 'must not be more than 2 items long']]],
    [
      { admin: true },
      [
        ['/body/admin', 'is not a known field'],
        ['/body/name', 'is required'],
      ],
    ],
    [{ name: 'Ada', '<script>': 1 }, [['/body/(name)', 'is not a known field']]],
    [{ name: 'Ada', ['x'.repeat(100_000)]: 1 }, [['/body/(name)', 'is not a known field']]],
  ])('%j is refused', async (value, fields) => {
    const refusal = await refusalOf(() => validate(contact, value, 'body'))
    expect(refusal.kind).toMatchObject({ code: 'input-validation/invalid-fields', status: 400 })
    expect(refusal.fields.map(({ pointer, reason }) => [pointer, reason])).toEqual(fields)
  })

  test.each(['a\u0000', '\ud800'])('parameters are inspected here: %j', async (name) => {
    const schema = z.strictObject({ name: z.string() })
    expect((await refusalOf(() => validate(schema, { name }, 'params'))).fields[0]?.pointer).toBe('/params/name')
  })

  test('an answer names twenty fields at most', async () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`x${index}`, 1]))
    expect((await refusalOf(() => validate(nothing, many, 'body'))).fields.length).toBeLessThanOrEqual(20)
    const list = Array.from({ length: 5000 }, () => 1)
    expect((await refusalOf(() => validate(z.array(z.string()), list, 'body'))).fields).toHaveLength(20)
  })

  test('whatever comes, the refusal does not repeat it', async () => {
    const schema = z.union([
      contact,
      z.strictObject({ mail: z.email(), when: z.iso.date(), link: z.url(), code: z.string().regex(/^\d+$/) }),
    ])
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 6, maxLength: 12 }).map((one) => `zq${one}`),
        async (value) => {
          for (const input of [
            value,
            [value],
            { name: value },
            { mail: value, when: value, link: value, code: value },
          ]) {
            const refusal = await refusalOf(() => validate(schema, input, 'body'))
            expect(JSON.stringify([refusal.fields, refusal.extra, refusal.message])).not.toContain('zq')
          }
        },
      ),
    )
  })
})

describe('checkRoutes', () => {
  const limit = { name: 'api', quota: 100, windowSeconds: 60 }
  const row = z.strictObject({ id: z.uuid() })
  const good = write({
    method: 'POST',
    path: '/api/o/:organisation/contacts/:contact',
    summary: 'Change a contact',
    needs: 'contacts.write',
    limit,
    params: z.strictObject({ contact: z.uuid() }),
    query: z.strictObject({ page: z.string().optional() }),
    body: z.strictObject({
      name: text({ max: 9 }),
      more: z.array(z.strictObject({ a: z.string().nullable().default(null) })).optional(),
    }),
    response: row,
    run: () => Promise.reject(new Error('never run')),
  })
  const complaints = (changed: object, name = 'change') => checkRoutes({ [name]: { ...good, ...changed } as Route })

  test('nothing to say about a good route', () => {
    expect(complaints({})).toEqual([])
    expect(complaints({ method: 'DELETE', body: undefined })).toEqual([])
    expect(complaints({ body: undefined, upload: { types: ['text/csv'], maxBytes: 9 } })).toEqual([])
    expect(complaints({ body: nothing })).toEqual([])
  })

  test.each<[string, object]>([
    ['has no response schema', { response: undefined }],
    ['has no response schema', { response: {} }],
    ['has neither a body schema nor an upload', { body: undefined }],
    ['has both a body schema and an upload', { upload: { types: ['text/csv'], maxBytes: 9 } }],
    ['takes a body, which GET has not', { method: 'GET' }],
    ['its upload states no types or no size', { body: undefined, upload: { types: [], maxBytes: 9 } }],
    ['its parameter :contact has no schema', { params: undefined }],
    ['its parameter :contact has no schema', { params: z.strictObject({ other: z.string() }) }],
    ['its path has no parameter :other', { params: z.strictObject({ contact: z.uuid(), other: z.uuid() }) }],
    ['it needs the function run', { run: undefined }],
    ['it needs the function statement', { kind: 'read' }],
    ['has no limit', { limit: undefined }],
    ["its limit's name must be a word", { limit: { ...limit, name: 'A B' } }],
    ['its limit must have a quota', { limit: { ...limit, quota: 0 } }],
    ['is of the kind write, which GET must not be', { method: 'GET', body: undefined }],
    ['does not say why', { crossSite: '' }],
    ['does not say why', { crossSite: 'because' }],
    ['does not say why', { crossSite: `because ${' '.repeat(40)}` }],
    ['does not say why', { crossSite: 'we post here from elsewhere, as we have agreed' }],
    ['does not say why', { crossSite: true }],
    ['only an open route may', { crossSite: 'because the mailer posts here and signs what it posts' }],
    ['states no permission', { needs: undefined }],
    ['needs a permission', { needs: 'nobody' }],
    ['is of no known kind', { kind: 'other' }],
    ['has no method of the five', { method: 'OPTIONS' }],
    ['its path must start with /api/', { path: '/contacts', params: undefined }],
    ['its path must start with /api/', { path: '/api/*', params: undefined }],
    ['must start with /api/o/:organisation', { path: '/api/contacts/:contact' }],
    ['its body lets unknown fields pass', { body: z.object({ a: z.string() }) }],
    ['its query lets unknown fields pass', { query: z.looseObject({ a: z.string() }) }],
    ['its params lets unknown fields pass', { params: z.object({ contact: z.uuid() }) }],
    ['its body/a lets unknown fields pass', { body: z.strictObject({ a: z.object({}) }) }],
    ['its body/a/* lets unknown fields pass', { body: z.strictObject({ a: z.array(z.object({})).optional() }) }],
    ['its body/* lets unknown fields pass', { body: z.record(z.string(), z.object({})) }],
    ['its body/a lets unknown fields pass', { body: z.strictObject({ a: z.union([z.string(), z.object({})]) }) }],
    ['its body/a lets unknown fields pass', { body: z.strictObject({ a: z.lazy(() => z.object({})) }) }],
    ['its body lets unknown fields pass', { body: z.intersection(z.strictObject({}), z.object({})) }],
    ['its body/* lets unknown fields pass', { body: z.tuple([z.string()], z.object({})) }],
    ['its body lets unknown fields pass', { body: z.strictObject({}).catchall(z.string()) }],
    ['its body/a is a any', { body: z.strictObject({ a: z.any() }) }],
    ['its body/a is a unknown', { body: z.strictObject({ a: z.unknown() }) }],
    ['its body/a is a custom', { body: z.strictObject({ a: z.custom() }) }],
    ['its body/a is a date', { body: z.strictObject({ a: z.date() }) }],
    ['its body/a is a catch', { body: z.strictObject({ a: z.string().catch('') }) }],
    ['its body/a is converted before it is checked', { body: z.strictObject({ a: z.preprocess(String, z.string()) }) }],
    ['its body/a takes any type and converts it', { body: z.strictObject({ a: z.coerce.number() }) }],
    ['its body is not a schema', { body: { a: 1 } }],
  ])('%s', (words, changed) => {
    const seen = complaints(changed)
    expect(
      seen.some((complaint) => complaint.includes(words)),
      seen.join('\n'),
    ).toBe(true)
    expect(seen.every((complaint) => complaint.startsWith('route change ('))).toBe(true)
  })

  test('a recursive schema ends', () => {
    const tree: z.ZodType = z.strictObject({
      get children() {
        return z.array(tree)
      },
    })
    expect(complaints({ body: tree })).toEqual([])
  })

  test('a transformation of checked input, and conversion of a query, are well', () => {
    expect(complaints({ body: z.strictObject({ a: z.string().transform(Number).pipe(z.number()) }) })).toEqual([])
    expect(complaints({ query: z.strictObject({ a: z.coerce.number() }) })).toEqual([])
  })

  test('two routes at one address, and one name for two limits', () => {
    const list = read({
      method: 'GET',
      path: '/api/o/:organisation/a/:x',
      summary: 'A',
      needs: 'a.read',
      limit: { ...limit, quota: 7 },
      params: z.strictObject({ x: z.string() }),
      response: row,
      statement: () => {
        throw new Error('never run')
      },
      answer: () => ({ id: '' }),
    })
    const same = { ...list, path: '/api/o/:organisation/a/:y', params: z.strictObject({ y: z.string() }) }
    const seen = checkRoutes({ good, list, same } as unknown as Routes)
    expect(seen).toContain('routes list and same both stand at GET /api/o/:organisation/a/:y')
    expect(seen).toContain('route list: another route gives the name api to a different limit')
  })

  test('an open route with a body of nothing', () => {
    const out = open({
      method: 'POST',
      path: '/api/sign-out',
      summary: 'Out',
      limit,
      body: nothing,
      response: nothing,
      run: () => Promise.resolve({ body: {} }),
    })
    expect(checkRoutes({ out })).toEqual([])
  })
})
