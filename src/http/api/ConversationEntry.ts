/** A user's list of conversations as it is shown and changed, over HTTP and RPC (protocol.md section 2.2). */
import { Schema } from "effect"
import {
  type ListChange,
  type ListedConversation,
  type ListPage,
  listChangesMax,
  listCursorOf
} from "../../domain/conversations/ConversationLists.ts"
import { MessageFields } from "../../domain/messages/Message.ts"
import { ConversationId, ReceiverId, receiverIn } from "../../domain/shared/ConversationIds.ts"
import { UserId } from "../../domain/shared/Ids.ts"
import { Natural } from "../../domain/shared/Natural.ts"
import { ChatLog, chatLog } from "./ChatLog.ts"

/**
 * A conversation of the caller's list. `total` and `seq` are the seq of its last message, `read` is the caller's read
 * position; `unread` counts the messages of types 0 to 6 after it, those recalled left out.
 */
export const ConversationEntry = Schema.Struct({
  conversationId: ConversationId,
  chatType: MessageFields.chatType,
  /** The other user, or the group. */
  targetId: ReceiverId,
  isShow: Schema.Boolean,
  pinned: Schema.Boolean,
  muted: Schema.Boolean,
  seq: Schema.Int,
  read: Schema.Int,
  total: Schema.Int,
  unread: Schema.Int,
  /** The caller sees the messages after this seq. */
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

/** Changes of conversations in the caller's list; `read` moves forward only. */
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

const entryOf = (userId: UserId, listed: ListedConversation): ConversationEntry => {
  const { conversationId, chatType, lastSeq, readSeq, unread, lastMessage } = listed
  return {
    conversationId,
    chatType,
    targetId: receiverIn(conversationId, userId).receiveId,
    isShow: listed.isShown,
    pinned: listed.isPinned,
    muted: listed.isMuted,
    seq: lastSeq,
    read: readSeq,
    total: lastSeq,
    unread,
    joinedSeq: listed.joinedSeq,
    msg: lastMessage === undefined ? null : chatLog(lastMessage)
  }
}

/** A page of a user's list. */
export const conversationPage = (userId: UserId, page: ListPage): typeof ConversationPage.Type => ({
  userId,
  conversationList: Object.fromEntries(
    page.conversations.map((listed) => [listed.conversationId, entryOf(userId, listed)])
  ),
  ...(page.next === undefined ? {} : { next: listCursorOf(page.next) })
})

/** The changes that a request asks for. */
export const listChanges = ({ conversationList }: typeof ConversationChanges.Type): ReadonlyArray<ListChange> =>
  Object.entries(conversationList).map(([id, { isShow, read, pinned, muted }]) => ({
    conversationId: id as ConversationId,
    ...(isShow === undefined ? {} : { isShown: isShow }),
    ...(pinned === undefined ? {} : { isPinned: pinned }),
    ...(muted === undefined ? {} : { isMuted: muted }),
    ...(read === undefined ? {} : { readSeq: read })
  }))
