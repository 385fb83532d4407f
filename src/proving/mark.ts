/**
 * The mark of Holdfast: the root-like grip of kelp on rock, bent by the surf. Drawn on 48 × 48 in one colour; the roots
 * are cut out of the rock, so that it stands on any ground. As data, for whoever draws it in another way (the console).
 */
export const markPaths = {
  ring: { cx: 24, cy: 24, r: 22, width: 2.4 },
  rock: 'M2 27.5C8 28 11 24.8 17 24.5 20 24.3 28 24.3 31 24.5 37 24.8 40 28 46 27.5A22.2 22.2 0 0 1 2 27.5Z',
  roots:
    'M24 24V30M24 27.5C22.5 31.5 15 30.5 11 37M24 27.5C23 33 19 33.5 17.5 41M24 27.5C25 33 29 33.5 30.5 41' +
    'M24 27.5C25.5 31.5 33 30.5 37 37M24 28V42.5',
  rootWidth: 2.6,
  fronds:
    'M22.4 27C22.6 20 16.5 19.5 17.5 12.8 18.2 8.5 23 7.5 27.5 5.2 25.5 9.5 22 10.5 21.7 14 21.3 18.5 26.2 19.5 25.6 27Z' +
    'M24.8 27C25 22 28.5 21.5 29 17.5 29.5 14 33.5 13 38 12.3 35.5 15 33.6 16 33 19 32.2 23 28 23 27.6 27Z',
} as const

/** The mark as inline SVG in the colour of the text around it; decoration, so without a name. */
export const mark = drawMark('class="mark" aria-hidden="true" focusable="false"', 'currentColor')

/** The mark as a file of its own (`image/svg+xml`), in a green that shows on light and on dark: for icons. */
export const markFile = drawMark('xmlns="http://www.w3.org/2000/svg"', '#3f8a6d')

function drawMark(attributes: string, colour: string): string {
  const { ring, rock, roots, rootWidth, fronds } = markPaths
  return (
    `<svg ${attributes} viewBox="0 0 48 48">` +
    '<mask id="holdfast-roots"><path fill="#fff" d="M0 0H48V48H0Z"/>' +
    `<path fill="none" stroke="#000" stroke-width="${rootWidth}" stroke-linecap="round" d="${roots}"/></mask>` +
    `<circle cx="${ring.cx}" cy="${ring.cy}" r="${ring.r}" fill="none" stroke="${colour}" stroke-width="${ring.width}"/>` +
    `<path fill="${colour}" mask="url(#holdfast-roots)" d="${rock}"/><path fill="${colour}" d="${fronds}"/></svg>`
  )
}
