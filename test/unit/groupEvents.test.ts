/** Users who join and leave by a group event, and the ranks of roles. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { crossingsOf, groupEventFrom, isManager, outranks, Role, usersOf } from "../../src/domain/groups/Group.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { created, given, idsOf, joined, left, removed } from "../support/StoredGroups.ts"

const sender = "1" as UserId

describe("a group event", () => {
  it("names the users who join and leave by it, each once", () => {
    assert.deepStrictEqual(crossingsOf(created(["2", "1", "2"]), sender), { joining: idsOf("1", "2"), leaving: [] })
    assert.deepStrictEqual(crossingsOf(joined("2", "3", "2"), sender), { joining: idsOf("2", "3"), leaving: [] })
    assert.deepStrictEqual(crossingsOf(left, sender), { joining: [], leaving: [sender] })
    assert.deepStrictEqual(crossingsOf(removed("2", "2"), sender), { joining: [], leaving: idsOf("2") })
    for (const event of [given("2", 1), { event: "changed", name: "we" } as const]) {
      assert.deepStrictEqual(crossingsOf(event, sender), { joining: [], leaving: [] })
    }
    assert.deepStrictEqual(usersOf(given("2", 1), sender), idsOf("2"))
    assert.deepStrictEqual(usersOf(created(["2"]), sender), idsOf("1", "2"))
    assert.deepStrictEqual(usersOf(left, sender), [sender])
  })

  it("is read from a text of any origin, or the text says why not", () => {
    assert.deepStrictEqual(Result.getOrThrow(groupEventFrom(JSON.stringify(left))), left)
    for (const text of ["", "{}", '{"event":"burnt"}', '{"event":"removed","userIds":[]}']) {
      const read = groupEventFrom(text)
      assert.isTrue(Result.isFailure(read) && read.failure.length > 5, text)
    }
  })
})

describe("roles", () => {
  it("rank from the owner down; a former member has no rank", () => {
    const { owner, manager, member, former } = Role
    const order = [owner, manager, member, former] as const
    for (const [high, one] of order.entries()) {
      for (const [low, other] of order.entries()) {
        assert.strictEqual(outranks(one, other), one !== former && high < low, `${one} over ${other}`)
      }
    }
    assert.deepStrictEqual(order.map(isManager), [true, true, false, false])
  })
})
