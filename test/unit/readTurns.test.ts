/** Whose turn it is to read (`src/layers/sql/sqlite/ReadTurns.ts`). */
import { assert, describe, it } from "@effect/vitest"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { ReadTurns } from "../../src/layers/sql/sqlite/ReadTurns.ts"

const stage = () => {
  const turns = new ReadTurns()
  const started: Array<string> = []
  /** `a1` is a read of user a; one whose name begins with `-` is the server's own. */
  const join = (name: string) =>
    turns.join(name.startsWith("-") ? undefined : (name.slice(0, 1) as UserId), () => started.push(name))
  const rest = (ends: number) => {
    started.length = 0
    for (let end = 0; end < ends; end += 1) turns.ended()
    return started.join(" ")
  }
  return { turns, started, join, rest }
}

describe("the turns of reads", () => {
  it("have two reads under way, and one more whenever one ends", () => {
    const { started, join, rest } = stage()
    for (const name of ["a1", "a2", "a3", "a4"]) join(name)
    assert.deepStrictEqual(started, ["a1", "a2"])
    assert.strictEqual(rest(1), "a3")
    assert.strictEqual(rest(3), "a4")
    started.length = 0
    for (const name of ["b1", "b2", "b3"]) join(name)
    assert.deepStrictEqual(started, ["b1", "b2"])
  })

  it("go round the users, each user's reads in order, and begin with the server's own", () => {
    const { join, rest } = stage()
    for (const name of ["a1", "a2", "a3", "a4", "a5", "b1", "b2", "c1", "-1", "-2"]) join(name)
    assert.strictEqual(rest(3), "-1 -2 a3")
    join("-3")
    assert.strictEqual(rest(7), "-3 b1 c1 a4 b2 a5")
  })

  it("pass those over who have gone", () => {
    const { turns, started, join, rest } = stage()
    const leaves = ["a1", "a2", "a3", "b1", "b2", "-1"].map(join)
    for (const index of [0, 3, 4, 5]) leaves[index]?.()
    leaves[3]?.()
    assert.strictEqual(rest(2), "a3")
    turns.ended()
    started.length = 0
    for (const name of ["b3", "b4", "b5"]) join(name)
    leaves[4]?.()
    assert.deepStrictEqual([started.join(" "), rest(1)], ["b3 b4", "b5"])
  })

  it("are a hundred thousand at most; who goes makes room", () => {
    const { join, rest } = stage()
    for (let index = 0; index < 2; index += 1) join("a")
    const leave = join("b")
    for (let index = 1; index < 100_000; index += 1) join(index % 2 === 0 ? "a" : "-")
    assert.isUndefined(join("-"))
    leave?.()
    assert.isDefined(join("c"))
    assert.isUndefined(join("a"))
    assert.strictEqual(rest(1), "-")
    assert.isDefined(join("a"))
  })
})
