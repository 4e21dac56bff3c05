/** The state that a watching connection believes, whatever the watched users do (protocol.md section 1.9). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { layer, type Started, settle, start } from "../support/ActorHarness.ts"
import { FakePresence } from "../support/FakePresence.ts"
import { occurrences } from "../support/Occurrences.ts"
import { leave, pass, told, watch } from "../support/Watching.ts"

const Someone = Schema.Literals(["2", "3", "4"])
const Move = Schema.Struct({
  kind: Schema.Literals(["arrive", "leave", "arriveElsewhere", "leaveElsewhere"]),
  who: Someone
})
/** Half of all acts are moves: without them there is nothing to tell. */
const Act = Schema.Union([
  Move,
  Move,
  Move,
  Move,
  Move,
  /** The answer to this call may take longer or shorter than those to others, so that calls overtake each other. */
  Schema.Struct({
    kind: Schema.Literals(["watch"]),
    userIds: Schema.Array(Someone).check(Schema.isMaxLength(3)),
    millis: Schema.Literals([0, 100, 400])
  }),
  Schema.Struct({ kind: Schema.Literals(["know", "forget"]), who: Someone }),
  Schema.Struct({ kind: Schema.Literals(["away", "contactsAway", "back", "back", "back"]) }),
  /** How long answers are on their way from now on. */
  Schema.Struct({ kind: Schema.Literal("slow"), millis: Schema.Literals([0, 100, 400]) }),
  Schema.Struct({ kind: Schema.Literal("pass"), millis: Schema.Literals([50, 200, 500, 1_000]) })
])
/** Each act, and the time until the next one. */
const Step = Schema.Tuple([Act, Schema.Literals([0, 50, 600, 2_500])])

const seen = occurrences("changes of presence", {
  "told of one who came": 100,
  "told of one who went": 100,
  "told while answers were slow": 35,
  "a call was overtaken by a later one": 1,
  "a call failed while the database was away": 20,
  "a watched user was a contact no more": 50
})

describe("changes of presence", () => {
  it.effect.prop(
    "come one after the other, of contacts only, and end with the truth, whatever happens",
    [Schema.Array(Step).check(Schema.isBetweenLength(5, 25)), Schema.Literals([0, 100, 400])],
    ([steps, slowness]) =>
      Effect.gen(function* () {
        seen.run()
        const fake = yield* FakePresence
        const ann = yield* start({ userId: "1" })
        const local = new Map<string, Started>()
        const elsewhere = new Set<string>()
        const known = new Set(["2", "3"])
        /** A user who was not a contact all the time: changes in between are seen with the next change only. */
        const lost = new Set<string>()
        for (const who of known) fake.know("1", who)
        const isOnline = (who: string) => local.has(who) || elsewhere.has(who)
        /** The state that the client believes, and the number of frames in it. */
        let believed = new Map<string, boolean>()
        let read = 0
        let called = 0
        let answered = 0
        const hear = () => {
          const frames = told(ann)
          for (const { userId, online } of frames.slice(read)) {
            assert.isTrue(believed.has(userId), "was told of somebody it does not watch")
            assert.notStrictEqual(believed.get(userId), online, "was told the same again")
            believed.set(userId, online)
            seen.saw(online ? "told of one who came" : "told of one who went")
            seen.saw("told while answers were slow", fake.before !== Effect.void)
          }
          read = frames.length
        }
        const act = Effect.fnUntraced(function* (step: typeof Act.Type) {
          switch (step.kind) {
            case "arrive":
              if (!local.has(step.who)) local.set(step.who, yield* start({ userId: step.who }))
              return
            case "leave": {
              const leaving = local.get(step.who)
              if (leaving !== undefined) yield* leave(leaving)
              return local.delete(step.who)
            }
            case "arriveElsewhere":
              elsewhere.add(step.who)
              return fake.setElsewhere(step.who, true)
            case "leaveElsewhere":
              elsewhere.delete(step.who)
              return fake.setElsewhere(step.who, false)
            case "know":
              known.add(step.who)
              return fake.know("1", step.who)
            case "forget":
              known.delete(step.who)
              lost.add(step.who)
              seen.saw("a watched user was a contact no more", believed.has(step.who))
              return fake.forget("1", step.who)
            case "away":
            case "contactsAway":
            case "back":
              fake.isAway = step.kind === "away"
              fake.areContactsAway = step.kind === "contactsAway"
              return
            case "slow":
              fake.before = step.millis === 0 ? Effect.void : Effect.sleep(step.millis)
              return
            case "pass":
              return yield* pass(step.millis)
            case "watch": {
              called += 1
              const call = called
              const { before } = fake
              fake.before = Effect.sleep(step.millis)
              const heard = Effect.map(Effect.result(watch(ann, ...step.userIds)), (answer) => {
                hear()
                // Of calls that overtake each other the last one counts.
                seen.saw("a call failed while the database was away", answer._tag === "Failure")
                seen.saw("a call was overtaken by a later one", call < answered)
                if (answer._tag === "Failure" || call < answered) return
                answered = call
                believed = new Map(answer.success.map(({ userId, online }) => [userId, online]))
              })
              yield* Effect.forkScoped(heard, { startImmediately: true })
              yield* settle
              fake.before = before
            }
          }
        })
        yield* act({ kind: "arriveElsewhere", who: "2" })
        yield* act({ kind: "arrive", who: "3" })
        yield* pass(1_000)
        yield* act({ kind: "watch", userIds: ["2", "3"], millis: 0 })
        yield* act({ kind: "slow", millis: slowness })
        for (const [step, millis] of steps) {
          yield* act(step)
          yield* pass(millis)
          hear()
        }
        fake.isAway = false
        fake.areContactsAway = false
        fake.before = Effect.void
        yield* pass(4_000)
        hear()
        for (const [who, online] of believed) if (!lost.has(who)) assert.strictEqual(online, isOnline(who), who)
        // A change that all who are known now may be told of.
        for (const who of known) fake.setElsewhere(who, false)
        yield* pass(4_000)
        for (const who of known) fake.setElsewhere(who, true)
        yield* pass(4_000)
        hear()
        for (const [who, online] of believed) if (known.has(who)) assert.isTrue(online, who)
        for (const who of known) elsewhere.add(who)
        // Of those it has no right to know of nothing more comes.
        for (const who of ["2", "3", "4"]) fake.setElsewhere(who, !elsewhere.has(who))
        const before = read
        yield* pass(4_000)
        for (const { userId } of told(ann).slice(before)) assert.isTrue(known.has(userId))
      }).pipe(Effect.provide(layer({}))),
    { arbitrary: { runs: 400 } }
  )
  seen.check()
})
