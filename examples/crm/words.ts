const longestTerm = 60
const mostQueryWords = 8

/** Letters that decomposition leaves alone, and what people type for them. */
const plain: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
}

/** Plain lower case without accents, blanks collapsed: `  Édith  PIAF` becomes `edith piaf`. */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[ßæœøłđðþı]/g, (letter) => plain[letter]!)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
}

/** What a list is ordered by: never empty where `name` is not, at most 200 characters. */
export function sortNameOf(name: string): string {
  return Array.from(fold(name) || name)
    .slice(0, 200)
    .join('')
}

/**
 * All words by which a row is found, folded, each once, separated by blanks: every word of the texts as it stands
 * (`o'brien`, `ada@example.org`) and its parts (`brien`, `example`).
 */
export function wordsOf(...texts: readonly string[]): string {
  const words = texts.flatMap((text) => fold(text).split(' '))
  return [...new Set(words.flatMap((word) => [trimmed(word), ...word.split(/[^\p{L}\p{N}]+/u)]))]
    .filter((word) => word !== '')
    .map(cut)
    .filter((word, index, all) => all.indexOf(word) === index)
    .join(' ')
}

/** The words of a search, folded like those they are to begin; none begins another. */
export function searchWords(query: string): readonly string[] {
  const words = fold(query)
    .split(' ')
    .map(trimmed)
    .filter((word) => word !== '')
    .map(cut)
  const isImplied = (word: string, at: number) =>
    words.some((other, index) => other.startsWith(word) && (other !== word || index < at))
  return words.filter((word, at) => !isImplied(word, at)).slice(0, mostQueryWords)
}

/** What sorts after every term that begins with `word`, byte by byte. */
export function afterPrefix(word: string): string {
  return `${word}\u{10ffff}`
}

function trimmed(word: string): string {
  return word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '')
}

function cut(word: string): string {
  return Array.from(word).slice(0, longestTerm).join('')
}
