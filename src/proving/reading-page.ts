import { html, raw } from 'hono/html'
import { Marked } from 'marked'
import { brand, securityDocument, securityPaths } from './page.ts'
import { leadsSomewhereHarmless } from './page-source.ts'

/**
 * A Markdown document of ours beside the security page: the README of a control, or the list of error codes. Raw HTML in
 * it is shown as text; links that lead nowhere from here are plain words.
 */
export function renderReadingPage(input: {
  readonly product: { readonly title: string }
  /** Such as the name of the control. */
  readonly title: string
  readonly markdown: string
  readonly commit: string
}): string {
  const { product, title, markdown, commit } = input
  return securityDocument(
    `${title} · ${product.title}`,
    html`<header class="masthead small"><div class="width">${brand(product.title, html`<a href="${securityPaths.page}">Security</a>`)}</div></header>
<main class="width reading">${raw(reader.parse(markdown, { async: false }))}</main>
<footer class="foot"><div class="width"><p><strong>${title}</strong>, as it stands at the running commit, <code>${commit}</code>. <a href="${securityPaths.page}">Back to the promises</a></p></div></footer>`,
  )
}

const reader = new Marked({
  renderer: {
    html: ({ text }) => escaped(text),
    image: ({ text }) => escaped(text),
    link({ href, tokens }) {
      const words = this.parser.parseInline(tokens)
      return leadsSomewhereHarmless(href) ? `<a href="${escaped(href)}" rel="noreferrer">${words}</a>` : words
    },
    // `type` of a problem document names such a place: /errors#accounts-link-dead.
    heading({ tokens, depth, text }) {
      return `<h${depth} id="${text.toLowerCase().replace(/[^a-z0-9]+/g, '-')}">${this.parser.parseInline(tokens)}</h${depth}>\n`
    },
    code: ({ text }) => `<pre tabindex="0"><code>${escaped(text)}</code></pre>`,
    codespan: ({ text }) => `<code>${escaped(text)}</code>`,
  },
})

function escaped(text: string): string {
  return String(html`${text}`)
}
