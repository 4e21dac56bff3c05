/** Use cases of conversations, for HTTP, RPC and socket alike: history by time, lists, read positions. */
import { Context, Effect, Layer, Option } from "effect"
import { EphemeralEvents } from "../cluster/EphemeralEvents.ts"
import type { ContactRefusal } from "../contacts/UserPair.ts"
import {
  ConversationLists,
  type ListChange,
  type ListPage,
  listPositionOf
} from "../conversations/ConversationLists.ts"
import { Conversations, type ReadRecords } from "../conversations/Conversations.ts"
import type { Message } from "../messages/Message.ts"
import { type ChatLogQuery, MessageStore, type Reader } from "../messages/MessageStore.ts"
import type { ConversationId, Receiver } from "../shared/ConversationIds.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"

/** Users reach only their own conversations. Chat logs are for services, too: `undefined` as reader reads all of them. */
export class ConversationService extends Context.Service<
  ConversationService,
  {
    readonly chatLog: (
      reader: Reader,
      query: ChatLogQuery
    ) => Effect.Effect<ReadonlyArray<Message>, Failure<"NoConversation" | "DatabaseError">>
    readonly readRecords: (
      reader: UserId,
      messageId: string
    ) => Effect.Effect<ReadRecords, Failure<"NoMessage" | "DatabaseError">>
    readonly setUp: (
      userId: UserId,
      receiver: Receiver
    ) => Effect.Effect<ConversationId, Failure<"NoReceiver" | ContactRefusal | "NoConversation" | "DatabaseError">>
    /** A page of the list; `after` is the cursor at which an earlier page ended, and anything else a bad parameter. */
    readonly list: (
      userId: UserId,
      after: string | undefined
    ) => Effect.Effect<ListPage, Failure<"BadParameters" | "DatabaseError">>
    /** Changes the list, all or nothing, and publishes the read positions that moved. */
    readonly change: (
      userId: UserId,
      changes: ReadonlyArray<ListChange>
    ) => Effect.Effect<void, Failure<"NoConversation" | "BadParameters" | "DatabaseError">>
  }
>()("fiberchat/domain/ConversationService") {
  static readonly layer = Layer.effect(
    ConversationService,
    Effect.gen(function* () {
      const store = yield* MessageStore
      const conversations = yield* Conversations
      const lists = yield* ConversationLists
      const events = yield* EphemeralEvents

      return ConversationService.of({
        chatLog: (reader, query) => store.chatLog(reader, query),
        readRecords: (reader, messageId) => conversations.readRecords(reader, messageId),
        setUp: (userId, receiver) => lists.setUp(userId, receiver),

        list: Effect.fn("ConversationService.list")(function* (userId, after) {
          if (after === undefined) return yield* lists.list(userId, undefined)
          const position = listPositionOf(after)
          if (Option.isNone(position)) {
            return yield* failure("BadParameters", { msg: "after is not the next of a list" })
          }
          return yield* lists.list(userId, position.value)
        }),

        change: Effect.fn("ConversationService.change")(function* (userId, changes) {
          for (const { conversationId, seq, isBlocked } of yield* lists.change(userId, changes)) {
            events.publish({ _tag: "Read", conversationId, userId, seq, onlyOwn: isBlocked })
          }
        }, Effect.uninterruptible)
      })
    })
  )
}
