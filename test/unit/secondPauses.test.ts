/** Limits that slow down a peer or a broker do so the second time, too, and end again each time. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { AppendResult } from "../../src/domain/messages/MessageStore.ts"
import { makeDraftQueue, waitingMax } from "../../src/layers/transfer/DraftQueue.ts"
import { frame, layer, message, settle, start } from "../support/ActorHarness.ts"
import { draft } from "../support/Drafts.ts"

/** More events than a mailbox takes before it pauses its socket. */
const flood = 300

describe("a mailbox that is flooded again and again", () => {
  it.effect("pauses its socket each time, and lets it go on each time", () =>
    Effect.gen(function* () {
      const { connection, transport } = yield* start()
      for (let round = 0; round < 3; round += 1) {
        for (let index = 0; index < flood; index += 1) {
          connection.tell({ _tag: "FrameReceived", frame: frame({ id: `${round} ${index}` }) })
        }
        assert.isTrue(transport.paused, `round ${round}`)
        yield* settle
        assert.isFalse(transport.paused, `round ${round}`)
      }
    }).pipe(Effect.provide(layer({})))
  )
})

describe("a queue of drafts that is full again and again", () => {
  it.effect("refuses each time, and says each time when it has room", () =>
    Effect.gen(function* () {
      const queue = yield* makeDraftQueue
      let answered = 0
      let offered = 0
      const offer = () => {
        const isTaken = queue.offer(draft("1", "2", `m${offered}`, { content: "x" }), () => {
          answered += 1
        })
        if (isTaken) offered += 1
        return isTaken
      }
      for (let round = 0; round < 3; round += 1) {
        for (let index = 0; index < waitingMax; index += 1) assert.isTrue(offer(), `round ${round}, draft ${index}`)
        assert.isFalse(offer(), `round ${round}`)
        const waiting = yield* Effect.forkChild(queue.room)
        yield* settle
        assert.isUndefined(waiting.pollUnsafe(), `round ${round}`)
        const consuming = yield* Effect.forkChild(
          queue.consume((drafts) =>
            Effect.succeed(drafts.map((): AppendResult => ({ _tag: "Stored", message: message(1) })))
          )
        )
        for (let turn = 0; turn < 1_000 && answered < offered; turn += 1) yield* settle
        assert.strictEqual(answered, offered)
        yield* settle
        assert.isDefined(waiting.pollUnsafe(), `round ${round}`)
        yield* Fiber.interrupt(consuming)
      }
    })
  )
})
