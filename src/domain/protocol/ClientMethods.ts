/** The methods of the client protocol: every command, query and signal of a client (protocol.md section 1.6). */
import { Schema } from "effect"
import { PresenceState, WatchPayload } from "../contacts/Presence.ts"
import { SyncPayload, SyncResponse, wireSyncResponse } from "../conversations/Sync.ts"
import { Joining, JoinRequest, JoinResponse } from "../groups/Joining.ts"
import { ChatAck, ChatPayload, Message, MessageType, wireChatAck, wireMessage } from "../messages/Message.ts"
import { historyMax } from "../messages/MessageStore.ts"
import {
  changeRefusals,
  joinFailures,
  joinResponseFailures,
  messageRefusals,
  sendFailures
} from "../messages/Refusals.ts"
import { ConversationId } from "../shared/ConversationIds.ts"
import { UserId } from "../shared/Ids.ts"
import { Natural } from "../shared/Natural.ts"
import { type AnyMethod, command, type MethodKind, query, signal } from "./Method.ts"

/** The wire's name of a conversation's id. */
const onWire = { conversationId: "conversationID" } as const

/** The message that a change is about. */
const target = { conversationId: ConversationId, seq: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)) }

const ReadPosition = Schema.Struct({ conversationId: ConversationId, seq: Natural }).pipe(Schema.encodeKeys(onWire))

const HistoryPayload = Schema.Struct({
  conversationId: ConversationId,
  beforeSeq: Schema.optionalKey(Natural),
  afterSeq: Schema.optionalKey(Natural),
  limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: historyMax })))
}).pipe(Schema.encodeKeys(onWire))

const HistoryResponse = Schema.Struct({
  conversationId: ConversationId,
  messages: Schema.Array(Message),
  hasMore: Schema.Boolean,
  /** The caller sees the messages after this one; absent for everything. */
  joinedSeq: Schema.optionalKey(Schema.Int)
}).pipe(Schema.encodeKeys(onWire))

export const methods = {
  chat: command("conversation.chat", {
    summary: "Send a message to a user or a group",
    payload: ChatPayload,
    success: ChatAck,
    encode: wireChatAck,
    errors: [...sendFailures(messageRefusals), "Forbidden"]
  }),
  markRead: command("conversation.markRead", {
    summary: "Move the read position forward",
    payload: ReadPosition,
    success: ReadPosition,
    errors: ["NoConversation"]
  }),
  recall: command("message.recall", {
    summary: "Take a message back",
    payload: Schema.Struct(target).pipe(Schema.encodeKeys(onWire)),
    success: ChatAck,
    encode: wireChatAck,
    errors: sendFailures(changeRefusals[MessageType.recall])
  }),
  edit: command("message.edit", {
    summary: "Change the content of a message",
    payload: Schema.Struct({ ...target, content: Schema.String }).pipe(Schema.encodeKeys(onWire)),
    success: ChatAck,
    encode: wireChatAck,
    errors: sendFailures(changeRefusals[MessageType.edit])
  }),
  react: command("message.react", {
    summary: "React to a message, or take the reaction back",
    payload: Schema.Struct({ ...target, reaction: Schema.String }).pipe(Schema.encodeKeys(onWire)),
    success: ChatAck,
    encode: wireChatAck,
    errors: sendFailures(changeRefusals[MessageType.reaction])
  }),
  invite: command("group.invite", {
    summary: "Join a group, or bring others in; where approval is needed, by request",
    payload: JoinRequest,
    success: Joining,
    errors: joinFailures
  }),
  respond: command("group.respond", {
    summary: "Pass or refuse a request to join a group, or cancel one's own",
    payload: Schema.Struct(JoinResponse),
    success: Schema.Void,
    errors: joinResponseFailures
  }),
  active: signal("session.active", {
    summary: "Tell that somebody looks at the screen: the connection is not idle",
    payload: Schema.Struct({}),
    errors: []
  }),
  typing: signal("typing", {
    summary: "Tell the other members that the user is typing",
    payload: Schema.Struct({ conversationId: ConversationId }).pipe(Schema.encodeKeys(onWire)),
    errors: ["NoConversation", "Blocked", "NotFriends"]
  }),
  history: query("conversation.history", {
    summary: "Messages of a conversation by seq",
    payload: HistoryPayload,
    success: HistoryResponse,
    encode: ({ conversationId, messages, ...page }) => ({
      conversationID: conversationId,
      messages: messages.map(wireMessage),
      ...page
    }),
    errors: ["NoConversation"]
  }),
  sync: query("conversation.sync", {
    summary: "Everything that has changed since a cursor, in all conversations",
    payload: SyncPayload,
    success: SyncResponse,
    encode: wireSyncResponse,
    errors: ["StaleCursor"]
  }),
  online: query("user.online", {
    summary: "Contacts that are online",
    payload: Schema.Struct({}),
    success: Schema.Array(UserId),
    errors: []
  }),
  watch: query("presence.watch", {
    summary: "The presence of contacts, now and from now on",
    payload: WatchPayload,
    success: Schema.Struct({ users: Schema.Array(PresenceState) }),
    errors: ["Overloaded"]
  })
}

/** Every method, for code that treats all alike: documents, names, kinds. */
export const allMethods: ReadonlyArray<AnyMethod> = Object.values(methods)

const namesOf = (wanted: MethodKind): ReadonlySet<string> =>
  new Set(allMethods.flatMap(({ name, kind }) => (kind === wanted ? [name] : [])))
const commands = namesOf("command")
const signals = namesOf("signal")

/** Whether frames of this method are acknowledged; frames of an unknown method are not. */
export const isCommand = (method: string): boolean => commands.has(method)

/** Whether frames of this method have no response but an err frame. */
export const isSignal = (method: string): boolean => signals.has(method)

/** Whether the client requests messages that it may have missed. */
export const requestsMissed = (method: string): boolean =>
  method === methods.sync.name || method === methods.history.name
