/** The contract of every {@link Transfer}. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, type Layer } from "effect"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import type { Message } from "../../src/domain/messages/Message.ts"
import type { AppendResult } from "../../src/domain/messages/MessageStore.ts"
import { type Consumer, Transfer } from "../../src/domain/messages/Transfer.ts"
import { failure } from "../../src/domain/shared/Failure.ts"
import { draft } from "../support/Drafts.ts"

const stored = (draft: Draft): AppendResult => ({
  _tag: "Stored",
  message: { messageId: draft.messageId, clientId: draft.clientId } as Message
})

/** Publishes drafts and waits until each has been answered. */
const publishAll = (drafts: ReadonlyArray<Draft>) =>
  Effect.gen(function* () {
    const transfer = yield* Transfer
    return yield* Effect.all(
      drafts.map((draft) =>
        Effect.callback<AppendResult>((resume) => {
          const taken = transfer.publish(draft, (result) => resume(Effect.succeed(result)))
          if (!taken) resume(Effect.die(new Error("not taken")))
        })
      ),
      { concurrency: "unbounded" }
    )
  })

const drafts = (count: number) =>
  Array.from({ length: count }, (_, index) => draft(String(1 + (index % 3)), "9", `m${index}`))

const consume = (transfer: Transfer["Service"], process: Consumer["process"]) =>
  transfer.consume({ process, refuse: () => Effect.void })

export const transferSuite = <E>(name: string, layer: Layer.Layer<Transfer, E>) =>
  describe(`transfer: ${name}`, () => {
    it.live("brings every draft to the consumer, those of one conversation in order, and the result back", () =>
      Effect.gen(function* () {
        const transfer = yield* Transfer
        const seen: Array<Draft> = []
        yield* Effect.forkChild(
          consume(transfer, (batch) =>
            Effect.sync(() => {
              // Whether it may come again is the transfer's own word.
              for (const { mayComeAgain: _, ...one } of batch) seen.push(one as Draft)
              return batch.map(stored)
            })
          )
        )
        const sent = drafts(1_000)
        const results = yield* publishAll(sent)
        assert.deepStrictEqual(
          results.map((result) => (result._tag === "Stored" ? result.message.clientId : result)),
          sent.map((draft) => draft.clientId)
        )
        for (const sender of ["1", "2", "3"]) {
          const own = (list: ReadonlyArray<Draft>) => list.filter((draft) => draft.senderId === sender)
          assert.deepStrictEqual(own(seen), own(sent))
        }
      }).pipe(Effect.provide(layer))
    )

    it.live("goes on after a draft that cannot be stored, and tells only its sender", () =>
      Effect.gen(function* () {
        const transfer = yield* Transfer
        const isPoison = (draft: Draft) => draft.clientId === "m7"
        yield* Effect.forkChild(
          consume(transfer, (batch) =>
            batch.some(isPoison) ? Effect.die(new Error("poison")) : Effect.succeed(batch.map(stored))
          )
        )
        const results = yield* publishAll(drafts(20))
        for (const [index, result] of results.entries()) {
          if (index === 7) assert.strictEqual(result._tag === "Rejected" && result.error.code, 100001)
          else assert.strictEqual(result._tag, "Stored")
        }
      }).pipe(Effect.provide(layer))
    )

    it.live("answers every waiting sender when the store fails, now or when it is back, and recovers with it", () =>
      Effect.gen(function* () {
        const transfer = yield* Transfer
        const failed = yield* Deferred.make<void>()
        let broken = true
        yield* Effect.forkChild(
          consume(transfer, (batch) => {
            if (!broken) return Effect.succeed(batch.map(stored))
            Deferred.doneUnsafe(failed, Effect.void)
            return Effect.fail(failure("DatabaseError", { retryAfter: 1_000 }))
          })
        )
        const first = yield* Effect.forkChild(publishAll(drafts(64)))
        yield* Deferred.await(failed)
        broken = false
        for (const result of yield* Fiber.join(first)) {
          assert.isTrue(
            result._tag === "Stored" || (result._tag === "Rejected" && result.error._tag === "DatabaseError")
          )
        }
        assert.isTrue((yield* publishAll(drafts(64))).every((result) => result._tag === "Stored"))
      }).pipe(Effect.provide(layer))
    )

    it.live("takes no more than it can hold, and says so", () =>
      Effect.gen(function* () {
        const transfer = yield* Transfer
        const open = yield* Deferred.make<void>()
        yield* Effect.forkChild(consume(transfer, (batch) => Effect.as(Deferred.await(open), batch.map(stored))))
        const allAnswered = yield* Deferred.make<void>()
        let taken = 0
        let answered = 0
        const reply = () => {
          answered += 1
          if (answered === taken) Deferred.doneUnsafe(allAnswered, Effect.void)
        }
        while (taken < 1_000_000 && transfer.publish(draft("1", "2", "m"), reply)) taken += 1
        assert.isBelow(taken, 1_000_000)
        yield* Deferred.succeed(open, undefined)
        yield* Deferred.await(allAnswered)
        assert.strictEqual(answered, taken)
      }).pipe(Effect.provide(layer))
    )
  })
