import { readFileSync } from 'node:fs'
import { html, raw } from 'hono/html'
import type { Status } from '../kernel/finding.ts'
import type { MailSummary, ReceivedMail } from '../platform/mail/mailbox.ts'
import { mark } from '../proving/mark.ts'
import { securityPaths } from '../proving/page.ts'
import { type Look, lookOf, statusShapes, statusWords } from '../proving/status-shape.ts'
import { ago, counted } from '../proving/wording.ts'

/** What the landing page of `holdfast start` shows. Origins are absolute (`http://localhost:8701`), paths are not. */
export interface Landing {
  /** Of the package, such as `0.1.0`; and the commit that runs, or `unknown`. */
  readonly version: string
  readonly commit: string
  readonly products: readonly LandingProduct[]
  /** Absent where mail goes out for real. */
  readonly mailbox?: { readonly path: string; readonly mails: number }
  /** Ways to break a control on purpose. Empty outside of the demo: then the panel is not there. */
  readonly sabotages: readonly LandingSabotage[]
  readonly running: readonly { readonly what: string; readonly where: string; readonly note?: string }[]
  readonly dataFolder: string
}

export interface LandingProduct {
  readonly title: string
  /** One sentence on what it is. */
  readonly sentence: string
  readonly origin: string
  /** Where its security page stands, such as `/security`. */
  readonly securityPath: string
  /** Every claim of its page, in the page's order. `standIn`: found against a part that stands in for the real one. */
  readonly claims: readonly { readonly id: string; readonly status: Status; readonly standIn?: boolean }[]
  /** People of the demo. Empty with real data. */
  readonly signIns: readonly SignIn[]
}

export interface SignIn {
  /** What this person is, such as `Owner of Northwind`. */
  readonly who: string
  readonly address: string
  readonly password: string
}

export interface LandingSabotage {
  /** What it does, such as `Drop the policy of app.contact`. */
  readonly title: string
  readonly product: string
  /** The row's own id: where the browser comes back to, so that the keyboard goes on from there. */
  readonly anchor: string
  /** The form is posted here: once breaks, once more mends. */
  readonly action: string
  /** The claims that must turn red, and what the page shows of them now (the worst of them). */
  readonly claims: readonly string[]
  readonly shows: Status
  /** The place on the security page, absolute. */
  readonly href: string
  /** Absent while the control is intact. */
  readonly brokenSince?: Date
}

type Html = ReturnType<typeof html>

/** Where the mailbox stands; one mail is below it, by its id. */
export const mailboxPath = '/mail'

/** Where these pages look for their one style sheet. */
export const landingStylePath = '/landing.css'

/** The style sheet of the landing page and the mailbox: the tokens of the console, then our own rules. */
export function landingStyle(): string {
  return ['../../console/ui/tokens.css', './landing.css']
    .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
    .join('\n')
}

/** The page at the root of `holdfast start`. Complete HTML, without script or inline style; everything is escaped. */
export function renderLanding(view: Landing): string {
  return page({
    title: 'Holdfast on this machine',
    wide: true,
    body: html`
      <header class="masthead">
        <p class="brand">${raw(mark)} Holdfast <span class="version figures">${view.version}</span></p>
        <div class="opening">
          <h1>Two small products that prove their own security, while you watch.</h1>
          <p class="lead">
            Holdfast is the foundation under both. It keeps every customer’s rows apart inside the database itself, then
            attacks itself on a schedule and publishes what it saw.
          </p>
        </div>
      </header>
      <main>
        <section class="products" aria-label="Products">${view.products.map(productCard)}</section>
        ${view.mailbox ? mailboxLine(view.mailbox) : ''}
        ${view.sabotages.length > 0 ? sabotagePanel(view.sabotages) : ''}
        ${runningPanel(view)}
      </main>`,
  })
}

/** The development mailbox: what the products have sent, in the mailbox's own order (newest first). */
export function renderMailbox(mails: readonly MailSummary[], now: Date = new Date()): string {
  return page({
    title: 'Mailbox',
    body: html`
      ${wayBack('/', 'Holdfast on this machine')}
      <main>
        <h1>Mailbox</h1>
        <p class="lead">Mail of the demo is kept here. None of it leaves this machine.</p>
        ${
          mails.length === 0
            ? html`<p class="empty">No mail yet. Sign up in one of the products, and the mail that asks you to verify your address
                arrives here.</p>`
            : html`<ul class="mails">${mails.map((mail) => mailLine(mail, now))}</ul>`
        }
      </main>`,
  })
}

/**
 * One mail as text. Addresses in it become links only where their origin is one of `origins` (such as
 * `http://localhost:8701`): a mail in the demo leads nowhere else. HTML is never rendered; a mail of HTML alone is shown
 * as it was written.
 */
export function renderMail(mail: ReceivedMail, origins: readonly string[]): string {
  return page({
    title: mail.subject || 'Mail without a subject',
    body: html`
      ${wayBack(mailboxPath, 'Mailbox')}
      <main>
        <h1>${mail.subject || 'Without a subject'}</h1>
        <dl class="envelope">
          <div><dt>From</dt><dd>${mail.from}</dd></div>
          <div><dt>To</dt><dd>${mail.to.join(', ')}</dd></div>
          <div><dt>Received</dt><dd>${moment(new Date(mail.receivedAt))}</dd></div>
        </dl>
        ${mailText(mail, origins)}
      </main>`,
  })
}

function page(parts: { title: string; body: Html; wide?: boolean }): string {
  return String(html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${parts.title}</title>
    <link rel="icon" type="image/svg+xml" href="${securityPaths.icon}">
    <link rel="stylesheet" href="${landingStylePath}">
  </head>
  <body class="${parts.wide ? 'wide' : 'narrow'}">${parts.body}</body>
</html>
`)
}

function productCard(product: LandingProduct): Html {
  return html`
    <article class="card">
      <h2>${product.title}</h2>
      <p class="sentence">${product.sentence}</p>
      <p><a class="address" href="${product.origin}/">${product.origin}</a></p>
      ${claimsOf(product)}
      ${product.signIns.length > 0 ? signIns(product) : ''}
    </article>`
}

function claimsOf(product: LandingProduct): Html {
  const looks = product.claims.map(({ status, standIn = false }) => lookOf({ status, standIn }))
  const holding = looks.filter((look) => look === 'holds').length
  return html`
    <section class="claims" aria-label="Security of ${product.title}">
      <p class="tally"><strong class="figures">${holding}</strong> of <span class="figures">${looks.length}</span> claims hold</p>
      <div class="strip" aria-hidden="true">${looks.map((look) => html`<i class="${look}"></i>`)}</div>
      <ul class="counts">${countLooks(looks).map(
        ([look, count]) => html`<li>${statusWord(look, `${count} ${inCount(look, count)}`)}</li>`,
      )}</ul>
      <p><a href="${product.origin}${product.securityPath}">Security page of ${product.title}</a></p>
    </section>`
}

/** How many look like what; what is red comes first. */
function countLooks(looks: readonly Look[]): [Look, number][] {
  return (Object.keys(statusWords) as Look[])
    .map((look): [Look, number] => [look, looks.filter((one) => one === look).length])
    .filter(([, count]) => count > 0)
}

function inCount(look: Look, count: number): string {
  const word = statusWords[look].toLowerCase()
  return count === 1 ? word : word.replace(/^holds/, 'hold')
}

function signIns(product: LandingProduct): Html {
  return html`
    <section class="sign-ins" aria-label="Sign-ins for ${product.title}">
      <h3>Sign in as</h3>
      <ul>
        ${product.signIns.map(
          (person) => html`
            <li>
              <span class="who">${person.who}</span>
              <span class="pair"><code title="Address">${person.address}</code> <code title="Password">${person.password}</code></span>
            </li>`,
        )}
      </ul>
      <p class="hint">A click selects an address or a password whole, ready to copy.</p>
    </section>`
}

function mailboxLine(mailbox: NonNullable<Landing['mailbox']>): Html {
  return html`
    <section class="strip-link" aria-label="Mailbox">
      <h2><a href="${mailbox.path}">Mailbox</a> <span class="figures soft">${counted(mailbox.mails, 'mail')}</span></h2>
      <p>Whatever either product sends arrives here, and never leaves this machine.</p>
    </section>`
}

function sabotagePanel(sabotages: readonly LandingSabotage[]): Html {
  return html`
    <section class="sabotages" id="break" aria-labelledby="break-title">
      <h2 id="break-title">Break a control</h2>
      <p class="prose">
        A page that is always green proves nothing. Break something on purpose, watch the page of that product turn red
        at its next attack, and mend it with a second click.
      </p>
      <ul class="rows">${sabotages.map(sabotageRow)}</ul>
    </section>`
}

function sabotageRow(sabotage: LandingSabotage): Html {
  const { brokenSince } = sabotage
  return html`
    <li id="${sabotage.anchor}" class="${brokenSince ? 'is-broken' : 'is-intact'}">
      <div class="what">
        <h3>${sabotage.title}</h3>
        <p class="soft">${sabotage.product} · ${sabotage.claims.map((claim, index) => html`${index > 0 ? ', ' : ''}<code>${claim}</code>`)}</p>
      </div>
      <div class="state">
        <p>${
          brokenSince
            ? statusWord('broken', html`Broken on purpose since ${moment(brokenSince)}`)
            : statusWord('holds', 'Intact')
        }</p>
        <p class="soft"><a href="${sabotage.href}">The page</a> shows: ${statusWords[sabotage.shows].toLowerCase()}</p>
      </div>
      <form method="post" action="${sabotage.action}">
        <button type="submit" class="${brokenSince ? 'mend' : 'break'}">${brokenSince ? 'Mend it' : 'Break it'}<span class="unseen">: ${sabotage.title}, ${sabotage.product}</span></button>
      </form>
    </li>`
}

function runningPanel(view: Landing): Html {
  return html`
    <section class="running" aria-labelledby="running">
      <h2 id="running">What runs here</h2>
      <dl>
        ${view.running.map(
          (part) =>
            html`<div><dt>${part.what}</dt><dd><code>${part.where}</code>${part.note ? html` <span class="soft">${part.note}</span>` : ''}</dd></div>`,
        )}
        <div><dt>Data</dt><dd><code>${view.dataFolder}</code></dd></div>
        <div><dt>Version</dt><dd><code>${view.version}</code> <span class="soft">commit <code>${view.commit.slice(0, 12)}</code></span></dd></div>
      </dl>
    </section>`
}

function mailLine(mail: MailSummary, now: Date): Html {
  return html`
    <li>
      <a href="${mailboxPath}/${encodeURIComponent(mail.id)}">${mail.subject || 'Without a subject'}</a>
      <span class="to">${mail.to.join(', ')}</span>
      <span class="when soft">${moment(new Date(mail.receivedAt))}, ${ago(new Date(mail.receivedAt), now)}</span>
    </li>`
}

function mailText(mail: ReceivedMail, origins: readonly string[]): Html {
  if (mail.text.trim() !== '') return html`<div class="letter">${linked(mail.text, origins)}</div>`
  if (!mail.html) return html`<p class="empty">This mail has no text.</p>`
  return html`
    <p class="soft">This mail has an HTML part alone. It is shown as it was written, and not rendered.</p>
    <pre class="letter" tabindex="0">${mail.html}</pre>`
}

function linked(text: string, origins: readonly string[]): unknown[] {
  return text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])/).map((part, index) => {
    if (index % 2 === 0 || !leadsTo(part, origins)) return part
    return html`<a href="${part}" rel="noreferrer">${part}</a>`
  })
}

function leadsTo(address: string, origins: readonly string[]): boolean {
  const url = URL.parse(address)
  return url !== null && url.username === '' && url.password === '' && origins.includes(url.origin)
}

function wayBack(path: string, title: string): Html {
  return html`<nav aria-label="Back"><a class="back" href="${path}"><span aria-hidden="true">←</span> ${title}</a></nav>`
}

function statusWord(look: Look, words: unknown): Html {
  const { fill, stroke } = statusShapes[look]
  const shape = fill
    ? html`<path fill="currentColor" fill-rule="evenodd" d="${fill}"/>`
    : html`<path fill="none" stroke="currentColor" stroke-width="2" d="${stroke}"/>`
  return html`<span class="status ${look}"><svg viewBox="0 0 16 16" aria-hidden="true">${shape}</svg><span>${words}</span></span>`
}

function moment(at: Date): Html {
  const words = at.toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
  return html`<time class="figures" datetime="${at.toISOString()}">${words}</time>`
}
