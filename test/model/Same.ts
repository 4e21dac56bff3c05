/** Compares what was found with what the model expects, and tells where the two part. */
import { isDeepStrictEqual } from "node:util"
import { assert } from "@effect/vitest"

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

/** The places, deep down, at which two values differ. */
const differences = (found: unknown, expected: unknown, path: string): ReadonlyArray<string> => {
  if (isDeepStrictEqual(found, expected)) return []
  if (!isRecord(found) || !isRecord(expected)) {
    return [`${path}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`]
  }
  const keys = new Set([...Object.keys(found), ...Object.keys(expected)])
  return [...keys].flatMap((key) => differences(found[key], expected[key], `${path}.${key}`))
}

export const assertSame = (found: unknown, expected: unknown, what: string): void => {
  if (!isDeepStrictEqual(found, expected)) assert.fail(`${what}\n${differences(found, expected, "").join("\n")}`)
}
