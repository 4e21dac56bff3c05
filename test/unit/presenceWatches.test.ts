/** The presence changes that a watcher sees, and when (protocol.md section 1.9). */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Logger } from "effect"
import { TestClock } from "effect/testing"
import { entriesMax, PresenceWatches } from "../../src/actors/presence/PresenceWatches.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { layer, type Started, start } from "../support/ActorHarness.ts"
import { FakePresence } from "../support/FakePresence.ts"
import { leave, pass, told, watch } from "../support/Watching.ts"

const briefly = (started: Started) => told(started).map(({ userId, online }) => `${userId} ${online ? "on" : "off"}`)

/** User 1 knows 2 and 3, and has a connection. */
const begin = Effect.gen(function* () {
  const fake = yield* FakePresence
  fake.know("1", "2")
  fake.know("1", "3")
  return { fake, ann: yield* start({ userId: "1" }) }
})

describe("a connection that watches", () => {
  it.effect("gets the state of contacts, and then a frame for each change, until it goes", () =>
    Effect.gen(function* () {
      const { ann } = yield* begin
      yield* TestClock.adjust(1_000)
      const early = yield* start({ userId: "3" })
      assert.sameDeepMembers(
        [...(yield* watch(ann, "2", "3", "4", "1"))],
        [
          { userId: "2" as UserId, online: false, lastSeen: 0 },
          { userId: "3" as UserId, online: true, lastSeen: 1_000 }
        ]
      )
      const bob = yield* start({ userId: "2" })
      yield* start({ userId: "4" })
      yield* pass(500)
      assert.deepStrictEqual(briefly(ann), ["2 on"])
      assert.deepInclude(ann.transport.frames.at(-1), { id: "", frameType: 0, fromID: "root" })
      yield* pass(2_000)
      yield* leave(bob)
      const goneAt = 3_500
      yield* pass(1_000)
      yield* leave(early)
      yield* pass(1_000)
      assert.deepStrictEqual(briefly(ann), ["2 on", "2 off", "3 off"])
      assert.deepStrictEqual(told(ann)[1], { userId: "2" as UserId, online: false, lastSeen: goneAt })
      assert.strictEqual((yield* PresenceWatches).size(), 2)
      yield* leave(ann)
      assert.strictEqual((yield* PresenceWatches).size(), 0)
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("hears within a second, of this node's users at once", () =>
    Effect.gen(function* () {
      const { fake, ann } = yield* begin
      yield* watch(ann, "2", "3")
      yield* pass(1_000)
      const bob = yield* start({ userId: "2" })
      yield* pass(100)
      assert.deepStrictEqual(briefly(ann), ["2 on"])
      fake.setElsewhere("3", true)
      yield* pass(800)
      assert.deepStrictEqual(briefly(ann), ["2 on", "3 on"])
      yield* leave(bob)
      yield* pass(1_000)
      assert.deepStrictEqual(briefly(ann), ["2 on", "3 on", "2 off"])
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("hears nothing of a device that is back at once, and of several only when the last is gone", () =>
    Effect.gen(function* () {
      const { fake, ann } = yield* begin
      yield* watch(ann, "2")
      const phone = yield* start({ userId: "2" })
      yield* pass(500)
      yield* leave(phone)
      yield* pass(600)
      const again = yield* start({ userId: "2" })
      const laptop = yield* start({ userId: "2", deviceId: "laptop" })
      yield* pass(2_000)
      assert.deepStrictEqual(briefly(ann), ["2 on"])
      yield* leave(again)
      fake.setElsewhere("2", true)
      yield* leave(laptop)
      yield* pass(2_000)
      assert.deepStrictEqual(briefly(ann), ["2 on"])
      fake.setElsewhere("2", false)
      yield* pass(2_000)
      assert.deepStrictEqual(briefly(ann), ["2 on", "2 off"])
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("replaces its list by a later call, even when that is answered first, and ends it by an empty one", () =>
    Effect.gen(function* () {
      const { fake, ann } = yield* begin
      const slow = yield* Deferred.make<void>()
      fake.before = Deferred.await(slow)
      const first = yield* Effect.forkChild(watch(ann, "2"), { startImmediately: true })
      fake.before = Effect.void
      yield* watch(ann, "3")
      yield* Deferred.succeed(slow, undefined)
      assert.lengthOf(yield* Fiber.join(first), 1)
      fake.setElsewhere("2", true)
      fake.setElsewhere("3", true)
      yield* pass(2_000)
      assert.deepStrictEqual(briefly(ann), ["3 on"])
      assert.deepStrictEqual(yield* watch(ann), [])
      fake.setElsewhere("3", false)
      yield* pass(2_000)
      assert.deepStrictEqual(briefly(ann), ["3 on"])
      assert.strictEqual((yield* PresenceWatches).size(), 0)
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("stays without a list when an earlier call is answered after the one that ends it", () =>
    Effect.gen(function* () {
      const { fake, ann } = yield* begin
      const slow = yield* Deferred.make<void>()
      fake.before = Deferred.await(slow)
      const earlier = yield* Effect.forkChild(watch(ann, "2"), { startImmediately: true })
      yield* watch(ann)
      yield* Deferred.succeed(slow, undefined)
      yield* Fiber.join(earlier)
      fake.setElsewhere("2", true)
      yield* pass(3_000)
      assert.deepStrictEqual(briefly(ann), [])
      assert.strictEqual((yield* PresenceWatches).size(), 0)
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("hears no more of who has blocked its user, and again after that", () =>
    Effect.gen(function* () {
      const { fake, ann } = yield* begin
      yield* watch(ann, "2", "3")
      yield* pass(3_000)
      fake.forget("1", "2")
      fake.setElsewhere("2", true)
      fake.setElsewhere("3", true)
      yield* pass(3_000)
      assert.deepStrictEqual(briefly(ann), ["3 on"])
      fake.know("1", "2")
      fake.setElsewhere("2", false)
      yield* pass(3_000)
      fake.setElsewhere("2", true)
      yield* pass(3_000)
      assert.deepStrictEqual(briefly(ann), ["3 on", "2 on"])
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("is not known once it has ended, though its call is answered after that", () =>
    Effect.gen(function* () {
      const { fake, ann } = yield* begin
      const slow = yield* Deferred.make<void>()
      fake.before = Deferred.await(slow)
      const call = yield* Effect.forkChild(watch(ann, "2"), { startImmediately: true })
      yield* leave(ann)
      yield* Deferred.succeed(slow, undefined)
      yield* Fiber.join(call)
      assert.strictEqual((yield* PresenceWatches).size(), 0)
    }).pipe(Effect.provide(layer({})))
  )

  it.effect(
    "gets an error while the database is away, keeps what it watched, and hears afterwards what is true then",
    () =>
      Effect.gen(function* () {
        const { fake, ann } = yield* begin
        yield* watch(ann, "2", "3")
        yield* pass(1_000)
        fake.isAway = true
        assert.deepInclude(yield* Effect.flip(watch(ann, "3")), { code: 100003 })
        fake.setElsewhere("2", true)
        fake.setElsewhere("3", true)
        const bob = yield* start({ userId: "2" })
        yield* pass(10_000)
        fake.setElsewhere("3", false)
        yield* leave(bob)
        assert.deepStrictEqual(told(ann), [])
        fake.isAway = false
        yield* pass(3_000)
        assert.deepStrictEqual(briefly(ann), ["2 on"])
      }).pipe(Effect.provide(layer({})))
  )

  it.effect("hears later what could not be told because its rights could not be read", () =>
    Effect.gen(function* () {
      const { fake, ann } = yield* begin
      yield* watch(ann, "2")
      yield* pass(3_000)
      fake.areContactsAway = true
      fake.setElsewhere("2", true)
      yield* pass(3_000)
      assert.deepStrictEqual(told(ann), [])
      fake.areContactsAway = false
      yield* pass(3_000)
      assert.deepStrictEqual(briefly(ann), ["2 on"])
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("hears nothing of what it stopped to watch while it was to be told", () =>
    Effect.gen(function* () {
      const { fake, ann } = yield* begin
      yield* watch(ann, "2")
      yield* pass(3_000)
      fake.before = Effect.sleep(1_000)
      fake.setElsewhere("2", true)
      const { rights } = fake
      while (fake.rights === rights) yield* pass(50)
      yield* watch(ann)
      yield* pass(3_000)
      assert.deepStrictEqual(told(ann), [])
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("is not told what was read before it began", () =>
    Effect.gen(function* () {
      const { fake, ann } = yield* begin
      const late = yield* start({ userId: "1", deviceId: "late" })
      yield* watch(ann, "2")
      yield* pass(1_000)
      fake.before = Effect.sleep(1_000)
      fake.setElsewhere("2", true)
      const { states } = fake
      while (fake.states === states) yield* pass(50)
      // That he is online is on its way when he goes, and when somebody else asks.
      fake.before = Effect.void
      fake.setElsewhere("2", false)
      assert.deepInclude((yield* watch(late, "2"))[0], { online: false })
      yield* pass(3_000)
      assert.deepStrictEqual(told(late), [])
      assert.deepStrictEqual(briefly(ann), ["2 on", "2 off"])
    }).pipe(Effect.provide(layer({})))
  )

  it.effect(
    "costs questions only while somebody watches, and for the rights one each time that something is told",
    () =>
      Effect.gen(function* () {
        const { fake, ann } = yield* begin
        yield* start({ userId: "2" })
        fake.setElsewhere("3", true)
        yield* pass(5_000)
        assert.strictEqual(fake.states + fake.polls, 0)
        yield* watch(ann, "2", "3")
        yield* pass(3_000)
        const { rights } = fake
        for (let turn = 0; turn < 10; turn++) {
          fake.setElsewhere("3", turn % 2 === 1)
          yield* pass(1_500)
        }
        assert.strictEqual(told(ann).length, 10)
        assert.strictEqual(fake.rights - rights, 10)
        yield* leave(ann)
        const asked = fake.states + fake.polls
        yield* pass(5_000)
        assert.strictEqual(fake.states + fake.polls, asked)
      }).pipe(Effect.provide(layer({})))
  )
})

describe("a wave of changes", () => {
  it.effect("costs as many questions for many watchers and users as for one", () =>
    Effect.gen(function* () {
      const { fake, ann } = yield* begin
      const popular = ["2", "3", "4"]
      const crowd = Array.from({ length: 40 }, (_, index) => String(100 + index))
      for (const userId of ["1", ...crowd]) for (const other of popular) fake.know(userId, other)
      yield* watch(ann, "2")
      yield* pass(3_000)
      /** The questions until everybody has been told that these are online, or not. */
      const wave = (online: boolean, ...userIds: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const { rights, states } = fake
          for (const userId of userIds) fake.setElsewhere(userId, online)
          yield* pass(3_000)
          return { rights: fake.rights - rights, states: fake.states - states }
        })
      const coming = yield* wave(true, "2")
      const going = yield* wave(false, "2")
      assert.strictEqual(coming.rights, 1)
      assert.strictEqual(going.rights, 1)
      const watchers = [ann]
      for (const userId of [...crowd, "1"]) {
        const started = yield* start({ userId, deviceId: "other" })
        yield* watch(started, ...popular)
        watchers.push(started)
      }
      yield* pass(3_000)
      assert.deepStrictEqual(yield* wave(true, ...popular), coming)
      assert.deepStrictEqual(yield* wave(false, ...popular), going)
      for (const [index, watcher] of watchers.entries()) {
        const expected = popular.flatMap((userId) => (index === 0 && userId !== "2" ? [] : [`${userId} on`]))
        const heard = briefly(watcher).slice(index === 0 ? 2 : 0)
        assert.sameMembers(heard.slice(0, expected.length), expected)
        assert.sameMembers(
          heard.slice(expected.length),
          expected.map((told) => told.replace("on", "off"))
        )
      }
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("reaches each watcher by the right of their own", () =>
    Effect.gen(function* () {
      const { fake, ann } = yield* begin
      fake.know("5", "2")
      const eve = yield* start({ userId: "5" })
      yield* watch(ann, "2")
      yield* watch(eve, "2")
      yield* pass(1_000)
      fake.forget("5", "2")
      fake.setElsewhere("2", true)
      yield* pass(1_000)
      assert.deepStrictEqual(briefly(ann), ["2 on"])
      assert.deepStrictEqual(briefly(eve), [])
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("costs nothing while nobody watches, and two polls a second while somebody does", () =>
    Effect.gen(function* () {
      const { fake, ann } = yield* begin
      const pollsWithin = (millis: number) =>
        Effect.gen(function* () {
          fake.polls = 0
          yield* pass(millis)
          return fake.polls
        })
      for (let round = 0; round < 2; round += 1) {
        fake.setElsewhere("2", round === 0)
        assert.strictEqual(yield* pollsWithin(10_000), 0)
        yield* watch(ann, "2", "3")
        const polls = yield* pollsWithin(10_000)
        assert.isTrue(polls >= 12 && polls <= 21, `${polls}`)
        yield* watch(ann)
      }
      assert.strictEqual(yield* pollsWithin(10_000), 0)
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("tells that a user has gone after 700 ms, and not before", () =>
    Effect.gen(function* () {
      const { ann } = yield* begin
      const bob = yield* start({ userId: "2" })
      yield* watch(ann, "2")
      yield* pass(2_000)
      yield* leave(bob)
      yield* pass(700)
      assert.deepStrictEqual(briefly(ann), [])
      yield* pass(400)
      assert.deepStrictEqual(briefly(ann), ["2 off"])
    }).pipe(Effect.provide(layer({})))
  )

  it.effect(
    "has a limit for all connections together, counts a watch that is replaced no more, and changes nothing past it",
    () =>
      Effect.gen(function* () {
        const { fake, ann } = yield* begin
        const watches = yield* PresenceWatches
        const crowd = Array.from({ length: entriesMax / 2 }, (_, index) => String(1_000 + index) as UserId)
        const watchAll = ({ connection }: Started, userIds: ReadonlyArray<UserId>) => watches.watch(connection, userIds)
        for (const userId of crowd) {
          fake.know("1", userId)
          fake.know("9", userId)
        }
        const other = yield* start({ userId: "9" })
        fake.know("1", "9")
        yield* watchAll(ann, crowd.slice(1))
        yield* watchAll(other, crowd)
        yield* watchAll(ann, crowd)
        assert.strictEqual(watches.size(), entriesMax)
        const third = yield* start({ userId: "1" })
        assert.strictEqual((yield* Effect.flip(watch(third, "2")))._tag, "Overloaded")
        assert.strictEqual((yield* Effect.flip(watchAll(ann, [...crowd, "2" as UserId])))._tag, "Overloaded")
        assert.strictEqual(watches.size(), entriesMax)
        yield* leave(other)
        yield* watch(third, "2")
        assert.strictEqual(watches.size(), entriesMax / 2 + 1)
      }).pipe(Effect.provide(layer({})))
  )

  it.effect("goes on after a fault, of which the log tells; a database that is away is not one", () =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const logger = Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
      yield* Effect.gen(function* () {
        const { fake, ann } = yield* begin
        yield* watch(ann, "2")
        fake.isAway = true
        yield* pass(3_000)
        assert.deepStrictEqual(logged, [])
        fake.isAway = false
        fake.before = Effect.die(new Error("broken"))
        fake.setElsewhere("2", true)
        yield* pass(3_000)
        assert.isTrue(logged.length >= 1 && logged.length <= 3, `${logged.length}`)
        assert.include(logged[0], "changes of presence could not be told")
        fake.before = Effect.void
        yield* pass(2_000)
        assert.deepStrictEqual(briefly(ann), ["2 on"])
      }).pipe(Effect.provide(layer({})), Effect.provide(logger))
    })
  )
})
