/** The output of the demo and the fault run: a line per step, with the seconds since the start. */

const startedAt = performance.now()
let isOpen = true

/** Prints a step with the seconds since the start. */
export const say = (line: string): void => {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(3)
  print(`${seconds.padStart(8)} s  ${line}`)
}

/** Prints a line that belongs to the step above it. */
export const detail = (line: string): void => print(`            ${line}`)

/** Prints a line as it is. */
export const print = (line: string): void => {
  if (isOpen) console.log(line)
}

/** Silences what may still be running when a script has come to its end. */
export const close = (): void => {
  isOpen = false
}

/** The time since `since`, a value of `performance.now()`. */
export const took = (since: number): string => `${Math.round(performance.now() - since)} ms`

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" })
const sampleMax = 56

/** A content on one line: escaped, cut between graphemes, and kept from turning the line around it. */
export const sample = (content: string): string => {
  let shown = ""
  let length = 0
  for (const { segment } of graphemes.segment(content)) {
    const escaped = visible(segment)
    if (shown.length + escaped.length > sampleMax) break
    shown += escaped
    length += segment.length
  }
  return `\u2068"${shown}"\u2069${length < content.length ? ` … ${Buffer.byteLength(content)} bytes` : ""}`
}

/** As JSON does, and further what is invisible or changes the direction of the line. */
const visible = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replace(/[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
    })
