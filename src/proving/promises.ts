import type { PromiseId } from '../kernel/promises.ts'

/** The two security pages that Holdfast was asked for: C of a product for persons, G of one for organisations. */
export type PageLetter = 'C' | 'G'

/** A section of one of the two pages, such as `G3`. The bare letter is the page as a whole. */
export type PageSection = PageLetter | `${PageLetter}${number}`

/** One row of the security page: what is promised, who owns it, who asked for it, and what is still missing. */
export interface PromiseRow {
  readonly chapter: string
  readonly title: string
  readonly sentence: string
  /** The control that owns the row. Its folder may not exist yet; then the row has no claims. */
  readonly folder: string
  /** Empty: nobody asked, we add it. */
  readonly asked: readonly PageSection[]
  /** What is not built yet, in plain words. While it is set, the row is `unproven`, whatever its claims say. */
  readonly missing?: string
}

export type PromiseRegistry = Readonly<Record<PromiseId, PromiseRow>>

/** Every row, in the order of the pages. The compiler sees to it that none is left out. */
export const promises: PromiseRegistry = {
  T1: {
    chapter: 'Transport',
    title: 'Encrypted connections',
    sentence:
      'Every connection to the service uses HTTPS with TLS 1.2 or newer, browsers are told to accept nothing less, and certificates are issued and renewed without anybody’s help.',
    folder: 'transport',
    asked: ['C1', 'C2', 'G1'],
    missing: 'The HTTPS listener, its certificates and the handshake test are not built yet.',
  },
  T2: {
    chapter: 'Transport',
    title: 'Encrypted links behind the service',
    sentence:
      'Every link that the service opens, to its database, mail, storage and telemetry, is encrypted, and the other side has to prove who it is.',
    folder: 'transport',
    asked: ['C2', 'G1'],
    missing: 'Nothing inspects the links to the database, mail and storage yet.',
  },
  T3: {
    chapter: 'Transport',
    title: 'Floods and slow clients',
    sentence: 'Floods of requests and clients that dawdle do not take the service down.',
    folder: 'transport',
    asked: ['C1'],
    missing: 'The flood and slow-client tests are not built yet.',
  },
  E1: {
    chapter: 'Encryption at rest',
    title: 'Sealed fields',
    sentence:
      'Secret and personal fields are sealed before they are stored, each one bound to the place where it belongs.',
    folder: 'encryption',
    asked: ['C2', 'G1'],
    missing:
      'Sealing is not built yet: the inventory says which fields are secret or personal, and they are stored as they are.',
  },
  E2: {
    chapter: 'Encryption at rest',
    title: 'Encrypted files',
    sentence: 'Uploaded files are encrypted before they are stored, and leave only through the service’s own gateway.',
    folder: 'files',
    asked: ['C2', 'G1', 'G4'],
    missing: 'The service stores no uploaded files yet.',
  },
  E3: {
    chapter: 'Encryption at rest',
    title: 'Encrypted backups',
    sentence: 'Backups are encrypted before they leave the machine, and open only with the key.',
    folder: 'backups',
    asked: ['C2', 'G1'],
    missing: 'Backups are not built yet.',
  },
  E4: {
    chapter: 'Encryption at rest',
    title: 'Keys that rotate, and can be destroyed',
    sentence:
      'Keys are replaced without downtime, and deleting an organisation destroys its key, so that backups cannot bring its data back.',
    folder: 'encryption',
    asked: [],
    missing: 'Organisations have no keys of their own yet.',
  },
  E5: {
    chapter: 'Encryption at rest',
    title: 'Encrypted volumes',
    sentence: 'All data lie on encrypted volumes: tables, indexes, write-ahead log, temporary files, logs and uploads.',
    folder: 'encryption',
    asked: ['C2', 'G1'],
    missing: 'Nothing looks at the volumes below the data folders yet.',
  },
  I1: {
    chapter: 'Isolation',
    title: 'Organisations kept apart',
    sentence:
      'One organisation cannot read, change, infer or reference another’s rows: the database refuses, whatever the application asks.',
    folder: 'tenant-isolation',
    asked: ['G2', 'C5'],
  },
  I2: {
    chapter: 'Isolation',
    title: 'Held against injected SQL',
    sentence:
      'Not even injected SQL or a forged setting crosses from one organisation to another: the database authenticates each session itself.',
    folder: 'tenant-isolation',
    asked: [],
  },
  I3: {
    chapter: 'Isolation',
    title: 'Persons kept apart',
    sentence:
      'Where data belong to a person, nobody else sees them: a person is kept apart like an organisation of one.',
    folder: 'tenant-isolation',
    asked: ['C5'],
  },
  I4: {
    chapter: 'Isolation',
    title: 'Nothing slips in unprotected',
    sentence: 'A table or a column that does not say what it holds stops the start and the migration.',
    folder: 'tenant-isolation',
    asked: [],
  },
  A1: {
    chapter: 'Sign-in',
    title: 'Passwords kept as hashes',
    sentence: 'Passwords exist only as salted bcrypt hashes.',
    folder: 'accounts',
    asked: ['C3', 'G3'],
  },
  A2: {
    chapter: 'Sign-in',
    title: 'Verified addresses',
    sentence: 'A new account can do nothing until its mail address is verified.',
    folder: 'accounts',
    asked: ['C3'],
  },
  A3: {
    chapter: 'Sign-in',
    title: 'Sessions that end when they should',
    sentence:
      'Sessions are signed tokens in cookies that scripts cannot read; they rotate by themselves, and a revoked one opens nothing from that moment on.',
    folder: 'sessions',
    asked: ['C3', 'G3'],
  },
  A4: {
    chapter: 'Sign-in',
    title: 'Cross-site requests change nothing',
    sentence: 'A request that another site makes a browser send changes nothing.',
    folder: 'browser-defences',
    asked: ['G3'],
  },
  A5: {
    chapter: 'Sign-in',
    title: 'Two factors',
    sentence:
      'A second factor is there for everyone, and required where an organisation or a role demands it: without it the database gives no rows.',
    folder: 'two-factor',
    asked: ['G3'],
  },
  A6: {
    chapter: 'Sign-in',
    title: 'Limits on guessing',
    sentence: 'Sign-in, registration, reset and the API are limited in rate, by address and by account.',
    folder: 'rate-limits',
    asked: ['G3', 'C6'],
  },
  A7: {
    chapter: 'Sign-in',
    title: 'Least privilege',
    sentence: 'Processes, people and our own team have the rights that their duty needs, and no more.',
    folder: 'permissions',
    asked: ['G3'],
    missing:
      'Still to come: the register of our own team’s access with its dated reviews, and sign-in in a process of its own.',
  },
  A8: {
    chapter: 'Sign-in',
    title: 'Separate administration',
    sentence:
      'Administration is for authorised people alone, with credentials of their own that are elevated for a reason and for a time, and that end users never meet.',
    folder: 'operators',
    asked: ['C5'],
    missing: 'Accounts for operators are not built yet.',
  },
  P1: {
    chapter: 'Payments',
    title: 'Payment on Stripe’s pages',
    sentence: 'Payment happens on Stripe’s own pages; card and billing details never reach our servers.',
    folder: 'billing',
    asked: ['C4', 'G8'],
    missing: 'Billing is not built yet.',
  },
  P2: {
    chapter: 'Payments',
    title: 'Little is kept about payment',
    sentence:
      'About payment we keep the customer’s number at Stripe and what manages the subscription, and nothing else.',
    folder: 'billing',
    asked: ['C4', 'G8'],
    missing: 'Billing is not built yet.',
  },
  P3: {
    chapter: 'Payments',
    title: 'The subscription governs access',
    sentence:
      'What a subscription includes is what opens; news from Stripe is checked, counted once, and may come in any order.',
    folder: 'billing',
    asked: ['C4'],
    missing: 'Billing is not built yet.',
  },
  V1: {
    chapter: 'Application',
    title: 'Input checked on the server',
    sentence: 'Everything that arrives is checked on the server, whatever the browser has checked before.',
    folder: 'input-validation',
    asked: ['C6'],
    missing: 'Still to come: hostile values in every field of every route, and a search of what was stored afterwards.',
  },
  V2: {
    chapter: 'Application',
    title: 'Input made harmless',
    sentence: 'What people type is made harmless before it is stored or shown.',
    folder: 'input-validation',
    asked: ['C6'],
    missing: 'The sanitiser for rich text and its attacks are not built yet.',
  },
  V3: {
    chapter: 'Application',
    title: 'Security headers',
    sentence:
      'Every page carries headers that tell the browser to refuse framing, foreign content and injected scripts.',
    folder: 'browser-defences',
    asked: ['C6'],
    missing: 'Still to come: the grade of an outside scanner, and the reports that browsers send.',
  },
  M1: {
    chapter: 'Watching',
    title: 'An append-only audit log',
    sentence: 'Actions that matter for security stand in a log to which one can only add.',
    folder: 'audit-log',
    asked: ['G5'],
    missing:
      'Still to come: the proof that no action goes unrecorded, and signed checkpoints outside the database that reveal any change to the past.',
  },
  M2: {
    chapter: 'Watching',
    title: 'Errors and speed are watched',
    sentence: 'Errors and response times are watched, in the promised region, and alerts are answered quickly.',
    folder: 'monitoring',
    asked: ['G5'],
    missing: 'Monitoring is not built yet.',
  },
  M3: {
    chapter: 'Watching',
    title: 'Logs with limits',
    sentence:
      'Logs are kept for a limited time, reading them is restricted and itself recorded, and secrets never reach them.',
    folder: 'log-retention',
    asked: ['G5'],
    missing: 'Retention of logs and the search for secrets in them are not built yet.',
  },
  D1: {
    chapter: 'Development',
    title: 'No secrets in the code',
    sentence: 'Every change is searched for secrets, and credentials come from the environment alone.',
    folder: 'secrets',
    asked: ['G4', 'G6'],
    missing: 'The search of every change is not built yet.',
  },
  D2: {
    chapter: 'Development',
    title: 'Dependencies looked after',
    sentence: 'Third-party code is scanned, reviewed and updated regularly.',
    folder: 'supply-chain',
    asked: ['C6', 'G6'],
    missing: 'The scan of dependencies and its record are not built yet.',
  },
  D3: {
    chapter: 'Development',
    title: 'Reviewed and tested releases',
    sentence:
      'Every change is reviewed by a second person, and no release goes out unless the automated tests have passed.',
    folder: 'supply-chain',
    asked: ['G6'],
    missing: 'The running code carries no attestation of its review and tests yet.',
  },
  D4: {
    chapter: 'Development',
    title: 'Isolated containers',
    sentence:
      'Each service runs in a container of its own, without root, with a read-only file system and no spare rights.',
    folder: 'confinement',
    asked: ['G4'],
    missing: 'The process does not examine its own confinement yet.',
  },
  D5: {
    chapter: 'Development',
    title: 'Scanned images',
    sentence: 'Container images are scanned before they run.',
    folder: 'supply-chain',
    asked: ['G6'],
    missing: 'The scan of images is not built yet.',
  },
  B1: {
    chapter: 'Staying up',
    title: 'Backups run by themselves',
    sentence: 'Backups are made by themselves on a rolling schedule.',
    folder: 'backups',
    asked: ['C1', 'G7'],
    missing: 'Backups are not built yet.',
  },
  B2: {
    chapter: 'Staying up',
    title: 'Data can be brought back',
    sentence: 'Data can be brought back to a chosen moment, and we practise it.',
    folder: 'backups',
    asked: ['G7'],
    missing: 'Restoring, and practising it, are not built yet.',
  },
  B3: {
    chapter: 'Staying up',
    title: 'Failing safe',
    sentence: 'When a part fails, the service fails safe, and the failure stays with that part.',
    folder: 'resilience',
    asked: ['G7', 'C1'],
    missing: 'The drills that take each part away are not built yet.',
  },
  B4: {
    chapter: 'Staying up',
    title: 'Outliving a process',
    sentence: 'The service stays available when a process or the database’s primary dies.',
    folder: 'resilience',
    asked: ['C1'],
    missing: 'Running on several processes and machines, and the drills for it, are not built yet.',
  },
  B5: {
    chapter: 'Staying up',
    title: 'Outliving a place',
    sentence:
      'The data survive the loss of a whole place, because copies lie in a second one within the promised region.',
    folder: 'resilience',
    asked: ['C1'],
    missing: 'Copies in a second place are not built yet.',
  },
  R1: {
    chapter: 'Where and who',
    title: 'Data stay in the region',
    sentence: 'Application, database, files, backups, mail and telemetry stay in the European Union.',
    folder: 'residency',
    asked: ['G4', 'G5'],
    missing: 'Nothing asks the providers where the data lie yet.',
  },
  S1: {
    chapter: 'Where and who',
    title: 'Few, vetted subprocessors',
    sentence:
      'The companies that process data for us are few, vetted and publicly listed, each with its purpose and its agreement.',
    folder: 'subprocessors',
    asked: ['G9'],
    missing: 'The public register of subprocessors is not written yet.',
  },
  S2: {
    chapter: 'Where and who',
    title: 'Nothing goes to anyone else',
    sentence: 'The service can reach only the hosts of listed subprocessors.',
    folder: 'subprocessors',
    asked: [],
    missing: 'Outgoing calls are not held to a list yet.',
  },
  N1: {
    chapter: 'When things go wrong',
    title: 'Told within 72 hours',
    sentence:
      'If data are breached, those affected hear within 72 hours of its confirmation what happened, to which data, and what is being done.',
    folder: 'incidents',
    asked: ['C8'],
    missing: 'The incident clock and its notices are not built yet.',
  },
  N2: {
    chapter: 'When things go wrong',
    title: 'Investigated to the root',
    sentence:
      'The cause is investigated with the providers concerned, its return is prevented, and the authorities that apply are told.',
    folder: 'incidents',
    asked: ['C8'],
    missing: 'The record of incidents is not built yet.',
  },
  N3: {
    chapter: 'When things go wrong',
    title: 'Reports from researchers',
    sentence: 'Security researchers can report in private, and get an answer.',
    folder: 'disclosure',
    asked: ['C7', 'G10'],
    missing: 'The intake for reports, and security.txt, are not built yet.',
  },
  N4: {
    chapter: 'When things go wrong',
    title: 'Questions get answers',
    sentence: 'A question sent to the contact on the page arrives and is answered.',
    folder: 'disclosure',
    asked: ['C9', 'G11'],
    missing: 'Nothing tests yet whether a message to the contact arrives.',
  },
  W1: {
    chapter: 'The page itself',
    title: 'A page that dates itself',
    sentence:
      'The page says when its words last changed and who reviewed them, a draft says that it is one, and a privacy page lists the current subprocessors.',
    folder: 'proving',
    asked: ['C', 'G'],
    missing: 'Still to come: the history of the wording, and the privacy page with the current subprocessors.',
  },
  U1: {
    chapter: 'The page itself',
    title: 'Export and erasure',
    sentence: 'People and organisations can take their data with them, and have them erased.',
    folder: 'data-rights',
    asked: [],
    missing: 'Complete export and erasure are not built yet.',
  },
  X1: {
    chapter: 'Declared',
    title: 'Audited providers',
    sentence: 'Our providers hold SOC 2 or PCI DSS reports and are audited regularly by independent firms.',
    folder: 'declared',
    asked: ['C1', 'C4', 'G8'],
    missing: 'The register of the providers’ reports is not written yet.',
  },
  X2: {
    chapter: 'Declared',
    title: 'The hosting’s own defences',
    sentence:
      'The hosting provider wards off volumetric attacks, and brings managed high availability and a second place.',
    folder: 'declared',
    asked: ['C1', 'G4'],
    missing: 'The register of the hosting’s own guarantees is not written yet.',
  },
}

/** The rows that a page was asked for, in the order of its sections; a row that stands in two comes at its first. */
export function askedOn(letter: PageLetter, registry: PromiseRegistry = promises): PromiseId[] {
  const first = (row: PromiseRow) => Math.min(...row.asked.filter((place) => place[0] === letter).map(sectionNumber))
  const asked = (Object.keys(registry) as PromiseId[]).filter((id) => Number.isFinite(first(registry[id])))
  return asked.sort((one, other) => first(registry[one]) - first(registry[other]))
}

/** 3 of `G3`. The page as a whole comes after its sections. */
export function sectionNumber(place: PageSection): number {
  return place.length === 1 ? Number.MAX_SAFE_INTEGER : Number(place.slice(1))
}
