/** The receivers of a group's messages, over random paths of messages to this node (`GroupAudiences.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Delivery } from "../../src/actors/delivery/Delivery.ts"
import type { Message } from "../../src/domain/messages/Message.ts"
import { settle } from "../support/ActorHarness.ts"
import { group, joined, left, removed, users, withStage } from "../support/GroupStage.ts"
import { occurrences } from "../support/Occurrences.ts"

const Step = Schema.Struct({
  user: Schema.Literals(["1", "2", "3"]),
  what: Schema.Literals(["words", "words", "words", "join", "leave", "remove"]),
  /** The fate of a message on its way. */
  fate: Schema.Literals(["comes", "comes", "comes", "comes", "is lost", "comes twice"]),
  next: Schema.Literals(["nothing", "nothing", "nothing", "hold", "let go", "an old one", "call"])
})
const Script = Schema.Struct({
  /** Whether every message comes, once and in its turn, and nothing is held up. */
  isSmooth: Schema.Literals([true, false, false]),
  steps: Schema.Array(Step).check(Schema.isMaxLength(25))
})
const smooth = { fate: "comes", next: "nothing" } as const

describe("the audience of a group", () => {
  const seen = occurrences("the audience", {
    "a smooth run in which a member is told of six messages or more": 80,
    "a smooth run in which a user joins, and is told of the messages after it": 40,
    "a message is lost, and the next one comes": 200,
    "a message comes while the members are being read": 300,
    "a message that not everybody may see": 1_000
  })

  it.effect.prop(
    "is told of nothing that it may not see, and of everything in order while nothing is held up or lost",
    [Script],
    ([{ isSmooth, steps }]) =>
      withStage((stage, deliver) =>
        Effect.gen(function* () {
          const delivery = yield* Delivery
          const delivered: Array<Message> = []
          let isHeld = false
          let isLost = false
          seen.run()
          for (const { user, what, ...way } of steps) {
            const { fate, next } = isSmooth ? smooth : way
            const isMember = stage.groups.get(group)?.members.has(user) === true
            if (what === "join" ? isMember : !isMember) continue
            const event = { words: undefined, join: joined(user), leave: left, remove: removed(user) }[what]
            const message = stage.store(group, what === "remove" ? "1" : user, event)
            if (fate !== "is lost") yield* deliver(message)
            if (fate === "comes twice") yield* deliver(message)
            delivered.push(message)
            seen.saw("a message is lost, and the next one comes", isLost && fate !== "is lost")
            seen.saw("a message comes while the members are being read", isHeld && fate !== "is lost")
            const allowed = stage.allowed.get(`${group}/${message.seq}`)
            seen.saw(
              "a message that not everybody may see",
              users.some((userId) => allowed?.has(userId) !== true)
            )
            isLost = fate === "is lost"
            if (next === "hold") isHeld = true
            if (next === "let go") isHeld = false
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
            seen.saw("a smooth run in which a member is told of six messages or more", seqs.length >= 6)
            const isNew = userId === "3" && seqs.length >= 2
            seen.saw("a smooth run in which a user joins, and is told of the messages after it", isNew)
          }
        })
      ),
    { arbitrary: { runs: 1_000 } }
  )
  seen.check()
})
