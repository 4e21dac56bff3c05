/** Drafts as the records of a Kafka topic: JSON, under the conversation as key, which keeps their order. */
import { Schema } from "effect"
import type { Message as KafkaRecord } from "kafkajs"
import { Draft } from "../domain/Message.ts"

/** Encodes a draft; the bytes are what the broker counts. */
export const recordOf = (draft: Draft): { readonly key: string; readonly value: Buffer } => ({
  key: draft.conversationId,
  value: Buffer.from(JSON.stringify(draft))
})

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Draft))

/** Reads a record; fails with a `SchemaError` when it holds no draft, whoever has written it. */
export const draftOf = (record: Pick<KafkaRecord, "value">) => decode(record.value?.toString() ?? "")
