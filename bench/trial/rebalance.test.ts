/** What the conformance suite does not see: members that come, go and die while drafts flow. */
import { assert, it } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { Transfer } from "../../src/domain/cluster/Transfer.ts"
import type { Draft } from "../../src/domain/messages/Message.ts"
import type { AppendResult } from "../../src/domain/messages/MessageStore.ts"
import { failure } from "../../src/domain/shared/Failure.ts"
import * as Settings from "../../src/layers/settings/Settings.ts"
import { scratch } from "../../test/support/Backend.ts"
import { draft } from "../../test/support/Drafts.ts"
import * as TransferPlatformatic from "./TransferPlatformatic.ts"

const count = 6_000
const conversations = 12
const refusal = failure("Conflict")

/** One transfer of its own, as a process would have it. */
const member = (settings: Readonly<Record<string, string>>) =>
  Effect.map(
    Layer.build(
      Layer.fresh(TransferPlatformatic.layer).pipe(
        Layer.provide(Layer.fresh(Settings.layer)),
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(settings)))
      )
    ),
    Context.get(Transfer)
  )

it.live("loses nothing and keeps the order while members of the group come and go", () =>
  Effect.gen(function* () {
    const { settings } = yield* scratch
    const gateway = yield* member(settings)
    /** What the store would have: a draft that comes again is no second one. */
    const stored = new Map<string, Array<string>>()
    const known = new Set<string>()
    const workers = new Set<string>()
    const processOf = (name: string) => (batch: ReadonlyArray<Draft>) =>
      Effect.gen(function* () {
        yield* Effect.sleep("2 millis")
        workers.add(name)
        return batch.map((one): AppendResult => {
          if (!known.has(one.messageId)) {
            known.add(one.messageId)
            stored.set(one.conversationId, [...(stored.get(one.conversationId) ?? []), one.clientId])
          }
          const result: AppendResult = { _tag: "Rejected", error: refusal }
          // The worker is another process: the result comes back to the gateway by its own way.
          gateway.settle(one.messageId, result)
          return result
        })
      })

    const worker = (name: string) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const transfer = yield* Scope.provide(member(settings), scope)
        const fiber = yield* Effect.forkChild(transfer.consume({ process: processOf(name), refuse: () => Effect.void }))
        return Effect.andThen(Fiber.interrupt(fiber), Scope.close(scope, Exit.void))
      })

    const sent = Array.from({ length: count }, (_, index) =>
      draft(String(100 + (index % conversations)), "9", `m${index}`)
    )
    let answered = 0
    const publishing = yield* Effect.forkChild(
      Effect.gen(function* () {
        for (const [index, one] of sent.entries()) {
          assert.isTrue(gateway.publish(one, () => (answered += 1)))
          if (index % 20 === 0) yield* Effect.sleep("20 millis")
        }
      })
    )
    const endFirst = yield* worker("first")
    yield* Effect.sleep("1500 millis")
    const endSecond = yield* worker("second")
    yield* Effect.sleep("2 seconds")
    yield* endFirst
    yield* Effect.sleep("1 second")
    const endThird = yield* worker("third")
    yield* Fiber.join(publishing)
    while (answered < count) yield* Effect.sleep("50 millis")
    yield* Effect.all([endSecond, endThird])

    assert.deepStrictEqual([...workers].sort(), ["first", "second", "third"])
    assert.strictEqual(known.size, count)
    for (const [id, clientIds] of stored) {
      assert.deepStrictEqual(
        clientIds,
        sent.filter((one) => one.conversationId === id).map((one) => one.clientId)
      )
    }
  })
)
