/**
 * What ran at the same time must have happened one after the other, in some order that keeps that of each device: the
 * server is right when there is one that explains all its answers.
 */
import { isDeepStrictEqual } from "node:util"
import type { Done, Outcome } from "./Commands.ts"
import { step } from "./Rules.ts"
import type { World } from "./World.ts"

/** Whether the answer is the expected one, as far as the model knows it. */
const fits = (expected: Outcome, observed: Outcome): boolean =>
  expected.code === observed.code &&
  (expected.code !== undefined ||
    observed.code !== undefined ||
    (expected.conversationID === observed.conversationID && expected.seq === observed.seq))

/** The worlds that may be there afterwards, each of them once; none when no order explains the answers. */
export const worldsAfter = (world: World, lines: ReadonlyArray<ReadonlyArray<Done>>): ReadonlyArray<World> => {
  // By how many commands of each line have happened.
  let reached = new Map<string, { readonly at: ReadonlyArray<number>; readonly worlds: Array<World> }>()
  reached.set("", { at: lines.map(() => 0), worlds: [world] })
  const length = lines.reduce((sum, line) => sum + line.length, 0)
  for (let happened = 0; happened < length; happened++) {
    const next: typeof reached = new Map()
    for (const { at, worlds } of reached.values()) {
      for (const [index, line] of lines.entries()) {
        const done = line[at[index]!]
        if (done === undefined) continue
        const further = at.with(index, at[index]! + 1)
        const there = next.get(further.join()) ?? { at: further, worlds: [] }
        next.set(further.join(), there)
        for (const before of worlds) {
          const after = step(before, done.command, done.outcome)
          if (!fits(after.outcome, done.outcome)) continue
          if (!there.worlds.some((one) => isDeepStrictEqual(one, after.world))) there.worlds.push(after.world)
        }
      }
    }
    reached = next
  }
  return [...reached.values()].flatMap(({ worlds }) => worlds)
}
