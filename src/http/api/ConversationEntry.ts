/** A user's list of conversations as it is shown and changed, over HTTP and RPC (protocol.md section 2.2). */
import { Schema } from "effect"
import { listChangesMax } from "../../domain/conversations/ConversationLists.ts"
import { Message } from "../../domain/messages/Message.ts"
import { ConversationId } from "../../domain/shared/ConversationIds.ts"
import { UserId } from "../../domain/shared/Ids.ts"
import { Natural } from "../../domain/shared/Natural.ts"
import { ChatLog } from "./ChatLog.ts"

/**
 * A conversation of the caller's list. `total` and `seq` are the position of its last message, `read` is how far the
 * caller has read; `unread` is what lies between, one's own never.
 */
export const ConversationEntry = Schema.Struct({
  conversationId: ConversationId,
  chatType: Message.fields.chatType,
  /** The other user, or the group. */
  targetId: UserId,
  isShow: Schema.Boolean,
  pinned: Schema.Boolean,
  muted: Schema.Boolean,
  seq: Schema.Int,
  read: Schema.Int,
  total: Schema.Int,
  unread: Schema.Int,
  /** What the caller sees comes after this message. */
  joinedSeq: Schema.Int,
  /** The last message, recalls, edits and reactions left out. */
  msg: Schema.NullOr(ChatLog)
}).annotate({ identifier: "ConversationEntry" })
export type ConversationEntry = typeof ConversationEntry.Type

/** One page of a list. */
export const ConversationPage = Schema.Struct({
  userId: UserId,
  conversationList: Schema.Record(ConversationId, ConversationEntry),
  /** Where the next page begins: `?after=`. Absent on the last one. */
  next: Schema.optionalKey(Schema.String)
})

/** What the caller makes of conversations in their list; `read` moves forward only. */
export const ConversationChanges = Schema.Struct({
  conversationList: Schema.Record(
    // Checked below: a key that does not fit its schema would be left out without a word.
    Schema.String,
    Schema.Struct({
      isShow: Schema.optionalKey(Schema.Boolean),
      read: Schema.optionalKey(Natural),
      pinned: Schema.optionalKey(Schema.Boolean),
      muted: Schema.optionalKey(Schema.Boolean)
    })
  ).check(
    Schema.isMaxProperties(listChangesMax),
    Schema.makeFilter((list: object) => Object.keys(list).every(Schema.is(ConversationId)), {
      expected: "ids of conversations as keys"
    })
  )
})
