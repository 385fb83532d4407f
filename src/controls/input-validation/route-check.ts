import type { z } from 'zod'
import type { Route } from '../../platform/http/route.ts'

/** What keeps one route from starting, as sentences with a remedy. */
export function complaintsAbout(route: Route, name: string): string[] {
  return [
    ...complaintsAboutPath(route),
    ...complaintsAboutNeeds(route),
    ...complaintsAboutLimit(route),
    ...complaintsAboutSchemas(route),
    ...complaintsAboutWork(route),
    ...complaintsAboutCrossSite(route),
  ].map((complaint) => `route ${name} (${route.method} ${route.path}): ${complaint}`)
}

/** What routes must not do to each other: stand at one address, or give one name to different limits. */
export function complaintsAboutAll(routes: readonly (readonly [string, Route])[]): string[] {
  const complaints: string[] = []
  const places = new Map<string, string>()
  const limits = new Map<string, Route['limit']>()
  for (const [name, route] of routes) {
    const place = `${route.method} ${route.path.replace(/:\w+/g, ':')}`
    const other = places.get(place)
    if (other !== undefined) complaints.push(`routes ${other} and ${name} both stand at ${route.method} ${route.path}`)
    places.set(place, name)
    const limit = limits.get(route.limit?.name)
    if (limit && (limit.quota !== route.limit.quota || limit.windowSeconds !== route.limit.windowSeconds))
      complaints.push(`route ${name}: another route gives the name ${limit.name} to a different limit`)
    if (route.limit) limits.set(route.limit.name, route.limit)
  }
  return complaints
}

function complaintsAboutPath(route: Route): string[] {
  const complaints: string[] = []
  if (!['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(route.method)) complaints.push('has no method of the five')
  if (!/^\/api(\/:?[A-Za-z0-9][A-Za-z0-9._-]*)+$/.test(route.path))
    complaints.push('its path must start with /api/ and be made of plain words and :parameters')
  const inOrganisation = /^\/api\/o\/:organisation(\/|$)/.test(route.path)
  if ((route.kind === 'read' || route.kind === 'write') && !inOrganisation)
    complaints.push('reads or writes an organisation, so its path must start with /api/o/:organisation')
  return complaints
}

function complaintsAboutNeeds(route: Route): string[] {
  if (!['open', 'session', 'read', 'write'].includes(route.kind))
    return ['is of no known kind; use open, session, read or write']
  if (typeof route.needs !== 'string' || route.needs === '') return ['states no permission that it needs']
  if ((route.kind === 'read' || route.kind === 'write') && (route.needs === 'nobody' || route.needs === 'session'))
    return ['needs a permission, since it reaches an organisation']
  return []
}

function complaintsAboutLimit({ limit }: Route): string[] {
  if (!limit) return ['has no limit']
  const isCount = (count: number) => Number.isSafeInteger(count) && count >= 1
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(limit.name)) return ["its limit's name must be a word of small letters"]
  if (!isCount(limit.quota) || !isCount(limit.windowSeconds))
    return ['its limit must have a quota and a window of at least 1']
  return []
}

/** A GET must change nothing: links, images and pre-loading send it, and the cross-site gate lets page visits pass. */
function complaintsAboutCrossSite(route: Route): string[] {
  const complaints: string[] = []
  if (route.kind === 'write' && route.method === 'GET')
    complaints.push('is of the kind write, which GET must not be; use read, or another method')
  const reason: unknown = (route as { readonly crossSite?: unknown }).crossSite
  if (reason === undefined) return complaints
  if (typeof reason !== 'string' || !/^because \S.{31,}$/.test(reason))
    complaints.push('lets other sites call it and does not say why: crossSite: "because …", in 40 letters or more')
  if (route.kind !== 'open')
    complaints.push('lets other sites call it and acts for whoever is signed in; only an open route may let them')
  if (route.method === 'GET') complaints.push('lets other sites call it, which a route that changes nothing need not')
  return complaints
}

/** For those who write JavaScript: a route that lacks its work would start, and answer 500. */
function complaintsAboutWork(route: Route): string[] {
  const needed = route.kind === 'read' ? ['statement', 'answer'] : ['run']
  return needed
    .filter((name) => typeof (route as unknown as Record<string, unknown>)[name] !== 'function')
    .map((name) => `is of the kind ${route.kind}, so it needs the function ${name}`)
}

function complaintsAboutSchemas(route: Route): string[] {
  const complaints: string[] = []
  const { method, params, query, body, upload, response } = route
  if (!isSchema(response)) complaints.push('has no response schema')
  const changes = method === 'POST' || method === 'PUT' || method === 'PATCH'
  if (changes && !body && !upload)
    complaints.push('has neither a body schema nor an upload; use `nothing` for an empty one')
  if (body && upload) complaints.push('has both a body schema and an upload')
  if (method === 'GET' && (body || upload)) complaints.push('takes a body, which GET has not')
  if (upload && (upload.types.length === 0 || !(upload.maxBytes >= 1)))
    complaints.push('its upload states no types or no size')
  complaints.push(...complaintsAboutParams(route))
  for (const [where, schema] of Object.entries({ params, query, body })) {
    if (schema === undefined) continue
    if (!isSchema(schema)) complaints.push(`its ${where} is not a schema`)
    else complaints.push(...looseParts(schema, where, where === 'body').map((part) => `its ${part}`))
  }
  return complaints
}

/** Parameters and schema must name the same things; `organisation` is checked by the pipeline. */
function complaintsAboutParams({ path, params }: Route): string[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map((match) => match[1]!)
  const needed = inPath.filter((name) => name !== 'organisation')
  const known = isSchema(params) && isObject(params) ? Object.keys(definitionOf(params).shape) : []
  const missing = needed.filter((name) => !known.includes(name)).map((name) => `its parameter :${name} has no schema`)
  const idle = known.filter((name) => !inPath.includes(name)).map((name) => `its path has no parameter :${name}`)
  return [...missing, ...idle]
}

// --- inside of a schema --------------------------------------------------------------------------------------------

/** The parts of a schema's definition that are read here (zod 4: `schema._zod.def`). */
interface Definition {
  readonly type: string
  readonly coerce?: boolean
  readonly shape: Readonly<Record<string, z.ZodType>>
  readonly catchall?: z.ZodType
  readonly element: z.ZodType
  readonly innerType: z.ZodType
  readonly in: z.ZodType
  readonly out: z.ZodType
  readonly options: readonly z.ZodType[]
  readonly items: readonly z.ZodType[]
  readonly rest?: z.ZodType | null
  readonly left: z.ZodType
  readonly right: z.ZodType
  readonly keyType: z.ZodType
  readonly valueType: z.ZodType
  readonly getter: () => z.ZodType
}

function isSchema(value: unknown): value is z.ZodType {
  return typeof value === 'object' && value !== null && '_zod' in value
}

function isObject(schema: z.ZodType): boolean {
  return definitionOf(schema).type === 'object'
}

function definitionOf(schema: z.ZodType): Definition {
  return schema._zod.def as unknown as Definition
}

/** Where a schema lets something through that it does not describe. A kind of schema that is not known here counts as one. */
function looseParts(
  schema: z.ZodType,
  at: string,
  isJson: boolean,
  seen: ReadonlySet<z.ZodType> = new Set(),
): string[] {
  if (seen.has(schema)) return []
  const inside = (part: z.ZodType, step = '') => looseParts(part, at + step, isJson, new Set([...seen, schema]))
  const definition = definitionOf(schema)
  switch (definition.type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'int':
      return definition.coerce && isJson ? [`${at} takes any type and converts it; state the type instead`] : []
    case 'literal':
    case 'enum':
    case 'null':
    case 'undefined':
    case 'never':
    case 'template_literal':
      return []
    case 'object':
      return [
        ...(definition.catchall && definitionOf(definition.catchall).type === 'never'
          ? []
          : [`${at} lets unknown fields pass; use z.strictObject`]),
        ...Object.entries(definition.shape).flatMap(([name, part]) => inside(part, `/${name}`)),
      ]
    case 'array':
      return inside(definition.element, '/*')
    case 'tuple':
      return [...definition.items, ...(definition.rest ? [definition.rest] : [])].flatMap((part) => inside(part, '/*'))
    case 'record':
      return [...inside(definition.keyType, '/(name)'), ...inside(definition.valueType, '/*')]
    case 'union':
      return definition.options.flatMap((part) => inside(part))
    case 'intersection':
      return [...inside(definition.left), ...inside(definition.right)]
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
      return inside(definition.innerType)
    case 'lazy':
      return inside(definition.getter())
    case 'pipe':
      return partsOfPipe(definition, at, inside)
    default:
      return [`${at} is a ${definition.type}, which does not say what it takes`]
  }
}

function partsOfPipe(definition: Definition, at: string, inside: (part: z.ZodType) => string[]): string[] {
  if (definitionOf(definition.in).type === 'transform') return [`${at} is converted before it is checked`]
  // What a transformation makes of an input that was checked is not input any more.
  return [
    ...inside(definition.in),
    ...(definitionOf(definition.out).type === 'transform' ? [] : inside(definition.out)),
  ]
}
