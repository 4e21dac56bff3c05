/** The receivers of a group's messages: late reads, missed, redelivered and lost messages (`GroupAudiences.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Delivery, eventMembersMax } from "../../src/actors/delivery/Delivery.ts"
import type { GroupEvent } from "../../src/domain/groups/Group.ts"
import { dataFrame } from "../../src/domain/protocol/Frame.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { settle } from "../support/ActorHarness.ts"
import { group, ids, joined, left, removed, toldTo, withStage } from "../support/GroupStage.ts"

describe("the audience of a group", () => {
  it.effect("is read once, and kept up to date by what happens", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        yield* deliver(stage.store(group, "1"))
        yield* deliver(stage.store(group, "1", joined("3")))
        yield* deliver(stage.store(group, "2"))
        yield* deliver(stage.store(group, "1", removed("2")))
        yield* deliver(stage.store(group, "3", left))
        yield* deliver(stage.store(group, "1"))
        assert.deepStrictEqual(toldTo(stage), [
          [5, 6, 7, 8, 9, 10],
          [5, 6, 7, 8],
          [6, 7, 8, 9]
        ])
        assert.deepStrictEqual(stage.reads, [group])
      })
    )
  )

  it.effect("gets in order what came while it was being read", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        stage.hold()
        yield* deliver(stage.store(group, "1"), stage.store(group, "1"))
        yield* deliver(stage.store(group, "1", joined("3")), stage.store(group, "1"))
        assert.deepStrictEqual(toldTo(stage), [[], [], []])
        stage.letGo()
        yield* settle
        assert.deepStrictEqual(toldTo(stage), [
          [5, 6, 7, 8],
          [5, 6, 7, 8],
          [7, 8]
        ])
      })
    )
  )

  it.effect("is read again after a message that was missed", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        yield* deliver(stage.store(group, "1"))
        stage.store(group, "1", removed("2"))
        stage.store(group, "1", joined("3"))
        yield* deliver(stage.store(group, "1"))
        assert.deepStrictEqual(toldTo(stage), [[5, 8], [5], [8]])
        assert.strictEqual(stage.reads.length, 2)
      })
    )
  )

  it.effect("is read again after a message that was missed while it was being read", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        stage.hold()
        yield* deliver(stage.store(group, "1"))
        stage.store(group, "1", removed("2"))
        yield* deliver(stage.store(group, "1"), stage.store(group, "1"))
        stage.letGo()
        yield* settle
        assert.deepStrictEqual(toldTo(stage), [[5, 7, 8], [5], []])
        assert.strictEqual(stage.reads.length, 2)
      })
    )
  )

  it.effect("is read again when a system message comes again, whose effect may have been undone", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        const joining = stage.store(group, "1", joined("3"))
        yield* deliver(joining)
        yield* deliver(stage.store(group, "1", removed("3")))
        yield* deliver(joining, stage.store(group, "1"))
        assert.deepStrictEqual(toldTo(stage), [
          [5, 6, 5, 7],
          [5, 6, 5, 7],
          [5, 6]
        ])
        assert.strictEqual(stage.reads.length, 2)
      })
    )
  )

  it.effect("gets a message that comes again as it is now, without another look", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        const words = stage.store(group, "1")
        yield* deliver(words)
        yield* deliver(stage.store(group, "1", joined("3")))
        yield* deliver(words)
        assert.deepStrictEqual(toldTo(stage), [[5, 6, 5], [5, 6, 5], [6]])
        assert.strictEqual(stage.reads.length, 1)
      })
    )
  )

  it.effect("loses a member with the message that tells of it, known or not, and again when it comes again", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        const removal = stage.store(group, "1", removed("2"))
        yield* deliver(removal, stage.store(group, "1"))
        assert.deepStrictEqual(toldTo(stage), [[5, 6], [5], []])
        yield* deliver(removal)
        assert.deepStrictEqual(toldTo(stage)[1], [5, 5])
        yield* deliver(stage.store(group, "1", joined("2")), removal)
        // They are a member anew, and see nothing from before.
        assert.deepStrictEqual(toldTo(stage)[1], [5, 5, 7])
        yield* deliver(stage.store(group, "1"))
        yield* deliver(stage.store(group, "2", left))
        yield* deliver(stage.store(group, "1"))
        assert.deepStrictEqual(toldTo(stage)[1], [5, 5, 7, 8, 9])
      })
    )
  )

  it.effect("begins with the founding of the group", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        const founding: GroupEvent = { event: "created", name: "we", icon: "", isVerify: false, userIds: ids("3", "1") }
        yield* deliver(stage.store("200", "1", founding), stage.store("200", "3"))
        assert.deepStrictEqual(toldTo(stage), [[1, 2], [], [1, 2]])
      })
    )
  )

  it.effect("is forgotten when messages may have been missed", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        yield* deliver(stage.store(group, "1"))
        stage.store(group, "1", removed("2"))
        const delivery = yield* Delivery
        delivery.requestResync()
        yield* deliver(stage.store(group, "1"))
        assert.deepStrictEqual(toldTo(stage), [[5, "sync", 7], [5, "sync"], ["sync"]])
      })
    )
  )

  it.effect("hears of nobody's typing while it is being read again", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        const delivery = yield* Delivery
        yield* deliver(stage.store(group, "1"))
        stage.store(group, "1", removed("2"))
        stage.hold()
        yield* deliver(stage.store(group, "1"))
        delivery.notify(group, dataFrame("", "typing", "1", {}), { userId: "1" as UserId })
        stage.letGo()
        yield* settle
        assert.deepStrictEqual(toldTo(stage), [[5, 7, "typing"], [5], []])
      })
    )
  )

  it.effect("is read once more when something may have been missed while it was being read", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        const delivery = yield* Delivery
        stage.hold()
        yield* deliver(stage.store(group, "1"))
        stage.store(group, "1", removed("2"))
        delivery.requestResync()
        stage.letGo()
        yield* settle
        delivery.notify(group, dataFrame("", "typing", "1", {}), { userId: "1" as UserId })
        assert.deepStrictEqual(toldTo(stage), [["sync", 5, "typing"], ["sync"], ["sync"]])
      })
    )
  )

  it.effect("of more than 200 members hears nothing of each other's reading and typing, but on other devices", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        const delivery = yield* Delivery
        const others = (count: number) => Array.from({ length: count }, (_, index) => String(1_000 + index))
        stage.group("200", 1, ["1", "2", ...others(eventMembersMax - 2)])
        stage.group("201", 1, ["1", "2", ...others(eventMembersMax - 1)])
        for (const id of ["200", "201"]) {
          delivery.notify(id as ConversationId, dataFrame("", `typing in ${id}`, "1", {}), { userId: "1" as UserId })
          yield* deliver()
        }
        assert.deepStrictEqual(toldTo(stage), [["typing in 200", "typing in 201"], ["typing in 200"], []])
      })
    )
  )

  for (const state of ["down", "broken"] as const) {
    it.effect(`has everybody called to sync when the store is ${state}, and is found when it is back`, () =>
      withStage((stage, deliver) =>
        Effect.gen(function* () {
          stage.state = state
          yield* deliver(stage.store(group, "1"), stage.store(group, "1"))
          yield* TestClock.adjust("6 seconds")
          yield* settle
          assert.deepStrictEqual(toldTo(stage), [["sync"], ["sync"], ["sync"]])
          stage.state = "up"
          yield* deliver(stage.store(group, "1"))
          assert.deepStrictEqual(toldTo(stage), [["sync", 7], ["sync", 7], ["sync"]])
        })
      )
    )
  }

  it.effect("waits for a store that is down for a moment, and misses nothing", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        stage.state = "down"
        yield* deliver(stage.store(group, "1"), stage.store(group, "2"))
        stage.state = "up"
        yield* TestClock.adjust("1 second")
        yield* settle
        assert.deepStrictEqual(toldTo(stage), [[5, 6], [5, 6], []])
      })
    )
  )

  it.effect("calls nobody to sync for typing that could not be told, which no sync would bring", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        const delivery = yield* Delivery
        const type = () => delivery.notify(group, dataFrame("", "typing", "1", {}), { userId: "1" as UserId })
        stage.state = "down"
        for (let index = 0; index < 1_100; index++) type()
        yield* TestClock.adjust("6 seconds")
        yield* settle
        stage.state = "up"
        type()
        yield* deliver()
        assert.deepStrictEqual(toldTo(stage), [["typing"], ["typing"], []])
      })
    )
  )

  it.effect("is not known any more when it could not be read again", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        const delivery = yield* Delivery
        yield* deliver(stage.store(group, "1"))
        stage.store(group, "1", removed("2"))
        stage.state = "down"
        yield* deliver(stage.store(group, "1"))
        yield* TestClock.adjust("6 seconds")
        yield* settle
        stage.state = "up"
        delivery.notify(group, dataFrame("", "typing", "1", {}), { userId: "1" as UserId })
        yield* settle
        assert.deepStrictEqual(toldTo(stage), [[5, "sync", "typing"], [5, "sync"], ["sync"]])
      })
    )
  )

  it.effect("has at most a thousand messages waiting for it; whoever misses more is called to sync", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        stage.hold()
        yield* deliver(...Array.from({ length: 1_000 }, () => stage.store(group, "1")))
        assert.deepStrictEqual(toldTo(stage)[0], [])
        stage.store(group, "1", removed("2"))
        yield* deliver(stage.store(group, "1"))
        assert.deepStrictEqual(toldTo(stage)[0], ["sync"])
        stage.letGo()
        yield* settle
        yield* deliver(stage.store(group, "1"))
        const seqs = Array.from({ length: 1_000 }, (_, index) => 5 + index)
        assert.deepStrictEqual(toldTo(stage), [["sync", ...seqs, 1_007], ["sync", ...seqs], ["sync"]])
      })
    )
  )

  it.effect("is kept for 200 000 members, those of the groups that were used last", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        // With the group itself 2 000.
        const members = Array.from({ length: 1_999 }, (_, index) => String(1_000 + index))
        const groups = Array.from({ length: 101 }, (_, index) => String(500 + index))
        for (const id of groups) stage.group(id, 1, members)
        for (const id of groups.slice(0, 100)) yield* deliver(stage.store(id, "1000"))
        // The first one is used again, so that the second one has to go.
        yield* deliver(stage.store("500", "1000"))
        yield* deliver(stage.store("600", "1000"))
        assert.strictEqual(stage.reads.length, 101)
        yield* deliver(stage.store("500", "1000"), stage.store("502", "1000"))
        assert.strictEqual(stage.reads.length, 101)
        yield* deliver(stage.store("501", "1000"))
        assert.strictEqual(stage.reads.length, 102)
      })
    )
  )

  it.effect("of nobody takes place, too: not even empty groups are kept without an end", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        const members = Array.from({ length: 1_999 }, (_, index) => String(1_000 + index))
        const full = Array.from({ length: 100 }, (_, index) => String(500 + index))
        for (const id of full) stage.group(id, 1, members)
        for (const id of full) yield* deliver(stage.store(id, "1000"))
        stage.group("900", 1, [])
        yield* deliver(stage.store("900", "1"))
        // Full to the last place before: the group used longest ago had to go.
        yield* deliver(stage.store("500", "1000"))
        assert.strictEqual(stage.reads.length, 102)
      })
    )
  )

  it.effect("counts those who come and go, too, among the members that are kept", () =>
    withStage((stage, deliver) =>
      Effect.gen(function* () {
        const members = Array.from({ length: 1_989 }, (_, index) => String(1_000 + index))
        const newcomers = Array.from({ length: 10 }, (_, index) => String(9_000 + index))
        const groups = Array.from({ length: 100 }, (_, index) => String(500 + index))
        for (const id of groups) stage.group(id, 1, members)
        for (const id of groups) yield* deliver(stage.store(id, "1000"))
        for (const id of groups) yield* deliver(stage.store(id, "1000", joined(...newcomers)))
        // Full to the last place: the next group has the oldest one go.
        yield* deliver(stage.store(group, "1"))
        yield* deliver(stage.store("501", "1000"))
        assert.strictEqual(stage.reads.length, 101)
        yield* deliver(stage.store("500", "1000"))
        assert.strictEqual(stage.reads.length, 102)
        for (const id of groups.slice(2)) yield* deliver(stage.store(id, "1000", removed(...newcomers)))
        const reads = stage.reads.length
        yield* deliver(
          stage.store("800", "1", { event: "created", name: "we", icon: "", isVerify: false, userIds: [] })
        )
        yield* deliver(stage.store("501", "1000"))
        assert.strictEqual(stage.reads.length, reads + 1)
      })
    )
  )
})
