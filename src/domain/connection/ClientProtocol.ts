/** The WebSocket methods (protocol.md section 1.6): their names, kinds and payloads. */
import { Schema } from "effect"
import { PushPayload } from "../cluster/Handover.ts"
import { NoticesPayload } from "../cluster/Notice.ts"
import { WatchPayload } from "../contacts/Presence.ts"
import { SyncPayload } from "../conversations/Sync.ts"
import { ChatPayload } from "../messages/Message.ts"
import { historyMax } from "../messages/MessageStore.ts"
import { ConversationId } from "../shared/ConversationIds.ts"
import { Natural } from "../shared/Natural.ts"

/**
 * A method of the kind `command` changes something and is acknowledged in the connection's mode; a `query` asks
 * something and is answered by a data frame in every mode; a `signal` takes no answer in any.
 */
export type MethodKind = "command" | "query" | "signal"

export interface Method<Kind extends MethodKind, Payload> {
  readonly name: string
  readonly kind: Kind
  readonly payload: Schema.ConstraintDecoder<Payload>
}

export const command = <Payload>(
  name: string,
  payload: Schema.ConstraintDecoder<Payload>
): Method<"command", Payload> => ({ name, kind: "command", payload })

export const query = <Payload>(name: string, payload: Schema.ConstraintDecoder<Payload>): Method<"query", Payload> => ({
  name,
  kind: "query",
  payload
})

export const signal = <Payload>(
  name: string,
  payload: Schema.ConstraintDecoder<Payload>
): Method<"signal", Payload> => ({ name, kind: "signal", payload })

const Place = { conversationID: ConversationId, seq: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)) }

export const MarkReadPayload = Schema.Struct({ conversationID: ConversationId, seq: Natural })

export const HistoryPayload = Schema.Struct({
  conversationID: ConversationId,
  beforeSeq: Schema.optionalKey(Natural),
  afterSeq: Schema.optionalKey(Natural),
  limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: historyMax })))
})

export const methods = {
  chat: command("conversation.chat", ChatPayload),
  markRead: command("conversation.markRead", MarkReadPayload),
  recall: command("message.recall", Schema.Struct(Place)),
  edit: command("message.edit", Schema.Struct({ ...Place, content: Schema.String })),
  react: command("message.react", Schema.Struct({ ...Place, reaction: Schema.String })),
  typing: signal("typing", Schema.Struct({ conversationID: ConversationId })),
  history: query("conversation.history", HistoryPayload),
  sync: query("conversation.sync", SyncPayload),
  online: query("user.online", Schema.Struct({})),
  watch: query("presence.watch", WatchPayload),
  push: command("push", PushPayload),
  missed: command("push.missed", Schema.Struct({})),
  notices: command("notices", NoticesPayload)
}

const namesOf = (wanted: MethodKind): ReadonlySet<string> =>
  new Set(Object.values(methods).flatMap(({ name, kind }) => (kind === wanted ? [name] : [])))
const commands = namesOf("command")
const signals = namesOf("signal")

/** Whether frames of this method take acks; frames of an unknown method do not. */
export const isCommand = (method: string): boolean => commands.has(method)

/** Whether frames of this method are never answered, but with an error. */
export const isSignal = (method: string): boolean => signals.has(method)

/** Whether the client asks for messages that it may have missed. */
export const findsMissed = (method: string): boolean => method === methods.sync.name || method === methods.history.name
