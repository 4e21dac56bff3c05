/** Who gets the messages of a group, over random ways of messages to this node (`src/actors/delivery/GroupAudiences.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Delivery } from "../../src/actors/delivery/Delivery.ts"
import type { Message } from "../../src/domain/messages/Message.ts"
import { settle } from "../support/ActorHarness.ts"
import { group, joined, left, removed, users, withStage } from "../support/GroupStage.ts"

const Step = Schema.Struct({
  user: Schema.Literals(["1", "2", "3"]),
  what: Schema.Literals(["words", "words", "words", "join", "leave", "remove"]),
  /** What becomes of the message on its way. */
  fate: Schema.Literals(["comes", "comes", "comes", "comes", "is lost", "comes twice"]),
  next: Schema.Literals(["nothing", "nothing", "nothing", "hold", "let go", "an old one", "call"])
})

describe("the audience of a group", () => {
  it.effect.prop(
    "is told of nothing that it may not see, and of everything in order while nothing is held up or lost",
    [Schema.Array(Step).check(Schema.isMaxLength(25))],
    ([steps]) =>
      withStage((stage, deliver) =>
        Effect.gen(function* () {
          const delivery = yield* Delivery
          const isSmooth = steps.every(({ fate, next }) => fate === "comes" && next === "nothing")
          const delivered: Array<Message> = []
          for (const { user, what, fate, next } of steps) {
            const isMember = stage.groups.get(group)?.members.has(user) === true
            if (what === "join" ? isMember : !isMember) continue
            const event = { words: undefined, join: joined(user), leave: left, remove: removed(user) }[what]
            const message = stage.store(group, what === "remove" ? "1" : user, event)
            if (fate !== "is lost") yield* deliver(message)
            if (fate === "comes twice") yield* deliver(message)
            delivered.push(message)
            if (next === "hold") stage.hold()
            if (next === "let go") stage.letGo()
            if (next === "an old one") yield* deliver(delivered[Math.floor(delivered.length / 2)]!)
            if (next === "call") delivery.requestResync()
            yield* settle
          }
          stage.letGo()
          yield* settle
          for (const userId of users) {
            const seqs = (stage.told.get(userId) ?? []).flatMap((told) => (typeof told === "string" ? [] : told))
            const mayHave = (seq: number) => stage.allowed.get(`${group}/${seq}`)?.has(userId) === true
            assert.deepStrictEqual(
              seqs.filter((seq) => !mayHave(seq)),
              []
            )
            if (!isSmooth) continue
            assert.deepStrictEqual(seqs, delivered.map(({ seq }) => seq).filter(mayHave))
          }
        })
      ),
    { arbitrary: { runs: 1_000 } }
  )
})
