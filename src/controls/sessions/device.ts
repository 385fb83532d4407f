/**
 * A browser and a system in a few words, `Firefox on Windows`, from what a browser says of itself. For people to recognise their
 * own sessions by, and for nothing else: anybody can write anything there. Empty where neither is known. Versions are left out:
 * tomorrow's update is the same browser.
 */
export function deviceOf(userAgent: string): string {
  const browser = firstOf(browsers, userAgent)
  const system = firstOf(systems, userAgent)
  if (browser !== undefined && system !== undefined) return `${browser} on ${system}`
  return browser ?? (system === undefined ? '' : `Something on ${system}`)
}

type Marks = readonly (readonly [name: string, mark: RegExp])[]

/** In order: most browsers also claim to be the ones below them. */
const browsers: Marks = [
  ['Edge', /\bEdg(e|A|iOS)?\//],
  ['Opera', /\b(OPR|OPT|OPX)\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Vivaldi', /\bVivaldi\//],
  ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /\b(Chrome|CriOS|HeadlessChrome)\/\d/],
  ['Chromium', /\bChromium\//],
  ['Safari', /\bVersion\/\d+.*\bSafari\//],
  ['curl', /^curl\//],
  ['Wget', /^Wget\//],
  ['Node.js', /^node$/],
  ['Python', /^python-|\bpython-requests\//i],
]

const systems: Marks = [
  ['Android', /\bAndroid\b/],
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Windows', /\bWindows NT\b/],
  ['macOS', /\bMac OS X\b|\bMacintosh\b/],
  ['Linux', /\bLinux\b|\bX11\b/],
]

function firstOf(marks: Marks, text: string): string | undefined {
  return marks.find(([, mark]) => mark.test(text))?.[0]
}
