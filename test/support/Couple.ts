/** Two users of a server and a conversation between them, for tests of what becomes of their messages. */
import { Effect } from "effect"
import { conversationOf } from "./Kept.ts"
import type { Address } from "./ServerProcess.ts"
import { TestServer } from "./TestServer.ts"
import { register } from "./Users.ts"
import { writerOf } from "./Writer.ts"

/** Ann and Bob, with a device each. */
export const couple = (address: Address) =>
  Effect.gen(function* () {
    const [ann, bob] = yield* Effect.provideService(Effect.all([register(), register()]), TestServer, address)
    const writer = yield* writerOf(address, `ann-${ann.id}`, ann, bob)
    const reader = yield* writerOf(address, `bob-${bob.id}`, bob, ann)
    return { ann, bob, writer, reader, conversationID: conversationOf(ann, bob) }
  })

/** Content by number, each different. */
export const texts = (count: number, from = 0): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `text ${from + index}`)
