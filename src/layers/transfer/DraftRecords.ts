/** Drafts as the records of a Kafka topic: JSON, under the conversation as key, which keeps their order. */
import { Result, Schema } from "effect"
import type { Message as KafkaRecord } from "kafkajs"
import { groupEventFrom } from "../../domain/groups/Group.ts"
import { change, type Draft, groupEvent, type Made, message, type Unsent } from "../../domain/messages/Draft.ts"
import { isWritten, MessageType, MessageTypeSchema } from "../../domain/messages/Message.ts"
import { ChatType, ChatTypeSchema, ConversationId, ReceiverId } from "../../domain/shared/ConversationIds.ts"
import { ConnectionId, type GroupId, MessageId, UserId } from "../../domain/shared/Ids.ts"

export interface DraftRecord {
  readonly key: string
  readonly value: Buffer
}

/** Bytes that Kafka adds to the key and value of a record, at most. */
const recordOverhead = 100

/** A draft as JSON: flat, and a group event only as its text. Records of earlier releases look the same. */
const FlatDraft = Schema.Struct({
  messageId: MessageId,
  clientId: Schema.String,
  conversationId: ConversationId,
  chatType: ChatTypeSchema,
  senderId: UserId,
  receiveId: ReceiverId,
  sendTime: Schema.Int,
  messageType: MessageTypeSchema,
  content: Schema.String,
  targetSeq: Schema.optionalKey(Schema.Int),
  origin: Schema.optional(ConnectionId)
})
type FlatDraft = typeof FlatDraft.Type

export const recordOf = ({ mayComeAgain: _, ...draft }: Draft): DraftRecord => {
  const flat = draft.messageType === MessageType.system ? withoutEvent(draft) : draft
  return { key: draft.conversationId, value: Buffer.from(JSON.stringify(flat)) }
}

const withoutEvent = ({ event: _, ...flat }: { readonly event: unknown }) => flat

/** Bytes of a record in its topic, at most. */
export const sizeOf = ({ key, value }: DraftRecord): number => key.length + value.length + recordOverhead

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(FlatDraft))

/** Makes the draft again that a gateway has made: nothing reaches the store that a gateway would have refused. */
const unsentOf = (flat: FlatDraft): Made<Unsent> | string => {
  const { clientId, senderId, conversationId, chatType, receiveId, messageType, content, targetSeq } = flat
  const author = { clientId, senderId }
  if (messageType >= MessageType.recall !== (targetSeq !== undefined)) {
    return "a change, and nothing else, has a targetSeq"
  }
  if (isWritten(messageType)) return message(author, { conversationId, chatType, receiveId, messageType, content })
  if (messageType === MessageType.system) {
    if (chatType === ChatType.single) return "only groups have events"
    const event = groupEventFrom(content)
    return Result.isFailure(event)
      ? `content is no group event: ${event.failure}`
      : groupEvent(author, receiveId as GroupId, event.success)
  }
  return change(author, { conversationId, seq: targetSeq ?? 0 }, messageType, content)
}

/** Reads a record of any origin; fails with the reason why it is not a draft. */
export const draftOf = (record: Pick<KafkaRecord, "value">): Result.Result<Draft, string> => {
  const decoded = decode(record.value?.toString() ?? "")
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure.message)
  const flat = decoded.success
  const unsent = unsentOf(flat)
  if (typeof unsent === "string") return Result.fail(unsent)
  if (Result.isFailure(unsent)) {
    const { msg } = unsent.failure
    return Result.fail(unsent.failure._tag === "BadParameters" ? `clientId: ${msg}` : msg)
  }
  const { success } = unsent
  if (success.conversationId !== flat.conversationId || success.receiveId !== flat.receiveId) {
    return Result.fail("the conversation is not that of senderId and receiveId")
  }
  const { messageId, sendTime, origin } = flat
  return Result.succeed({ ...success, messageId, sendTime, origin, mayComeAgain: true })
}
