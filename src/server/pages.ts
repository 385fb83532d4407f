import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { newNonce } from '../controls/browser-defences/browser-defences.ts'
import { Refusal } from '../kernel/refusal.ts'
import { kinds, notFound } from '../platform/http/refusals.ts'
import { securityPaths } from '../proving/page.ts'

/** What a page or an asset is served from. */
export interface PageParts {
  readonly title: string
  readonly https: boolean
  /** Where the built console lies: hashed assets and `manifest.json`. */
  readonly consoleFolder: string
  headersFor(what: {
    kind: 'page' | 'api' | 'asset' | 'file'
    https: boolean
    nonce?: string
  }): Readonly<Record<string, string>>
  /** Documents that are drawn on the server, by path: the security page and what it leads to. */
  readonly drawn: Readonly<Record<string, (url: URL, nonce: string) => Promise<Drawn | undefined>>>
}

export interface Drawn {
  readonly type: string
  readonly body: string
  readonly status?: number
}

interface Asset {
  readonly bytes: Buffer
  readonly type: string
  readonly tag: string
}

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
}

/** Serves pages and assets. All assets are read at start: no path of a request ever reaches the file system. */
export function createPages(
  parts: PageParts,
  extra: Readonly<Record<string, { type: string; bytes: Uint8Array }>> = {},
) {
  const assets = readAssets(parts.consoleFolder)
  for (const [name, { type, bytes }] of Object.entries(extra)) assets.set(name, asset(Buffer.from(bytes), type))
  const shell = readShell(parts.consoleFolder)

  return async (request: Request, url: URL): Promise<Response> => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new Refusal(kinds.methodNotAllowed, { headers: { allow: 'GET, HEAD' } })
    const found = assets.get(url.pathname)
    if (found !== undefined) return serveAsset(parts, request, found)
    const nonce = newNonce()
    for (const [prefix, draw] of Object.entries(parts.drawn)) {
      if (url.pathname !== prefix && !url.pathname.startsWith(`${prefix}/`)) continue
      const drawn = await draw(url, nonce)
      if (drawn === undefined) throw notFound()
      return new Response(drawn.body, {
        status: drawn.status ?? 200,
        headers: { ...parts.headersFor({ kind: 'page', https: parts.https, nonce }), 'content-type': drawn.type },
      })
    }
    if (url.pathname.startsWith('/assets/') || /\.[a-z0-9]+$/i.test(url.pathname)) throw notFound()
    if (shell === undefined) throw notFound()
    return new Response(shell(parts.title, nonce), {
      headers: {
        ...parts.headersFor({ kind: 'page', https: parts.https, nonce }),
        'content-type': 'text/html; charset=utf-8',
      },
    })
  }
}

function serveAsset(parts: PageParts, request: Request, found: Asset): Response {
  const headers = {
    ...parts.headersFor({ kind: 'asset', https: parts.https }),
    'content-type': found.type,
    etag: found.tag,
  }
  if (request.headers.get('if-none-match') === found.tag) return new Response(null, { status: 304, headers })
  return new Response(new Uint8Array(found.bytes), { headers })
}

function readAssets(folder: string): Map<string, Asset> {
  const found = new Map<string, Asset>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = types[path.extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const file = path.join(entry.parentPath, entry.name)
    found.set(`/${path.relative(folder, file).split(path.sep).join('/')}`, asset(readFileSync(file), type))
  }
  return found
}

function asset(bytes: Buffer, type: string): Asset {
  return { bytes, type, tag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` }
}

/** The console's HTML shell: the nonce is set here, from the template, never by searching the text. */
function readShell(folder: string): ((title: string, nonce: string) => string) | undefined {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as {
    script: string
    styles: string[]
  }
  const styles = manifest.styles.map((one) => `<link rel="stylesheet" href="${one}">`).join('')
  return (plain, nonce) => {
    const title = escapeText(plain)
    return (
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
      `<meta name="color-scheme" content="light dark"><title>${title}</title><link rel="icon" type="image/svg+xml" href="${securityPaths.icon}">${styles}` +
      `<script type="module" nonce="${nonce}" src="${manifest.script}"></script></head>` +
      `<body><div id="console"></div><noscript>${title} needs JavaScript. The security page does not: <a href="/security">read it</a>.</noscript></body></html>`
    )
  }
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
