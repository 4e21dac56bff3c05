/** This server with one layer exchanged: messages are numbered in memory, so that what is left is the live path. */
import "effect/schema/SchemaJITCompiler/enable"
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { type ConversationEnd, noFacts } from "../../src/domain/messages/AppendFacts.ts"
import { appendPlan } from "../../src/domain/messages/AppendPlan.ts"
import type { AppendRules } from "../../src/domain/messages/AppendState.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import { failure } from "../../src/domain/shared/Failure.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import * as Server from "../../src/http/Server.ts"
import * as App from "../../src/layers/App.ts"
import * as Logging from "../../src/layers/settings/Logging.ts"
import * as Settings from "../../src/layers/settings/Settings.ts"

/** Nothing is changed here, and so no digest asked for. */
const rules: AppendRules = {
  policy: { windows: { recallMillis: 0, editMillis: 0 }, requireFriendship: false, groupHistory: "joined" },
  digestOf: (content) => content
}

const inMemory = Layer.sync(MessageStore, () => {
  const ends = new Map<ConversationId, ConversationEnd>()
  return MessageStore.of({
    appendBatch: (drafts) =>
      Effect.sync(() => {
        const users = new Set(drafts.flatMap(({ senderId, receiveId }) => [senderId, receiveId as UserId]))
        const { results, stored, readableCounts } = appendPlan(drafts, { ...noFacts, ends, users }, rules)
        for (const [index, { conversationId, seq, sendTime }] of stored.entries()) {
          ends.set(conversationId, { seq, sendTime, readable: readableCounts[index] ?? 0 })
        }
        return results
      }),
    decided: () => Effect.succeed(new Map()),
    history: () => Effect.fail(failure("NoConversation")),
    chatLog: () => Effect.fail(failure("NoConversation"))
  })
})

Layer.launch(
  Server.layer.pipe(Layer.provide(App.layerOf(inMemory)), Layer.provide(Logging.layer), Layer.provide(Settings.layer))
).pipe(NodeRuntime.runMain)
