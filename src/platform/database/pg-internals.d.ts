// What `pg` does not type: pinned to the exact version in package.json, and tested in wire.test.ts on every upgrade.
declare module 'pg/lib/utils.js' {
  export function prepareValue(value: unknown): string | Buffer | null
}
