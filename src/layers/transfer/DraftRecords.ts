/** Drafts as the records of a Kafka topic: JSON, under the conversation as key, which keeps their order. */
import { Result, Schema } from "effect"
import type { Message as KafkaRecord } from "kafkajs"
import { Draft, isChange, MessageType } from "../../domain/messages/Message.ts"
import { isContentSmall, isContentValid } from "../../domain/messages/MessageContent.ts"
import { ChatType, conversationWith } from "../../domain/shared/ConversationIds.ts"

export interface DraftRecord {
  readonly key: string
  readonly value: Buffer
}

/** What Kafka adds to key and value of a record, at most. */
const recordOverhead = 100
const clientIdMax = 64

export const recordOf = (draft: Draft): DraftRecord => ({
  key: draft.conversationId,
  value: Buffer.from(JSON.stringify(draft))
})

/** Bytes of a record in its topic, at most. */
export const sizeOf = ({ key, value }: DraftRecord): number => key.length + value.length + recordOverhead

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Draft))

/** What a gateway would have refused, and the store must not be asked for. */
const problemOf = (draft: Draft): string | undefined => {
  const { clientId, content, messageType, targetSeq, chatType, conversationId, senderId, receiveId } = draft
  if (clientId === "" || clientId.length > clientIdMax || !clientId.isWellFormed()) return "clientId is no id"
  if (!isContentSmall(content)) return "content is larger than 16 KiB"
  if (!isContentValid(messageType, content)) return "content is not well-formed text, or does not fit its type"
  if (conversationId !== conversationWith(chatType, senderId, receiveId))
    return "the conversation is not that of senderId and receiveId"
  if (messageType === MessageType.system && chatType === ChatType.single) return "only groups have events"
  if (isChange(messageType) !== (targetSeq !== undefined)) return "a change, and nothing else, has a targetSeq"
  return undefined
}

/** Reads a record, whoever has written it; fails with the reason for which it holds no draft. */
export const draftOf = (record: Pick<KafkaRecord, "value">): Result.Result<Draft, string> => {
  const decoded = decode(record.value?.toString() ?? "")
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure.message)
  const problem = problemOf(decoded.success)
  return problem === undefined ? Result.succeed(decoded.success) : Result.fail(problem)
}
