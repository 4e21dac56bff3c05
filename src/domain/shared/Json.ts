/** JSON of strangers: how deep it may be nested, and one text for equal values. */

/** Arrays and objects inside each other. Past it, code that walks a value by recursion could run out of stack. */
export const depthMax = 64

const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace] = [...'"\\[]{}'].map((char) =>
  char.charCodeAt(0)
)

/** Whether the text of a JSON value is nested deeper than {@link depthMax}: told before it is parsed. */
export const isTooDeep = (text: string): boolean => {
  // Each level takes two characters.
  if (text.length <= 2 * depthMax) return false
  let depth = 0
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charCodeAt(index)
    if (char === quote) index = endOfString(text, index + 1)
    else if (char === openBracket || char === openBrace) {
      depth += 1
      if (depth > depthMax) return true
    } else if (char === closeBracket || char === closeBrace) depth -= 1
  }
  return false
}

/** The place of the quote that ends a string which begins at `index`. */
const endOfString = (text: string, index: number): number => {
  let at = index
  while (at < text.length && text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1
  return at
}

/** Whether two JSON texts stand for the same value: the keys of an object have no order. */
export const isSameJson = (one: string, other: string): boolean => one === other || canonical(one) === canonical(other)

const canonical = (text: string): string =>
  JSON.stringify(JSON.parse(text), (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part
  )
