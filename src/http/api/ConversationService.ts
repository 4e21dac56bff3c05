/** Conversations behind both their HTTP and their RPC face: history, lists, read positions. */
import { Context, Effect, Layer, Option, Schema } from "effect"
import { EphemeralEvents } from "../../domain/cluster/EphemeralEvents.ts"
import {
  ConversationLists,
  type ListedConversation,
  listCursorOf,
  listPositionOf
} from "../../domain/conversations/ConversationLists.ts"
import { Conversations, type ReadRecords } from "../../domain/conversations/Conversations.ts"
import { MessageStore, type Reader } from "../../domain/messages/MessageStore.ts"
import { type ChatType, ConversationId, receiverIn } from "../../domain/shared/ConversationIds.ts"
import { type Failure, failure } from "../../domain/shared/Failure.ts"
import type { UserId } from "../../domain/shared/Ids.ts"
import { type ChatLog, chatLog } from "./ChatLog.ts"
import type { ChatLogRequest } from "./ConversationApi.ts"
import type { ConversationChanges, ConversationEntry, ConversationPage } from "./ConversationEntry.ts"

const chatLogDefault = 100

/** What {@link ChatLogRequest} decodes to. */
type ChatLogQuery = Schema.Struct.Type<typeof ChatLogRequest>

/** For services and users; all of it is for one user, but the chat log that a service reads, and nothing of what is not theirs: `NoConversation`, `NoMessage`. */
export class ConversationService extends Context.Service<
  ConversationService,
  {
    readonly chatLog: (reader: Reader, query: ChatLogQuery) => Effect.Effect<ReadonlyArray<ChatLog>, Failure>
    readonly readRecords: (reader: UserId, messageId: string) => Effect.Effect<ReadRecords, Failure>
    readonly setUp: (userId: UserId, target: UserId, chatType: ChatType) => Effect.Effect<ConversationId, Failure>
    /** A page of the list; fails with `BadParameters` when `after` is not the `next` of one. */
    readonly conversations: (
      userId: UserId,
      after: string | undefined
    ) => Effect.Effect<typeof ConversationPage.Type, Failure>
    /** Changes the list, and tells the members whose messages were read. */
    readonly change: (
      userId: UserId,
      changes: (typeof ConversationChanges.Type)["conversationList"]
    ) => Effect.Effect<void, Failure>
  }
>()("fiberchat/http/ConversationService") {
  static readonly layer = Layer.effect(
    ConversationService,
    Effect.gen(function* () {
      const store = yield* MessageStore
      const conversations = yield* Conversations
      const lists = yield* ConversationLists
      const events = yield* EphemeralEvents

      return ConversationService.of({
        chatLog: Effect.fn("ConversationService.chatLog")(function* (reader, query) {
          const { conversationId, count, msgId } = query
          if (!Schema.is(ConversationId)(conversationId)) return yield* failure("NoConversation")
          const messages = yield* store.chatLog(reader, {
            conversationId,
            limit: count ?? chatLogDefault,
            ...bound("startSendTime", query.startSendTime),
            ...bound("endSendTime", query.endSendTime),
            ...bound("beforeSeq", query.beforeSeq),
            ...bound("afterSeq", query.afterSeq),
            ...(msgId === undefined || msgId === "" ? {} : { messageId: msgId })
          })
          return messages.map(chatLog)
        }),

        readRecords: conversations.readRecords,
        setUp: lists.setUp,

        conversations: Effect.fn("ConversationService.conversations")(function* (userId, after) {
          const position = after === undefined ? undefined : Option.getOrUndefined(listPositionOf(after))
          if (after !== undefined && position === undefined) {
            return yield* failure("BadParameters", { msg: "after is not the next of a list" })
          }
          const page = yield* lists.list(userId, position)
          return {
            userId,
            conversationList: Object.fromEntries(
              page.conversations.map((listed) => [listed.conversationId, entryOf(userId, listed)])
            ),
            ...(page.next === undefined ? {} : { next: listCursorOf(page.next) })
          }
        }),

        change: Effect.fn("ConversationService.change")(function* (userId, changes) {
          const wanted = Object.entries(changes).map(([id, { isShow, read, pinned, muted }]) => ({
            conversationId: id as ConversationId,
            ...(isShow === undefined ? {} : { isShown: isShow }),
            ...(pinned === undefined ? {} : { isPinned: pinned }),
            ...(muted === undefined ? {} : { isMuted: muted }),
            ...(read === undefined ? {} : { readSeq: read })
          }))
          for (const { conversationId, seq, isBlocked } of yield* lists.change(userId, wanted)) {
            events.publish({ _tag: "Read", conversationID: conversationId, userId, seq, onlyOwn: isBlocked })
          }
        }, Effect.uninterruptible)
      })
    })
  )
}

/** The Go project's clients write `0` for a bound that they do not want. */
const bound = <const Key extends string>(key: Key, value: number | undefined) =>
  (value === undefined || value === 0 ? {} : { [key]: value }) as { readonly [K in Key]?: number }

const entryOf = (userId: UserId, listed: ListedConversation): ConversationEntry => {
  const { conversationId, chatType, lastSeq, readSeq, lastMessage } = listed
  return {
    conversationId,
    chatType,
    targetId: receiverIn(conversationId, userId),
    isShow: listed.isShown,
    pinned: listed.isPinned,
    muted: listed.isMuted,
    seq: lastSeq,
    read: readSeq,
    total: lastSeq,
    unread: lastSeq - readSeq,
    joinedSeq: listed.joinedSeq,
    msg: lastMessage === undefined ? null : chatLog(lastMessage)
  }
}
