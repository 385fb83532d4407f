import { z } from 'zod'
import { takesKeys } from '../controls/api-keys/api-keys.ts'
import type { Route, Routes } from '../platform/http/route.ts'

/**
 * The OpenAPI 3.1 document of a table of routes, from the same records that the server runs. `cookieName`: of the session's cookie;
 * `keyPattern`: what API keys look like.
 */
export function openApi(
  title: string,
  origin: string,
  routes: Routes,
  { cookieName, keyPattern }: { readonly cookieName: string; readonly keyPattern: string },
): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const [name, route] of Object.entries(routes)) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describe(name, route) }
  }
  return {
    openapi: '3.1.0',
    info: { title, version: '1' },
    servers: [{ url: origin }],
    components: {
      schemas: { Problem: problem },
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: cookieName, description: 'Somebody signed in, in a browser' },
        key: { type: 'http', scheme: 'bearer', bearerFormat: keyPattern, description: 'An API key, without cookies' },
      },
    },
    paths,
  }
}

function describe(name: string, route: Route): Record<string, unknown> {
  const names = [...route.path.matchAll(/:(\w+)/g)].map((match) => match[1]!)
  const params = (route.params === undefined ? {} : (schemaOf(route.params, 'input').properties ?? {})) as Record<
    string,
    unknown
  >
  const query = route.query === undefined ? undefined : schemaOf(route.query, 'input')
  return {
    operationId: name,
    summary: route.summary,
    security: route.kind === 'open' ? [] : [{ session: [] }, ...(takesKeys(route) ? [{ key: [] }] : [])],
    'x-needs': route.needs,
    'x-limit': `${route.limit.name};q=${route.limit.quota};w=${route.limit.windowSeconds}`,
    ...('crossSite' in route && route.crossSite !== undefined ? { 'x-cross-site': route.crossSite } : {}),
    'x-schemas':
      route.response !== undefined &&
      (route.method === 'GET' || route.method === 'DELETE' || route.body !== undefined || route.upload !== undefined),
    parameters: [
      ...names.map((one) => ({
        name: one,
        in: 'path',
        required: true,
        schema: params[one] ?? { type: 'string', format: 'uuid' },
      })),
      ...Object.entries((query?.properties ?? {}) as Record<string, unknown>).map(([one, schema]) => ({
        name: one,
        in: 'query',
        required: ((query?.required ?? []) as string[]).includes(one),
        schema,
      })),
      ...('idempotent' in route && route.idempotent
        ? [{ name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string' } }]
        : []),
    ],
    ...(route.body === undefined && route.upload === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content:
              route.upload === undefined
                ? { 'application/json': { schema: schemaOf(route.body, 'input') } }
                : Object.fromEntries(
                    route.upload.types.map((type) => [type, { schema: { type: 'string', format: 'binary' } }]),
                  ),
          },
        }),
    responses: {
      '2XX': {
        description: 'Done',
        content: route.download
          ? { [route.download.type]: {} }
          : { 'application/json': { schema: schemaOf(route.response, 'output') } },
      },
      default: {
        description: 'Refused',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<string, unknown>
  return rest
}

const problem = {
  type: 'object',
  description: 'RFC 9457 problem details',
  required: ['type', 'title', 'status', 'code', 'requestId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    requestId: { type: 'string' },
    fields: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'reason'],
        properties: { pointer: { type: 'string' }, reason: { type: 'string' } },
      },
    },
  },
}
