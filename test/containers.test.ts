import { spawnSync } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../src/platform/config/config.ts'

// What a linter would say needs an engine or a library; CI has both. What matters here is read from the text.
const root = path.join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')

describe('the Dockerfile', () => {
  const lines = read('Dockerfile')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))

  it('names its base by a version, and ends as an ordinary user', () => {
    const bases = lines.filter((line) => line.startsWith('FROM '))
    for (const base of bases) expect(base).toMatch(/^FROM node:24-\w+-slim( AS build)?$/)
    expect(last.filter((line) => line.startsWith('USER ')).at(-1)).toBe('USER node')
    expect(last.findIndex((line) => line.startsWith('USER '))).toBeLessThan(
      last.findIndex((line) => line.startsWith('CMD ')),
    )
  })

  it('holds no secret, and the build sees no secret', () => {
    expect(lines.join('\n')).not.toMatch(/PASSWORD|SECRET|TOKEN|^ADD /im)
    expect(read('.dockerignore').split('\n')).toEqual(
      expect.arrayContaining(['.env', '.holdfast', '.git', 'node_modules']),
    )
  })
})

describe('compose.yaml', () => {
  const text = read('compose.yaml')
  const services = Object.fromEntries(
    text
      .split(/^services:\n/m)[1]!
      .split(/^volumes:/m)[0]!
      .split(/^ {2}(?=\w+:\n)/m)
      .slice(1)
      .map((part) => [part.slice(0, part.indexOf(':')), part]),
  ) as Record<'app' | 'database' | 'mailbox', string>

  it('publishes on loopback alone, and pins its images', () => {
    expect(Object.keys(services).sort()).toEqual(['app', 'database', 'mailbox'])
    const ports = [...text.matchAll(/- '([\d.:]+:\d+)'$/gm)].map((match) => match[1]!)
    expect(ports).toHaveLength(4)
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
    for (const [, image] of text.matchAll(/image: (.+)$/gm)) expect(image).toMatch(/:v?\d+/)
  })

  it('runs the app without rights, on a file system that it cannot write', () => {
    for (const line of ['read_only: true', 'no-new-privileges:true', 'cap_drop:\n      - ALL'])
      for (const service of [services.app, services.mailbox]) expect(service).toContain(line)
    expect(text).not.toMatch(/privileged|cap_add|network_mode: host|docker\.sock/)
  })

  it('hands the app settings that it accepts', () => {
    const env = Object.fromEntries(
      [...services.app.matchAll(/^ {6}([A-Z_]+): (.+)$/gm)].map(([, name, value]) => [
        name,
        value!.replace(/\$\{DATABASE_PASSWORD:\?[^}]+\}/, 'secret'),
      ]),
    )
    expect(Object.keys(env).sort()).toEqual(['DATABASE_URL', 'HOST', 'MAIL_FROM', 'SMTP_URL'])
    const config = readConfig(env)
    expect(config.database).toMatchObject({ kind: 'server', host: 'database' })
    expect(config.mail).toMatchObject({ kind: 'smtp', host: '127.0.0.1', tls: 'off' })
    expect(services.mailbox).toContain('network_mode: service:app')
  })
})

it('.ci/run can be run, and bash can read it', () => {
  accessSync(path.join(root, '.ci/run'), constants.X_OK)
  expect(spawnSync('bash', ['-n', path.join(root, '.ci/run')]).status).toBe(0)
})
