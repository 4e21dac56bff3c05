/** Users who become contacts by messages, in every implementation of {@link Contacts}. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Schema } from "effect"
import type { UserRepository } from "../../src/domain/accounts/User.ts"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { agree } from "../support/ContactQuestions.ts"
import { draft } from "../support/Drafts.ts"
import { runsOf } from "../support/Runs.ts"
import { insertUsers } from "../support/StoredUsers.ts"

const Id = Schema.Literals(["1", "2", "10"])
const Acts = Schema.Array(
  Schema.Struct({ kind: Schema.Literals(["send", "send", "block", "unblock"]), from: Id, to: Id })
).check(Schema.isMaxLength(12))

export const acquaintancesSuite = <E>(name: string, layer: Layer.Layer<Contacts | MessageStore | UserRepository, E>) =>
  describe(`contacts without friendship on ${name}`, () => {
    it.effect.prop(
      "are those with whom messages went both ways, neither blocking the other",
      [Acts],
      ([acts]) =>
        Effect.gen(function* () {
          yield* insertUsers
          const contacts = yield* Contacts
          const store = yield* MessageStore
          const blocks = new Set<string>()
          const sent = new Set<string>()
          for (const [index, { kind, from, to }] of acts.entries()) {
            if (from === to) continue
            const [pair, reverse] = [`${from}>${to}`, `${to}>${from}`]
            if (kind === "send") {
              const [result] = yield* store.appendBatch([draft(from, to, `m${index}`)])
              assert.strictEqual(result?._tag, blocks.has(pair) || blocks.has(reverse) ? "Rejected" : "Stored")
              if (result?._tag === "Stored") sent.add(pair)
            } else if (kind === "block") {
              yield* contacts.block(from as UserId, to as UserId)
              blocks.add(pair)
            } else {
              yield* contacts.unblock(from as UserId, to as UserId)
              blocks.delete(pair)
            }
          }
          for (const one of ["1", "2", "10"]) {
            const expected = ["1", "2", "10"].filter((other) => {
              const [pair, reverse] = [`${one}>${other}`, `${other}>${one}`]
              return sent.has(pair) && sent.has(reverse) && !blocks.has(pair) && !blocks.has(reverse)
            })
            assert.sameMembers([...(yield* contacts.list(one as UserId))], expected)
          }
          yield* agree(["1", "2", "10"])
        }).pipe(Effect.provide(layer)),
      { arbitrary: { runs: runsOf(60) } }
    )
  })
