import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'tenant-isolation/rows-stay-home': {
    sentence:
      'Nobody reads, changes, references or infers another organisation’s rows: every way into every table is tried, as ' +
      'each of the logins that a running system uses.',
    promises: ['I1', 'I3'],
    ttlMinutes: 30,
  },
  'tenant-isolation/catalogue-is-clean': {
    sentence:
      'The database’s own catalogues show no way around the separation of organisations: no table without its policies, no ' +
      'role, right, view, function, key or setting that would lead past them.',
    promises: ['I1'],
    ttlMinutes: 60,
  },
  'tenant-isolation/grants-match-manifest': {
    sentence:
      'Each role of the database holds exactly the rights that are written down for its duty, and the functions that guard ' +
      'the organisations are those that were reviewed.',
    promises: ['I1', 'A7'],
    ttlMinutes: 60,
  },
  'tenant-isolation/session-cannot-be-forged': {
    sentence:
      'Whoever can run any SQL in the application’s place still cannot say which organisation they are in: only a live ' +
      'session of a member opens one, and the database itself checks it.',
    promises: ['I2'],
    ttlMinutes: 30,
  },
  'tenant-isolation/pool-leaves-nothing-behind': {
    sentence: 'What one request leaves on a database connection, on purpose or not, never reaches the next request.',
    promises: ['I2'],
    ttlMinutes: 30,
  },
  'tenant-isolation/nothing-unclassified': {
    sentence: 'Every table and every column in the database says what it holds.',
    promises: ['I4'],
    ttlMinutes: 60,
  },
  // For I2, because what an old server lacks are fixes against the authors of SQL statements, and they are whom I2 is about.
  // Not for I1: the policies ask a setting and never who the user is, so none of those faults opens them to ordinary queries.
  // For D2 as well: the server is a dependency, and this is its scan.
  'tenant-isolation/server-is-patched': {
    sentence: 'The database server has the security fixes that are out for its version.',
    promises: ['I2', 'D2'],
    ttlMinutes: 60,
  },
  'tenant-isolation/app-process-cannot-mint': {
    sentence:
      'Even code that runs inside the application’s own process cannot open a session for somebody else: sign-in runs in ' +
      'another process, with a database login of its own.',
    promises: ['I2'],
    ttlMinutes: 60,
  },
} as const satisfies Claims
