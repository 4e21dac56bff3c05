/** The lines that a change has touched, as Stryker takes them: `file:from-to`. */

export interface ChangedLines {
  readonly ranges: ReadonlyArray<string>
  /** Lines in the ranges. */
  readonly lines: number
  /** Lines that were changed, too, but are more than was asked for. */
  readonly left: number
}

/** Blocks of a change are cut into pieces of so many lines. */
const pieceMax = 10

/**
 * Reads `git diff --unified=0`. Of more than `linesMax` lines it takes pieces from the whole of the change, evenly spread.
 */
export const changedLines = (diff: string, isWanted: (file: string) => boolean, linesMax: number): ChangedLines => {
  const pieces: Array<{ readonly range: string; readonly lines: number }> = []
  let file = ""
  for (const line of diff.split("\n")) {
    if (line.startsWith("+++ ")) file = line.replace(/^\+\+\+ (b\/)?/, "")
    const [, first, count = "1"] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? []
    if (first === undefined || !isWanted(file)) continue
    const end = Number(first) + Number(count)
    for (let from = Number(first); from < end; from += pieceMax) {
      const to = Math.min(from + pieceMax, end) - 1
      pieces.push({ range: `${file}:${from}-${to}`, lines: to - from + 1 })
    }
  }
  const total = pieces.reduce((sum, { lines }) => sum + lines, 0)
  const share = Math.min(1, linesMax / total)
  const ranges: Array<string> = []
  let lines = 0
  let passed = 0
  for (const piece of pieces) {
    passed += piece.lines
    if (lines + piece.lines > passed * share) continue
    ranges.push(piece.range)
    lines += piece.lines
  }
  return { ranges, lines, left: total - lines }
}
